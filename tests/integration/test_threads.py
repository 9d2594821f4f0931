"""Threads and pools in handlers and in the test, through boto3 and time.sleep, with virtual time as a user sees it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from helpers.queues import arn_of, make_queue
from pytest_lambda_esm import FakeLambda

REGION = "us-east-1"
ONCE = Config(retries={"max_attempts": 0})


def invoke(name: str = "f") -> str:
    """Invoke a function once, and return the error's code or "ok"."""
    try:
        boto3.client("lambda", region_name=REGION, config=ONCE).invoke(FunctionName=name)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "ok"


def side_by_side(workers: int = 5) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda _: time.sleep(3), range(5)))


@pytest.mark.parametrize(("workers", "seconds"), [(1, 15), (2, 9), (3, 6), (5, 3), (10, 3)])
def test_a_pool_in_a_handler_takes_the_same_time_each_time(lambda_esm: FakeLambda, workers: int, seconds: int) -> None:
    function = lambda_esm.function("f", lambda event, context: side_by_side(workers), timeout=60)
    for _ in range(10):
        invoke()
    assert [each.duration for each in function.invocations] == [timedelta(seconds=seconds)] * 10


def test_a_pool_that_a_module_keeps_works_for_every_invocation(lambda_esm: FakeLambda) -> None:
    with ThreadPoolExecutor(2) as pool:

        def handler(event: Any, context: Any) -> None:
            working = [pool.submit(time.sleep, seconds) for seconds in (1, 2, 3)]
            time.sleep(0.5)
            for each in working:
                each.result()

        function = lambda_esm.function("f", handler, timeout=60)
        for _ in range(10):
            invoke()
    assert {each.duration for each in function.invocations} == {timedelta(seconds=4)}


def test_a_thread_that_an_earlier_handler_left_running_waits_for_the_clock(lambda_esm: FakeLambda) -> None:
    url = make_queue("late")
    sqs = boto3.client("sqs", region_name=REGION)

    def late() -> None:
        time.sleep(5)
        sqs.send_message(QueueUrl=url, MessageBody="late")

    def handler(event: Any, context: Any) -> None:
        threading.Thread(target=late).start()

    def messages() -> int:
        return len(sqs.receive_message(QueueUrl=url).get("Messages", []))

    lambda_esm.function("f", handler)
    invoke()
    lambda_esm.clock.advance(4)
    assert messages() == 0
    lambda_esm.clock.advance(1)
    assert messages() == 1


def test_a_handler_that_the_clock_runs_in_a_sleeping_thread_has_its_own_threads(lambda_esm: FakeLambda) -> None:
    url = make_queue("q")
    function = lambda_esm.function("f", lambda event, context: side_by_side(), timeout=5)
    boto3.client("lambda", region_name=REGION).create_event_source_mapping(EventSourceArn=arn_of(url), FunctionName="f")
    lambda_esm.clock.run_until_idle()
    boto3.client("sqs", region_name=REGION).send_message(QueueUrl=url, MessageBody="x", DelaySeconds=5)
    sleeping = threading.Thread(target=time.sleep, args=[60])
    sleeping.start()
    sleeping.join()
    assert [each.duration for each in function.invocations] == [timedelta(seconds=3)]


def test_a_heartbeat_does_not_move_the_clock(lambda_esm: FakeLambda) -> None:
    beats = []

    def beat() -> None:
        for _ in range(5):
            time.sleep(60)
            beats.append(lambda_esm.clock.now - start)

    start = lambda_esm.clock.now
    threading.Thread(target=beat).start()
    for _ in range(5):
        boto3.client("sqs", region_name=REGION).list_queues()
    assert (lambda_esm.clock.now, beats) == (start, [])
    lambda_esm.clock.advance(120)
    assert beats == [timedelta(seconds=60), timedelta(seconds=120)]
    lambda_esm.clock.run_until_idle()
    assert len(beats) == 2


def test_threads_of_the_test_sleep_side_by_side(lambda_esm: FakeLambda) -> None:
    def work() -> None:
        for _ in range(5):
            time.sleep(1)

    start = lambda_esm.clock.now
    working = [threading.Thread(target=work) for _ in range(4)]
    for each in working:
        each.start()
    for each in working:
        each.join(20)
    assert lambda_esm.clock.now - start == timedelta(seconds=5)


def test_threads_that_invoke_at_the_same_time_compete_for_concurrency(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: time.sleep(2), reserved_concurrency=1, timeout=10)
    start = lambda_esm.clock.now
    for turn in range(1, 11):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(invoke, ["f", "f"])) == ["TooManyRequestsException", "ok"]
        assert lambda_esm.clock.now - start == timedelta(seconds=2 * turn)


def test_threads_that_invoke_at_the_same_time_end_at_the_same_time(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: time.sleep(2), timeout=10)
    start = lambda_esm.clock.now
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(invoke, ["f"] * 3)) == ["ok"] * 3
    assert lambda_esm.clock.now - start == timedelta(seconds=2)


def test_retries_in_threads_wait_side_by_side(lambda_esm: FakeLambda) -> None:
    config = Config(retries={"mode": "legacy", "max_attempts": 2})
    lambda_esm.function("f", lambda event, context: None)
    lambda_esm.faults.add("GetFunction", "ServiceException", times=2)
    start = lambda_esm.clock.now

    def get(_: int) -> str:
        client = boto3.client("lambda", region_name=REGION, config=config)
        return str(client.get_function(FunctionName="f")["Configuration"]["FunctionName"])

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(get, range(2))) == ["f", "f"]
    assert len(lambda_esm.clock.slept) == 2
    assert lambda_esm.clock.now - start == timedelta(seconds=max(lambda_esm.clock.slept))


def test_long_polls_in_threads_wait_side_by_side(lambda_esm: FakeLambda) -> None:
    url = make_queue("q")
    sqs = boto3.client("sqs", region_name=REGION)
    start = lambda_esm.clock.now

    def receive(seconds: int) -> bool:
        return "Messages" in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(receive, [5, 10, 7])) == [False] * 3
    assert lambda_esm.clock.now - start == timedelta(seconds=10)


@pytest.mark.lambda_esm(sleep="real")
def test_with_real_sleep_threads_do_not_wait_for_the_clock(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: None, duration=2)
    start = lambda_esm.clock.now
    invoking = threading.Thread(target=invoke)
    invoking.start()
    invoking.join()
    assert lambda_esm.clock.now - start == timedelta(seconds=2)


def test_a_thread_that_still_sleeps_at_the_end_does_not_outlive_the_fake() -> None:
    with FakeLambda():
        sleeping = threading.Thread(target=time.sleep, args=[3600])
        sleeping.start()
    sleeping.join(20)
    assert not sleeping.is_alive()


def test_a_thread_that_the_end_stops_is_reported_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    with FakeLambda():
        # Where pytest before 8.4 has put its own in the middle of a test.
        monkeypatch.setattr(threading, "excepthook", reported.append)
        sleeping = threading.Thread(target=time.sleep, args=[3600])
        failing = threading.Thread(target=lambda: 1 / 0)
        sleeping.start()
        failing.start()
        failing.join()
    sleeping.join(20)
    assert not sleeping.is_alive()
    assert [failure.exc_type for failure in reported] == [ZeroDivisionError]  # type: ignore[attr-defined]


@pytest.mark.parametrize("first", ["library", "fake"])
def test_a_library_that_wraps_run_when_a_thread_starts(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start, traced, ran = threading.Thread.start, [], []

    def tracing_start(thread: threading.Thread) -> None:
        run = getattr(thread.run, "__func__", thread.run)

        def tracing_run(*args: object) -> None:
            traced.append(thread.name)
            run(threading.current_thread(), *args)

        thread.run = tracing_run  # type: ignore[method-assign]
        start(thread)

    class Worker(threading.Thread):
        def run(self) -> None:
            ran.append(self.name)

    if first == "library":
        monkeypatch.setattr(threading.Thread, "start", tracing_start)
    with FakeLambda():
        if first == "fake":
            start = threading.Thread.start
            monkeypatch.setattr(threading.Thread, "start", tracing_start)
        worker = Worker(name="worker")
        worker.start()
        worker.join()
    assert traced == ran == ["worker"]


def test_a_thread_keeps_a_run_of_its_own(lambda_esm: FakeLambda) -> None:
    ran: list[str] = []

    def run() -> None:
        ran.append("own")

    worker = threading.Thread()
    worker.run = run  # type: ignore[method-assign]
    worker.start()
    worker.join()
    assert ran == ["own"]
    assert vars(worker)["run"] is run
