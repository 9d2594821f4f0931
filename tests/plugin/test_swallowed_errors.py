"""What the fake says to the test's author must not get lost in code under test."""

CODE = """
def careless(client):
    try:
        client.list_queues()
    except Exception:
        pass
"""

TEST = """
import boto3, pytest
from pytest_lambda_esm import NetworkBlocked
from code_under_test import careless

def client():
    return boto3.client("sqs", endpoint_url="http://localhost:4566")

def test_swallowed(lambda_esm):
    careless(client())

def test_expected(lambda_esm):
    with pytest.raises(NetworkBlocked, match="localhost:4566"):
        client().list_queues()

@pytest.mark.lambda_esm(strict=False)
def test_allowed(lambda_esm):
    careless(client())
"""


def test_only_the_swallowed_one_fails_the_test(run):
    result = run(TEST, code_under_test=CODE)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "code under test swallowed an error that was meant for the test's author:",
            "  NetworkBlocked: POST http://localhost:4566/ would have left the process*",
            "*lambda_esm(strict=False)*",
            "FAILED *::test_swallowed - *",
        ]
    )
