from __future__ import annotations

import pytest

TEST = """
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

def code(service="lambda", call="list_functions"):
    try:
        getattr(boto3.client(service, "eu-west-1", config=Config(retries={"total_max_attempts": 1})), call)()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "-"
"""


def run(pytester, conftest, source):
    pytester.makeconftest(conftest)
    pytester.makepyfile(TEST + source)
    return pytester.runpytest("-p", "no:cacheprovider", "-p", "no:randomly")


def test_an_organisations_policy_strikes_what_the_test_leaves_alone(pytester):
    result = run(
        pytester,
        """
def pytest_lambda_esm_fault(call, fake):
    if call.operation == "ListFunctions" and len(fake.calls) % 2:
        return "ServiceException"
    if call.operation == "sqs.ListQueues":
        return "AccessDenied"
""",
        """
def test_it(lambda_esm):
    lambda_esm.faults.add("ListFunctions", "TooManyRequestsException", after=2)
    assert [code() for _ in range(4)] == ["-", "ServiceException", "TooManyRequestsException", "ServiceException"]
    assert code("sqs", "list_queues") == "AccessDenied"
    assert "ServiceException, asked for by a hook" in str(lambda_esm.timeline)
""",
    )
    result.assert_outcomes(passed=1)


def test_the_first_answer_counts(pytester):
    result = run(
        pytester,
        """
import pytest
from pytest_lambda_esm import aws_error

@pytest.hookimpl(trylast=True)
def pytest_lambda_esm_fault(call):
    return "ServiceException"

class Stricter:
    def pytest_lambda_esm_fault(self):
        return aws_error("AccessDeniedException", "no")

def pytest_configure(config):
    config.pluginmanager.register(Stricter())
""",
        """
def test_it(lambda_esm):
    assert code() == "AccessDeniedException"
""",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("answer", "told"),
    [("'ServiceExeption'", "Did you mean 'ServiceException'"), ("42", "an error is the name of one")],
)
def test_a_wrong_answer_of_a_hook_is_told_to_the_tests_author(pytester, answer, told):
    result = run(
        pytester,
        f"def pytest_lambda_esm_fault(call):\n    return {answer}\n",
        """
def test_it(lambda_esm):
    code()
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*FaultError: *{told}*"])


def test_faults_of_the_configure_hook_are_in_every_world_of_a_sweep(pytester):
    result = run(
        pytester,
        """
def pytest_lambda_esm_configure(fake):
    fake.faults.add("GetAccountSettings", "ServiceException", optional=True)
""",
        """
def test_it(lambda_esm):
    seen = []
    for run in lambda_esm.sweep(errors=("AccessDeniedException",), operations=["ListFunctions"]):
        with run:
            code()
            seen.append(code(call="get_account_settings"))
    assert seen == ["ServiceException"] * 2
""",
    )
    result.assert_outcomes(passed=1)
