"""Fakes that a test opens itself: the same report as the fixture's, and errors where they belong."""

import pytest

CASES = """
import unittest
import boto3
import pytest
from hypothesis import given, settings, strategies as st
from pytest_lambda_esm import FakeLambda

def queue_with_message():
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="orders")["QueueUrl"], MessageBody="x")

class TestCase(unittest.TestCase):
    def setUp(self):
        fake = FakeLambda()
        fake.__enter__()
        self.addCleanup(fake.__exit__, None, None, None)

    def test_unittest(self):
        queue_with_message()
        self.fail("unittest")

    def test_unittest_passes(self):
        queue_with_message()

@pytest.fixture(scope="module")
def shared():
    with FakeLambda() as fake:
        yield fake

def test_module_scope(shared):
    queue_with_message()
    assert 0

def test_module_scope_passes(shared):
    pass

def test_module_scope_and_unused_fault(shared):
    shared.faults.add("CreateEventSourceMapping", "TooManyRequestsException")

def test_module_scope_passes_again(shared):
    shared.faults.add("CreateEventSourceMapping", "TooManyRequestsException", optional=True)
"""

ALONE = """
import boto3
import pytest
from hypothesis import given, settings, strategies as st
from pytest_lambda_esm import FakeLambda
from test_shared import queue_with_message

@settings(max_examples=3, deadline=None, database=None)
@given(st.booleans())
def test_hypothesis(flag):
    with FakeLambda():
        queue_with_message()
        assert flag is None

def test_finally():
    fake = FakeLambda().__enter__()
    try:
        queue_with_message()
        assert 0
    finally:
        fake.__exit__(None, None, None)

@pytest.fixture
def opened():
    with FakeLambda() as fake:
        yield fake

def test_function_scope(opened):
    queue_with_message()
    assert 0

@pytest.fixture
def broken():
    with FakeLambda() as fake:
        queue_with_message()
        raise RuntimeError("set-up")

def test_setup(broken):
    pass
"""


def test_a_failing_test_has_the_report(run):
    result = run(CASES, extra={"test_alone": ALONE.replace("test_shared", "test_it")})
    result.assert_outcomes(passed=3, failed=6, errors=1)
    text = result.stdout.str()
    assert text.count("1 message waits in sqs:orders, and no mapping reads it") >= 6
    assert text.count("- lambda esm timeline -") == 7
    for name in ("unittest", "hypothesis", "finally", "function_scope", "module_scope_and_unused_fault"):
        part = text.partition(f"test_{name} _")[2]
        assert "lambda esm diagnosis" in part.partition("\n____")[0], name
    result.stdout.fnmatch_lines(
        ["*_ test_module_scope_and_unused_fault _*", "1 fault that the test asked for never struck:"]
    )


LEAKS = """
import pytest
from pytest_lambda_esm import AlreadyActive, FakeLambda

def test_leaks():
    FakeLambda().__enter__()

def test_innocent(lambda_esm):
    with pytest.raises(AlreadyActive, match="that of the lambda_esm fixture of .*test_innocent"):
        FakeLambda().__enter__()

@pytest.fixture
def careless():
    return FakeLambda().__enter__()

def test_leaks_in_a_fixture(careless):
    pass

def test_innocent_too(lambda_esm):
    pass

def test_twice():
    with FakeLambda():
        with pytest.raises(AlreadyActive, match=r"::test_twice started it at .*:[0-9]+"):
            FakeLambda().__enter__()

@pytest.fixture(scope="module")
def wide():
    return FakeLambda().__enter__()

def test_uses_it(wide):
    pass

def test_is_the_last(wide):
    pass
"""


def test_a_fake_that_is_left_open_is_closed_at_the_end_of_its_test(run):
    result = run(LEAKS)
    result.assert_outcomes(passed=7, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_leaks *",
            "*::test_leaks left a FakeLambda open, which it started at *:5. It has been closed now*",
            "*ERROR at teardown of test_leaks_in_a_fixture *",
            "*::test_leaks_in_a_fixture left a FakeLambda open*",
            "*ERROR at teardown of test_is_the_last *",
            "*::test_uses_it left a FakeLambda open*",
        ]
    )


@pytest.fixture
def run(pytester, monkeypatch):
    """Run test code in a pytest of its own, in the order of the file."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(code, extra=None):
        pytester.makepyfile(test_it=code, **(extra or {}))
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider")

    return run
