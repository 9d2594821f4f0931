"""Errors that the fake raises for the test's author fail the test, even if code under test swallows them."""

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
    return boto3.client("sqs", endpoint_url="http://sqs.internal:4566")

def test_swallowed(lambda_esm):
    careless(client())

def test_expected(lambda_esm):
    with pytest.raises(NetworkBlocked, match="sqs.internal:4566"):
        client().list_queues()

@pytest.mark.lambda_esm(strict=False)
def test_allowed(lambda_esm):
    careless(client())
"""


def test_a_swallowed_error_fails_the_test(run):
    result = run(TEST, code_under_test=CODE)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "code under test swallowed an error that was meant for the test's author:",
            "  NetworkBlocked: POST http://sqs.internal:4566/ would have left the process*",
            "*lambda_esm(strict=False)*",
            "FAILED *::test_swallowed - *",
        ]
    )


SEEN = """
import asyncio, contextlib, unittest
from concurrent.futures import ThreadPoolExecutor
import boto3, pytest
from pytest_lambda_esm import HandlerError, NetworkBlocked
from code_under_test import careless
from shared import Base

def blocked():
    boto3.client("sqs", endpoint_url="http://sqs.internal:4566").list_queues()

def test_callable(lambda_esm):
    pytest.raises(NetworkBlocked, blocked)

def test_handler(lambda_esm):
    lambda_esm.function("f")
    pytest.raises(HandlerError, boto3.client("lambda").invoke, FunctionName="f")

def test_suppressed(lambda_esm):
    with contextlib.suppress(NetworkBlocked):
        blocked()

def test_thread(lambda_esm):
    with ThreadPoolExecutor() as pool, pytest.raises(NetworkBlocked):
        pool.submit(blocked).result()

def test_helper(lambda_esm, error_of):
    assert "sqs.internal:4566" in str(error_of(blocked))

def test_fixture(refused): pass

class TestShared(Base):
    def test_base(self, lambda_esm):
        self.expect(blocked)

    def test_base_in_a_sweep(self, lambda_esm):
        for run in lambda_esm.sweep(errors=("TooManyRequestsException",)):
            with run:
                self.expect(blocked)
                with contextlib.suppress(boto3.client("lambda").exceptions.ClientError):
                    boto3.client("lambda").list_functions()

@pytest.mark.lambda_esm
class TestCase(unittest.TestCase):
    def test_with(self):
        with self.assertRaises(NetworkBlocked):
            blocked()

    def test_callable(self):
        self.assertRaises(NetworkBlocked, blocked)

    def test_swallowed(self):
        careless(boto3.client("sqs", endpoint_url="http://sqs.internal:4566"))
"""

CONFTEST = """
import boto3, pytest
from pytest_lambda_esm import NetworkBlocked

@pytest.fixture
def error_of():
    def error_of(call):
        try:
            call()
        except NetworkBlocked as error:
            return error
    return error_of

@pytest.fixture
def refused(lambda_esm):
    with pytest.raises(NetworkBlocked):
        boto3.client("sqs", endpoint_url="http://sqs.internal:4566").list_queues()
"""

SHARED = """
class Base:
    def expect(self, call):
        try:
            call()
        except Exception:
            return
        assert False
"""


def test_an_error_that_reaches_the_test_in_any_way_is_not_swallowed(run):
    result = run(SEEN, code_under_test=CODE, conftest=CONFTEST, shared=SHARED)
    result.assert_outcomes(passed=10, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::TestCase::test_swallowed*"])


ELSEWHERE = """
import importlib.util, pathlib
import boto3, pytest

def helper(name):
    spec = importlib.util.spec_from_file_location("elsewhere", pathlib.Path(__file__).parent / "other" / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

@pytest.mark.parametrize("name", ["conftest.py", "code.py"])
def test_it(lambda_esm, name):
    client = boto3.client("sqs", endpoint_url="http://sqs.internal:4566")
    helper(name).careless(client)
"""


def test_a_conftest_of_another_folder_counts(run, pytester):
    """A suite's helpers are in its conftest.py files, including those that pytest does not load for this test."""
    other = pytester.path / "other"
    other.mkdir()
    for name in ("conftest.py", "code.py"):
        other.joinpath(name).write_text(CODE, encoding="utf-8")
    result = run(ELSEWHERE, "test_a_conftest_of_another_folder_counts.py")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_it[[]code.py[]]*"])


ENDLESS = """
import pytest
from contextlib import suppress
import time

@pytest.mark.lambda_esm(longest_standstill=0)
def test_swallowed(lambda_esm):
    for _ in range(1001):
        with suppress(Exception):
            time.sleep(1)
"""


def test_a_swallowed_error_about_an_endless_sleep_fails_the_test(run):
    result = run("from endless import *", endless=ENDLESS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  ClockLimitExceeded: time.sleep: code under test has slept 1000 times in a row*"])


def test_a_library_may_swallow_that_a_daemon_of_this_machine_is_absent(run):
    text = TEST.replace("http://sqs.internal:4566", "http://127.0.0.1:2000").partition("def test_expected")[0]
    run(text, code_under_test=CODE).assert_outcomes(passed=1)
