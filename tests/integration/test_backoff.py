from __future__ import annotations

import socket
import threading
import time
from io import BytesIO

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries import adaptive, bucket, standard, throttling
from botocore.waiter import WaiterModel, create_waiter_with_client

from pytest_lambda_esm.clock.sleep import VirtualSleep
from pytest_lambda_esm.clock.wall import open_wall
from pytest_lambda_esm.moto_bridge.botocore_retries import BackoffPatch
from pytest_lambda_esm.patching import Patches

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


class Clock:
    """A stand-in for the virtual clock: its wall clock shows the time slept."""

    def __init__(self, start=START):
        self.naps = []
        self.wall = open_wall("freezegun", start)
        self.patches = Patches()

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.wall.show(self.wall.read() + round(seconds * 1_000_000))

    def start(self):
        VirtualSleep(self.sleep).install(self.patches)
        BackoffPatch(lambda seconds: time.sleep(seconds)).install(self.patches)

    def stop(self):
        self.patches.undo()
        self.wall.close()


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args):
        raise AssertionError("a request left the process")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def clock():
    clock = Clock()
    clock.start()
    yield clock
    clock.stop()


def answer(request, status, body):
    raw = BytesIO(body)
    raw.stream = lambda: iter([body])
    return AWSResponse(request.url, status, {"x-amzn-errortype": "TooManyRequestsException"}, raw)


def client_of(mode, answers, service="lambda"):
    """A plain client whose requests are answered with these statuses, and the last status repeats forever."""
    session = botocore.session.Session()
    session.set_credentials("key", "secret")
    config = Config(retries={"mode": mode, "total_max_attempts": 5})
    client = session.create_client(service, region_name="eu-west-1", config=config)
    left = list(answers)

    def respond(request, **kwargs):
        status = left.pop(0) if len(left) > 1 else left[0]
        return answer(request, status, b'{"State": "Pending"}' if status == 200 else b'{"message": "Rate exceeded"}')

    client.meta.events.register("before-send.lambda", respond)
    return client


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("made", ["before", "meanwhile"])
def test_retries_of_throttled_calls_cost_virtual_time_only(mode, made):
    client = client_of(mode, [429, 429, 429, 200]) if made == "before" else None
    clock = Clock()
    clock.start()
    try:
        client = client or client_of(mode, [429, 429, 429, 200])
        began = time.perf_counter()
        response = client.get_function_configuration(FunctionName="orders")
        real, virtual = time.perf_counter() - began, clock.wall.read() - START
    finally:
        clock.stop()

    assert response["ResponseMetadata"]["RetryAttempts"] == 3
    assert len(clock.naps) >= 3
    assert virtual == pytest.approx(sum(clock.naps) * 1_000_000, abs=10)
    assert 0 < virtual < 60_000_000
    assert real < 5


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_giving_up_costs_virtual_time_only(clock, mode):
    client = client_of(mode, [429])

    with pytest.raises(ClientError, match="TooManyRequestsException"):
        client.get_function_configuration(FunctionName="orders")

    assert len(clock.naps) >= 4


def test_adaptive_mode_goes_on_being_throttled_by_its_own_rate_limit(clock):
    client = client_of("adaptive", [429, 429, 200])

    for _ in range(20):
        client.get_function_configuration(FunctionName="orders")

    assert 1 < sum(clock.naps) < 120


def test_an_adaptive_client_of_a_later_date_does_not_wait_for_that_date():
    client = client_of("adaptive", [429, 200])
    later = Clock(start=START + 10 * 365 * 86_400 * 1_000_000)
    later.start()
    client.get_function_configuration(FunctionName="orders")
    later.stop()
    clock = Clock()
    clock.start()
    try:
        for _ in range(5):
            client.get_function_configuration(FunctionName="orders")
    finally:
        clock.stop()

    assert sum(clock.naps) < 60


def test_a_bucket_made_before_the_clock_went_back_owes_nothing(clock):
    clock.wall.show(START + 365 * 86_400 * 1_000_000)
    tokens = bucket.TokenBucket(max_rate=2, clock=bucket.Clock())
    clock.wall.show(START)

    assert tokens.acquire()

    assert clock.naps == [0.5]


def test_a_bucket_used_in_virtual_time_does_not_owe_the_future_afterwards(clock):
    tokens = bucket.TokenBucket(max_rate=1000, clock=bucket.Clock())
    clock.wall.show(START + 100 * 365 * 86_400 * 1_000_000)
    tokens.acquire()
    clock.stop()

    tokens.max_rate = 1000

    assert tokens.available_capacity >= 0


def test_a_rate_measured_in_the_future_is_measured_anew(clock):
    clock.wall.show(START + 365 * 86_400 * 1_000_000)
    clocker = adaptive.RateClocker(bucket.Clock())
    calculator = throttling.CubicCalculator(starting_max_rate=5, start_time=time.time())
    clock.wall.show(START)

    for _ in range(10):
        rate = clocker.record()
        time.sleep(0.5)

    assert rate == pytest.approx(2, rel=0.2)
    assert calculator.success_received(time.time()) > 0


def test_a_bucket_is_not_locked_while_it_naps():
    tokens = bucket.TokenBucket(max_rate=1, clock=bucket.Clock())
    free = []

    def nap(seconds):
        free.append(tokens._lock.acquire(blocking=False))
        tokens._lock.release()

    patches = Patches()
    BackoffPatch(nap).install(patches)
    try:
        assert tokens.acquire(block=True)
    finally:
        patches.undo()

    assert free == [True]


def test_a_bucket_that_may_not_wait_refuses_as_before(clock):
    tokens = bucket.TokenBucket(max_rate=1, clock=bucket.Clock())

    with pytest.raises(Exception, match=r"(?i)capacity"):
        tokens.acquire(amount=5, block=False)

    assert clock.naps == []


@pytest.mark.skipif(
    "sleep" not in standard.RetryHandler.__init__.__code__.co_varnames,
    reason="this botocore's handler does not sleep",
)
@pytest.mark.parametrize("made", ["before", "meanwhile"])
def test_a_retry_handler_sleeps_virtually_whenever_it_was_made(made):
    genuine = time.sleep
    handler = standard.RetryHandler(None, None, None) if made == "before" else None
    given = standard.RetryHandler(None, None, None, sleep=print)
    clock = Clock()
    clock.start()
    try:
        handler = handler or standard.RetryHandler(None, None, None)
        handler._sleep(2)
        assert given._sleep is print
    finally:
        clock.stop()

    assert clock.naps == [2]
    assert given._sleep is print
    if made == "before":
        assert handler._sleep is genuine


def test_waiters_wait_virtually(clock):
    client = client_of("standard", [200])
    model = WaiterModel(
        {
            "version": 2,
            "waiters": {
                "Ready": {
                    "operation": "GetFunctionConfiguration",
                    "delay": 30,
                    "maxAttempts": 3,
                    "acceptors": [{"matcher": "path", "argument": "State", "expected": "Active", "state": "success"}],
                }
            },
        }
    )
    waiter = create_waiter_with_client("Ready", model, client)

    with pytest.raises(Exception, match="Max attempts exceeded"):
        waiter.wait(FunctionName="orders")

    assert clock.naps == [30, 30]


def test_a_retry_in_a_thread_is_virtual_too(clock):
    client, answers = client_of("adaptive", [429, 200]), []
    thread = threading.Thread(
        target=lambda: answers.append(client.get_function_configuration(FunctionName="orders")["State"])
    )
    thread.start()
    thread.join(20)

    assert answers == ["Pending"]


def test_botocore_is_as_before_afterwards():
    touched = [
        (bucket.TokenBucket, "_acquire"),
        (bucket.TokenBucket, "_refill"),
        (adaptive.RateClocker, "record"),
        (throttling.CubicCalculator, "success_received"),
        (throttling.CubicCalculator, "error_received"),
        (standard.RetryHandler, "_sleep"),
        (standard.RetryHandler, "__init__"),
    ]
    before = [vars(owner).get(name) for owner, name in touched]
    defaults = standard.RetryHandler.__init__.__defaults__
    clock = Clock()
    clock.start()
    client_of("adaptive", [429, 200]).get_function_configuration(FunctionName="orders")
    clock.stop()

    assert [vars(owner).get(name) for owner, name in touched] == before
    assert standard.RetryHandler.__init__.__defaults__ == defaults
