from __future__ import annotations

import pytest

HEAD = """
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from pytest_lambda_esm import aws_error, lost_response

def code():
    try:
        boto3.client("lambda", "eu-west-1", config=Config(retries={"total_max_attempts": 1})).list_functions()
    except ClientError as error:
        return error.response["Error"]["Code"].removesuffix("Exception")
    return "-"
"""


def run(pytester, source, *arguments):
    pytester.makepyfile(HEAD + source)
    return pytester.runpytest("-p", "no:cacheprovider", "-p", "no:randomly", *arguments)


def test_stacked_markers_strike_from_top_to_bottom(pytester):
    result = run(
        pytester,
        """
@pytest.mark.lambda_esm_fault("ListFunctions", "TooManyRequestsException", times=2)
@pytest.mark.lambda_esm_fault("ListFunctions", "ServiceException")
@pytest.mark.lambda_esm_fault("ListFunctions", "AccessDeniedException")
def test_order(lambda_esm):
    assert [code() for _ in range(5)] == ["TooManyRequests"] * 2 + ["Service", "AccessDenied", "-"]
""",
    )
    result.assert_outcomes(passed=1)


def test_module_then_class_then_function_then_parameter_set(pytester):
    result = run(
        pytester,
        """
pytestmark = [
    pytest.mark.lambda_esm_fault("ListFunctions", "TooManyRequestsException"),
    pytest.mark.lambda_esm_fault("ListFunctions", "ServiceException"),
]

@pytest.mark.lambda_esm_fault("ListFunctions", "AccessDeniedException")
class TestThem:
    @pytest.mark.lambda_esm_fault("ListFunctions", "ValidationException")
    @pytest.mark.parametrize(
        "last",
        [
            pytest.param(
                ["ExpiredToken", "Throttling"],
                marks=[
                    pytest.mark.lambda_esm_fault("ListFunctions", "ExpiredTokenException"),
                    pytest.mark.lambda_esm_fault("ListFunctions", "ThrottlingException"),
                ],
            ),
            [],
        ],
    )
    def test_order(self, lambda_esm, last):
        expected = ["TooManyRequests", "Service", "AccessDenied", "Validation", *last, "-"]
        assert [code() for _ in expected] == expected
""",
    )
    result.assert_outcomes(passed=2)


def test_a_marked_test_need_not_name_the_fixture(pytester):
    result = run(
        pytester,
        """
@pytest.mark.lambda_esm_fault("ListFunctions", aws_error("TooManyRequestsException", Reason="CallerRateLimitExceeded"))
def test_it():
    assert code() == "TooManyRequests"
""",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        (
            "'ListFunction', 'ServiceException'",
            "*Lambda has no operation 'ListFunction'. Did you mean 'ListFunctions'*",
        ),
        ("'ListFunctions', 'ServiceExeption'", "*cannot raise 'ServiceExeption'. Did you mean 'ServiceException'*"),
        ("'ListFunctions'", "*it takes an operation and an error*not 'ListFunctions'*"),
        ("", "*it takes an operation and an error*not nothing*"),
        (
            "'ListFunctions', operation='ListTags'",
            "*it takes an operation and an error*'ListFunctions', operation=*",
        ),
        ("'ListFunctions', 'ServiceException', tims=2", "*it takes no 'tims'. Did you mean 'times'*"),
        ("'ListFunctions', 'ServiceException', times=-1", "*times is a whole number from 1*"),
        ("'ListFunctions', 'ServiceException', match={'Nam': 1}", "*has no parameter 'Nam'*"),
    ],
)
def test_wrong_markers_are_refused_at_collection_with_the_node_id(pytester, marker, told):
    result = run(
        pytester,
        f"""
class TestIt:
    @pytest.mark.lambda_esm_fault({marker})
    def test_it(self): ...

def test_another(): ...
""",
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*ERROR: *test_wrong_markers*.py::TestIt::test_it: marker lambda_esm_fault: *"])
    result.stderr.fnmatch_lines([told])


MISTAKES = """
@pytest.mark.lambda_esm_fault("ListFunction", "ServiceException")
@pytest.mark.lambda_esm_fault("ListFunctions", "ServiceExeption")
def test_faults(): ...

@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.lambda_esm(seeed=7)
def test_settings(number): ...

@pytest.mark.lambda_esm_fault("ListFunctions", "ServiceException")
def test_right():
    assert code() == "Service"

def test_unmarked(): ...
"""


def test_every_mistake_is_listed_once(pytester):
    result = run(pytester, MISTAKES)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert len(errors) == 3
    result.stderr.fnmatch_lines_random(
        [
            "ERROR: *::test_faults: marker lambda_esm_fault: Lambda has no operation 'ListFunction'. Did you mean *",
            "ERROR: *::test_faults: marker lambda_esm_fault: * cannot raise 'ServiceExeption'. Did you mean *",
            "ERROR: *::test_settings[[]1[]]: marker lambda_esm: *'seeed'* Did you mean 'seed'*(* 2 more tests)",
        ]
    )


@pytest.mark.slow
def test_under_xdist_mistakes_reach_the_user_and_no_test_is_lost(pytester):
    result = run(pytester, MISTAKES, "-n", "1")

    result.assert_outcomes(passed=2, errors=4)
    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines_random(
        [
            "test_*.py::test_faults: marker lambda_esm_fault: Lambda has no operation 'ListFunction'. Did you mean *",
            "test_*.py::test_faults: marker lambda_esm_fault: * cannot raise 'ServiceExeption'. Did you mean *",
            "test_*.py::test_settings[[]1[]]: marker lambda_esm: *'seeed'* Did you mean 'seed'*",
            "test_*.py::test_settings[[]3[]]: marker lambda_esm: *'seeed'* Did you mean 'seed'*",
        ]
    )


def test_operation_and_error_may_be_given_by_name(pytester):
    result = run(
        pytester,
        """
@pytest.mark.lambda_esm_fault("ListFunctions", error="ServiceException")
@pytest.mark.lambda_esm_fault(operation="ListFunctions", error="AccessDeniedException", times=2)
def test_it(lambda_esm):
    assert [code() for _ in range(4)] == ["Service", "AccessDenied", "AccessDenied", "-"]
""",
    )
    result.assert_outcomes(passed=1)


def test_markers_of_base_classes_come_before_the_classs_own(pytester):
    result = run(
        pytester,
        """
@pytest.mark.lambda_esm_fault("ListFunctions", "TooManyRequestsException")
@pytest.mark.lambda_esm_fault("ListFunctions", "ServiceException")
class Base:
    def test_order(self, lambda_esm):
        expected = self.expected
        assert [code() for _ in expected] == expected

@pytest.mark.lambda_esm_fault("ListFunctions", "AccessDeniedException")
@pytest.mark.lambda_esm_fault("ListFunctions", "ValidationException")
class TestThem(Base):
    expected = ["TooManyRequests", "Service", "AccessDenied", "Validation", "-"]
""",
    )
    result.assert_outcomes(passed=1)


def test_the_marker_is_documented_and_known_to_strict_markers(pytester):
    result = run(
        pytester,
        "@pytest.mark.lambda_esm_fault('ListFunctions', 'ServiceException')\ndef test_it():\n    code()\n",
        "--strict-markers",
    )
    result.assert_outcomes(passed=1)
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.lambda_esm_fault(operation, error, *"])


def test_a_run_without_fault_markers_imports_nothing_for_them(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert not {"boto3", "moto", "pytest_lambda_esm.faults"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_sweeps_line_replays_the_broken_world_alone(pytester):
    source = """
{marker}
def test_it(lambda_esm):
    worlds = []
    for run in lambda_esm.sweep(errors=("TooManyRequestsException", lost_response()), per="attempt"):
        with run:
            worlds.append(1)
            client = boto3.client("lambda", "eu-west-1", config=Config(retries={{"total_max_attempts": 1}}))
            client.list_functions()
            try:
                client.list_functions()
            except ClientError:
                print("worlds so far:", len(worlds))
                raise
"""
    result = run(pytester, source.format(marker=""))
    result.assert_outcomes(failed=1)
    [line] = [line for line in result.outlines if "replay it alone" in line and "after=1" in line and "TooMany" in line]
    marker = line.partition("above the test: ")[2]
    assert marker == "@pytest.mark.lambda_esm_fault('ListFunctions', 'TooManyRequestsException', after=1)"

    result = run(pytester, source.format(marker=marker))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*TooManyRequestsException) when calling the ListFunctions*", "worlds so far: 1"])
    assert "SweepFailed" not in result.stdout.str()


def test_every_sweep_of_a_test_replays_a_marker_which_need_strike_in_one_of_them_only(pytester):
    source = """
{marker}
def test_it(lambda_esm):
    for name in ("first", "second"):
        for run in lambda_esm.sweep(errors=(lost_response(),)):
            with run:
                print(name, run)
                client = boto3.client("lambda", "eu-west-1")
                client.list_functions()
                if name == "second":
                    client.list_event_source_mappings()
                    assert not any(call.attempt == 2 for call in lambda_esm.calls.of("ListEventSourceMappings"))
"""
    result = run(pytester, source.format(marker=""))
    [line] = [line for line in result.outlines if "replay it alone" in line]
    marker = line.partition("above the test: ")[2]
    assert marker == "@pytest.mark.lambda_esm_fault('ListEventSourceMappings', lost_response())"

    result = run(pytester, source.format(marker=marker))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*assert not any*", "first <SweepRun without faults>", "second <SweepRun without faults>"]
    )

    result = run(pytester, source.format(marker=marker.replace("ListEventSourceMappings", "ListFunctions")))
    result.assert_outcomes(passed=1)

    result = run(pytester, source.format(marker=marker.replace("ListEventSourceMappings", "ListLayers")))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["1 fault that the test asked for never struck:"])
