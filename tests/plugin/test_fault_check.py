from __future__ import annotations

import pytest


def run(pytester, *arguments):
    return pytester.runpytest("-p", "no:cacheprovider", "-p", "no:randomly", *arguments)


UNUSED = """
    import boto3
    import pytest

    @pytest.mark.lambda_esm_fault("DeleteEventSourceMapping", "ServiceException")
    def test_it(lambda_esm):
        boto3.client("lambda", "eu-west-1").list_functions()
        {body}
"""


@pytest.mark.parametrize("arguments", [[], pytest.param(["-n1"], marks=pytest.mark.slow)], ids=["alone", "xdist"])
def test_a_fault_that_never_struck_fails_the_test_in_its_call_phase(pytester, arguments):
    pytester.makepyfile(UNUSED.format(body=""))
    result = run(pytester, *arguments)

    result.assert_outcomes(failed=1, errors=0)
    result.stdout.fnmatch_lines(
        [
            "1 fault that the test asked for never struck:",
            "  @pytest.mark.lambda_esm_fault('DeleteEventSourceMapping', 'ServiceException')",
            "    asked for at a marker of test_a_fault*.py::test_it",
            "    since then there was no call of DeleteEventSourceMapping; calls meanwhile: ListFunctions (1)",
            "A test whose fault never strikes*optional=True*strict=False*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_where_the_test_fails_anyway_it_is_a_section_of_the_report(pytester):
    pytester.makepyfile(UNUSED.format(body="assert 1 == 2"))
    result = run(pytester)

    result.assert_outcomes(failed=1, errors=0)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "*- lambda esm faults -*", "1 fault that the test asked for*"])


def test_it_is_said_once(pytester):
    pytester.makepyfile(UNUSED.format(body=""))

    assert run(pytester).stdout.str().count("that the test asked for never struck") == 1


@pytest.mark.parametrize("how", ["optional", "strict", "skip"])
def test_it_can_be_allowed(pytester, how):
    marker = {"strict": "@pytest.mark.lambda_esm(strict=False)"}.get(how, "")
    optional = ", optional=True" if how == "optional" else ""
    pytester.makepyfile(
        f"""
        import pytest

        {marker}
        @pytest.mark.lambda_esm_fault("DeleteEventSourceMapping", "ServiceException"{optional})
        def test_it(lambda_esm):
            {"pytest.skip()" if how == "skip" else "pass"}
        """
    )
    result = run(pytester)
    result.assert_outcomes(**({"skipped": 1} if how == "skip" else {"passed": 1}))


def test_an_expected_failure_stays_one(pytester):
    pytester.makepyfile(
        UNUSED.format(body="raise KeyError").replace(
            "def test_it", "@pytest.mark.xfail(raises=KeyError)\n    def test_it"
        )
    )

    run(pytester).assert_outcomes(xfailed=1)


def test_a_refusal_points_to_the_users_line(pytester):
    pytester.makepyfile(
        """
        def test_it(lambda_esm):
            lambda_esm.faults.add("ListFunction", "ServiceException")
        """
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*.py:2: FaultError"])


def test_a_swallowed_predicate_error_fails_the_test(pytester):
    pytester.makepyfile(
        app="""
        import boto3

        def run():
            try:
                boto3.client("lambda", "eu-west-1").list_functions()
            except Exception:
                pass
        """,
        test_it="""
        import app

        def test_it(lambda_esm):
            lambda_esm.faults.add("ListFunctions", "ServiceException", match=lambda call: 1 / 0)
            app.run()
        """,
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FaultError: the predicate*raised ZeroDivisionError*"])


@pytest.mark.parametrize("service", ["lambda", "sqs"])
def test_a_predicate_that_raises_is_shown_without_our_frames(pytester, service):
    operation, call = {"lambda": ("ListFunctions", "list_functions"), "sqs": ("sqs.ListQueues", "list_queues")}[service]
    pytester.makepyfile(
        f"""
        import boto3

        def wrong(call):
            return call.params["Nam"]

        def test_it(lambda_esm):
            lambda_esm.faults.add("{operation}", "ThrottlingException", match=wrong)
            boto3.client("{service}", "eu-west-1").{call}()
        """
    )
    result = run(pytester, "--tb=short")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*: in wrong", "*KeyError: 'Nam'", "*FaultError: the predicate wrong of a fault raised*"]
    )
    assert not [line for line in result.outlines if "pytest_lambda_esm/" in line]


def test_hypothesis_sees_every_fault(pytester):
    """No example swallows a fault, and a fault that never strikes in one example is reported."""
    pytester.makepyfile(
        """
        import boto3
        from botocore.config import Config
        from hypothesis import given, settings, strategies as st
        from pytest_lambda_esm import FakeLambda

        @settings(max_examples=20, derandomize=True, database=None, deadline=None)
        @given(st.integers(0, 5), st.integers(0, 5))
        def test_strikes(after, calls):
            with FakeLambda(region="eu-west-1") as fake:
                client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
                fault = fake.faults.add("ListFunctions", "ServiceException", after=after, optional=True)
                try:
                    for _ in range(calls):
                        client.list_functions()
                except client.exceptions.ServiceException:
                    assert fault.hits == 1
                assert fault.hits == (calls > after)

        @settings(max_examples=20, derandomize=True, database=None, deadline=None)
        @given(st.integers(0, 5))
        def test_unused(calls):
            with FakeLambda(region="eu-west-1") as fake:
                fake.faults.add("ListFunctions", "ServiceException", after=2)
                client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
                for _ in range(min(calls, 2)):
                    client.list_functions()
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*UnusedFault: 1 fault that the test asked for never struck:*"])


def test_a_failing_test_in_bad_weather_tells_how_to_replay_it(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.lambda_esm(weather={"duplicates": 0.5})
        @pytest.mark.parametrize("text", ["it's"])
        def test_it(lambda_esm, text):
            assert text == ""
        """
    )
    result = run(pytester, "--lambda-esm-seed=7")
    result.stdout.fnmatch_lines(
        [
            "*- lambda esm weather -*",
            "Weather(duplicates=0.5*), drawn from the seed 7",
            "replay: pytest 'test_a_failing_test_in_bad_weather*.py::test_it[[]it'\"'\"'s[]]' --lambda-esm-seed=7",
        ]
    )


def test_weather_from_the_ini_file(pytester):
    pytester.makeini("[pytest]\nlambda_esm_weather =\n    duplicates = 0.25\n    slowest = 3\n")
    pytester.makepyfile(
        """
        def test_it(lambda_esm):
            assert (lambda_esm.config.weather.duplicates, lambda_esm.config.weather.slowest) == (0.25, 3.0)
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["lambda_esm: weather=Weather(duplicates=0.25*"])


@pytest.mark.slow
def test_a_sweep_under_xdist_and_rewritten_assertions(pytester):
    pytester.makepyfile(
        """
        import boto3
        import pytest
        from botocore.exceptions import ClientError

        @pytest.mark.parametrize("number", [0, 1])
        def test_it(lambda_esm, number):
            codes = []
            for run in lambda_esm.sweep(errors=("AccessDeniedException",)):
                with run:
                    try:
                        boto3.client("lambda", "eu-west-1").list_functions()
                    except ClientError as error:
                        codes.append(error.response["Error"]["Code"])
                    assert codes[number:] == []
        """
    )
    result = run(pytester, "-n1")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*SweepFailed: sweep: 2 worlds, 1 broke",
            "*world 2: ListFunctions, call 1 of this operation: AccessDeniedException",
            "*AssertionError: assert *'AccessDeniedException'*",
            "*replay it alone*@pytest.mark.lambda_esm_fault('ListFunctions', 'AccessDeniedException', per='call')",
        ]
    )


def test_a_sweep_in_code_that_catches_everything_fails_the_test(pytester):
    pytester.makepyfile(
        helper="""
        def everything(fake):
            try:
                for run in fake.sweep(errors=("AccessDeniedException",)):
                    with run:
                        fake.client("lambda").list_functions()
            except Exception:
                pass
        """,
        test_it="""
        import helper

        def test_it(lambda_esm):
            helper.everything(lambda_esm)
        """,
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*SweepFailed: sweep: 2 worlds, 1 broke"])


def test_a_sweep_that_is_left_fails_the_test(pytester):
    pytester.makepyfile(
        """
        def test_it(lambda_esm):
            for run in lambda_esm.sweep():
                with run:
                    lambda_esm.client("lambda").list_functions()
                break
        """
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["a sweep was left after 1 of its worlds, so far:"])


def test_a_passing_test_shows_on_demand_what_its_sweeps_saw(pytester):
    pytester.makepyfile(
        """
        import boto3

        def test_it(lambda_esm):
            for _ in range(2):
                for run in lambda_esm.sweep(errors=("ServiceException", "AccessDeniedException")):
                    with run:
                        try:
                            boto3.client("lambda", "eu-west-1").list_functions()
                        except Exception:
                            pass
        """
    )
    seen = "sweep: 3 worlds, none broke; in 2 the fault struck and the body completed"
    result = run(pytester, "-rP")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*- lambda esm sweeps -*", seen, seen])

    assert "lambda esm sweeps" not in run(pytester).stdout.str()
