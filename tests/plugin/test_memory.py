"""A test that has ended keeps nothing of its fake in memory, however it ended."""

import textwrap

import pytest

CONFTEST = """
import gc, sys, weakref
from collections import Counter
from pathlib import Path

parts = []

def pytest_lambda_esm_configure(fake, request):
    parts.extend((request.path.stem, weakref.ref(part)) for part in [fake, fake.clock, fake.timeline])

def pytest_sessionfinish(session):
    if not parts:
        return  # The tests run in a worker of pytest-xdist.
    for name in ("last_exc", "last_value", "last_traceback"):
        vars(sys).pop(name, None)  # pytest keeps the last failure here until the next one.
    gc.collect()
    alive = Counter(f"{type(part()).__name__} of {file}" for file, part in parts if part() is not None)
    files = sorted({file for file, _ in parts})
    Path(__file__).with_name("alive.txt").write_text(f"{files}, still there: {dict(alive)}")
"""

HELPERS = """
import unittest
import pytest

def work(fake, handler=lambda event, context: None):
    url = fake.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    fake.function("receive", handler)
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    fake.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="receive")
    fake.client("sqs").send_message(QueueUrl=url, MessageBody="an order")
    fake.clock.advance(60)

def raising(error):
    def handler(event, context):
        raise error
    return handler

times = pytest.mark.parametrize("number", range({times}))
"""

ENDINGS = {
    "passed": """
        @times
        def test(number, lambda_esm):
            work(lambda_esm)
    """,
    "failed": """
        @times
        def test(number, lambda_esm):
            work(lambda_esm)
            assert 0
    """,
    "skipped": """
        @times
        def test(number, lambda_esm):
            work(lambda_esm)
            pytest.skip("not today")
    """,
    "failed as expected": """
        @times
        @pytest.mark.xfail
        def test(number, lambda_esm):
            work(lambda_esm)
            assert 0
    """,
    "error in setup": """
        @pytest.fixture
        def orders(lambda_esm):
            work(lambda_esm)
            raise ValueError("set-up")

        @times
        def test(number, orders):
            pass
    """,
    "error in teardown": """
        @pytest.fixture
        def orders(lambda_esm):
            work(lambda_esm)
            yield
            raise ValueError("teardown")

        @times
        def test(number, orders):
            pass
    """,
    "failed by the fake": """
        @times
        def test(number, lambda_esm):
            lambda_esm.faults.add("Invoke", "ServiceException")
            work(lambda_esm)
    """,
    "function error": """
        @times
        def test(number, lambda_esm):
            work(lambda_esm, raising(ValueError("no such order")))
    """,
    "failed by a handler": """
        @times
        def test(number, lambda_esm):
            work(lambda_esm, raising(pytest.fail.Exception("no such order")))
    """,
    "interrupt that the test catches": """
        @times
        def test(number, lambda_esm):
            with pytest.raises(KeyboardInterrupt):
                work(lambda_esm, raising(KeyboardInterrupt))
    """,
    "sweep": """
        @times
        def test(number, lambda_esm):
            for run in lambda_esm.sweep(errors=["ServiceException"]):
                with run:
                    work(lambda_esm)
    """,
    "method of unittest": """
        class TestOrders(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def attach(self, lambda_esm):
                self.fake = lambda_esm

        def test(case):
            work(case.fake)
            assert 0

        for number in range({times}):
            setattr(TestOrders, f"test_{number}", test)
        del test
    """,
}
if pytest.version_tuple < (8, 2, 2):
    del ENDINGS["method of unittest"]  # Until that version, pytest itself kept the instances of unittest.


@pytest.mark.slow
@pytest.mark.parametrize(("times", "options"), [(5, ()), (2, ("-n", "1"))], ids=["alone", "xdist"])
def test_no_fake_outlives_its_test(pytester, times, options):
    pytester.makeconftest(CONFTEST)
    tests = {f"test_{ending.replace(' ', '_')}": HELPERS + textwrap.dedent(text) for ending, text in ENDINGS.items()}
    pytester.makepyfile(**{file: text.replace("{times}", str(times)) for file, text in tests.items()})
    # Not in this process: pytester would keep the arguments of each hook.
    pytester.runpytest_subprocess("-p", "no:randomly", "--tb=no", *options)
    assert pytester.path.joinpath("alive.txt").read_text() == f"{sorted(tests)}, still there: {{}}"


COUNTING = """
import gc
from collections import Counter
from pathlib import Path

counts = []
PACKAGE = "pytest_lambda_esm"

def pytest_runtest_logfinish(nodeid):
    if nodeid.endswith(("[10]", "[30]")):
        gc.collect()
        kinds = (type(each) for each in gc.get_objects())
        counts.append(Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).startswith(PACKAGE)))

def pytest_sessionfinish():
    Path(__file__).with_name("more.txt").write_text(f"{dict(counts[1] - counts[0])}")
"""


@pytest.mark.slow
def test_what_all_fakes_of_a_process_share_does_not_grow(pytester):
    pytester.makeconftest(COUNTING)
    test = "@pytest.mark.parametrize('number', range(31))\ndef test(number, lambda_esm):\n    work(lambda_esm)"
    pytester.makepyfile(HELPERS.replace("{times}", "20") + test)
    pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist")
    assert pytester.path.joinpath("more.txt").read_text() == "{}"
