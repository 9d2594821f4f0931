"""The setting handler_errors: errors of handlers that the test neither scripted nor expected fail it."""

TEST = """
import boto3, time
import pytest
from pytest_lambda_esm import FakeLambda, HandlerError, UnexpectedHandlerError, exits, raises, runs, times_out

class Refused(Exception):
    pass

class Late(Refused):
    pass

def handler(event, context):
    if event:
        raise Late("no")
    time.sleep(5)

def invoke(event=b'{"a": 1}'):
    boto3.client("lambda").invoke(FunctionName="orders", Payload=event)

@pytest.fixture
def orders(lambda_esm):
    return lambda_esm.function("orders", handler)

def test_unexpected(orders):
    invoke()

def test_unexpected_timeout(orders):
    invoke(b"{}")

def test_another_error_is_expected(orders):
    orders.expects(KeyError)
    invoke()

def test_once_too_often(orders):
    orders.expects(Late, times=1)
    invoke(), invoke()

def test_too_rarely(orders):
    orders.expects(Late, times=3)
    invoke(), invoke()

def test_a_step_that_runs_is_no_excuse(orders):
    orders.script(runs())
    invoke()

@pytest.mark.parametrize("error", [Late, Refused, Late("no"), "Late"])
def test_expected(orders, error):
    orders.expects(error)
    invoke(), invoke()

def test_expected_twice(orders):
    orders.expects(Late, times=1)
    orders.expects(Late, times=1)
    invoke(), invoke()

def test_expected_timeout(orders):
    orders.expects("Sandbox.Timedout", times=1)
    invoke(b"{}")

def test_scripted(orders):
    orders.script(raises(ValueError), times_out(), exits())
    invoke(), invoke(), invoke()

@pytest.mark.lambda_esm(handler_errors="record")
def test_recorded(orders):
    invoke()

@pytest.mark.parametrize("wrong", [5, "", dict, None])
def test_misuse(orders, wrong):
    with pytest.raises(HandlerError, match="expects takes an exception class"):
        orders.expects(wrong)
    with pytest.raises(HandlerError, match="times takes a whole number from 1"):
        orders.expects(KeyError, times=0)

def test_outside_of_the_fixture():
    with pytest.raises(UnexpectedHandlerError, match="orders failed at attempt 1: Late: no at test_"):
        with FakeLambda(handler_errors="fail") as fake:
            fake.function("orders", handler)
            invoke()
"""


def test_unexpected_errors_fail_the_test(run):
    result = run(TEST, ini="lambda_esm_handler_errors = fail\n")
    result.assert_outcomes(failed=6, passed=13)
    result.stdout.fnmatch_lines(
        [
            "*_ test_unexpected _*",
            "handlers failed in ways that the test did not expect:",
            "  orders failed at attempt 1: Late: no at test_unexpected_errors_fail_the_test.py:13",
            "Correct the handler, expect the error with Function.expects(error, times=...), or allow all of them *",
            "*_ test_unexpected_timeout _*",
            "  orders failed at attempt 1: Sandbox.Timedout: *",
            "*_ test_once_too_often _*",
            "  orders failed at attempt 1: Late: no at *",
            "*_ test_too_rarely _*",
            "  orders was expected to fail with Late 3 times, but failed with it 2 times",
        ]
    )
