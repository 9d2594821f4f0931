"""The hook around handlers hears of every way to invoke."""

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
