"""pytest_lambda_esm_invoke is called for every way to invoke a function."""

from __future__ import annotations

import pytest

CONFTEST = """
    import pytest

    seen = []

    @pytest.hookimpl(wrapper=True)
    def pytest_lambda_esm_invoke(invocation, fake):
        seen.append((invocation.function, invocation.event, invocation.attempt, invocation.mapping))
        return (yield)

    @pytest.fixture
    def calls():
        return seen
"""

TEST = """
    import boto3

    def test_it(lambda_esm, calls):
        lambda_esm.function("f", lambda event, context: event)
        aws_lambda = boto3.client("lambda", region_name="us-east-1")
        assert aws_lambda.invoke(FunctionName="f", Payload=b"1")["Payload"].read() == b"1"
        aws_lambda.invoke(FunctionName="f", Payload=b"2", InvocationType="Event")
        lambda_esm.clock.run_until_idle()
        assert calls == [("f", 1, 1, None), ("f", 2, 1, None)]
"""


def test_the_hook_wraps_synchronous_and_asynchronous_invocations(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TEST)
    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=1)


FAILURES = """
    import io, json, zipfile
    from unittest.mock import MagicMock
    import boto3

    def error_of(function):
        answer = boto3.client("lambda", region_name="us-east-1").invoke(FunctionName=function)
        return json.loads(answer["Payload"].read())

    def test_mock(lambda_esm, calls):
        lambda_esm.function("f", MagicMock(side_effect=ValueError("no")))
        assert error_of("f")["errorMessage"] == "no"

    def test_archive(lambda_esm, calls):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("app.py", "def handler(event, context):\\n    raise ValueError('no')\\n")
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        boto3.client("lambda", region_name="us-east-1").create_function(
            FunctionName="f",
            Role=role,
            Runtime="python3.12",
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        (line,) = error_of("f")["stackTrace"]
        assert line.startswith('  File "/var/task/app.py", line 2')
"""


def test_an_error_inside_the_hook_reads_as_without_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(FAILURES)
    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=2)
