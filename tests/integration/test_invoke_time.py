"""A synchronous invocation takes time, while everything else continues."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from pytest_lambda_esm import ClockError, FakeLambda, LambdaEsmError, exits, raises, returns, runs, throttled, times_out

REGION = "us-east-1"


def invoke(name: str, event: Any = None, **params: Any) -> Any:
    answer = boto3.client("lambda", region_name=REGION).invoke(
        FunctionName=name, Payload=json.dumps(event if event is not None else {}), **params
    )
    return json.loads(answer["Payload"].read() or b"null")


def test_it_takes_the_functions_duration_off_the_callers_clock(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("slow", lambda event, context: time.sleep(1.5), duration=1)
    start = lambda_esm.clock.now
    invoke("slow")
    assert lambda_esm.clock.now - start == timedelta(seconds=1.5)
    assert datetime.now(timezone.utc) == lambda_esm.clock.now


def test_other_due_events_run_meanwhile_at_their_own_time(lambda_esm: FakeLambda) -> None:
    seen: list[str] = []
    lambda_esm.function("slow", lambda event, context: seen.append("slow") or time.sleep(10), timeout=20)
    lambda_esm.function("other", lambda event, context: seen.append(f"{datetime.now(timezone.utc):%S}"))
    lambda_esm.client("lambda").invoke(FunctionName="other", InvocationType="Event")
    invoke("slow")
    assert seen == ["slow", "00"]


def test_a_nested_invocation_adds_to_the_callers_own_time(lambda_esm: FakeLambda) -> None:
    def outer(event: Any, context: Any) -> Any:
        before = time.time()
        remaining = context.get_remaining_time_in_millis()
        invoke("inner")
        return [time.time() - before, remaining - context.get_remaining_time_in_millis()]

    lambda_esm.function("inner", lambda event, context: time.sleep(2))
    lambda_esm.function("outer", outer)
    assert invoke("outer") == [2.0, 2000]
    first, second = lambda_esm.invocations
    assert (first.function, second.function) == ("inner", "outer")
    assert first.started == second.started
    assert second.duration == timedelta(seconds=2)


def test_a_caller_times_out_while_it_waits(lambda_esm: FakeLambda) -> None:
    caller = lambda_esm.function("caller", lambda event, context: invoke("callee"), timeout=2)
    callee = lambda_esm.function("callee", lambda event, context: time.sleep(2.5))
    start = lambda_esm.clock.now
    assert invoke("caller")["errorType"] == "Sandbox.Timedout"
    assert lambda_esm.clock.now - start == timedelta(seconds=2)
    assert [entry.outcome for entry in caller.invocations] == ["timeout"]
    assert [entry.outcome for entry in callee.invocations] == ["success"]
    assert lambda_esm.errors == ()


@pytest.mark.lambda_esm(advice_ignore="ESM126")
def test_a_client_gives_up_after_its_read_timeout_and_the_function_runs_again(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: "late", timeout=900)
    function.script(runs().taking(61), runs().taking(60))
    start = lambda_esm.clock.now
    assert invoke("f") == "late"
    assert len(function.invocations) == 2
    assert lambda_esm.clock.now - start >= timedelta(seconds=120)
    assert [call.error for call in lambda_esm.calls.of("Invoke")] == ["ReadTimeoutError", None]
    patient = boto3.client("lambda", region_name=REGION, config=Config(read_timeout=900))
    function.script(runs().taking(800))
    patient.invoke(FunctionName="f")
    assert len(function.invocations) == 3
    impatient = boto3.client("lambda", region_name=REGION, config=Config(read_timeout=2, retries={"max_attempts": 0}))
    function.script(runs().taking(3))
    with pytest.raises(ReadTimeoutError):
        impatient.invoke(FunctionName="f")
    assert lambda_esm.errors == ()


def test_a_function_goes_on_after_its_client_has_given_up(lambda_esm: FakeLambda) -> None:
    """The client gets its error at its read timeout, and the function ends later."""
    function = lambda_esm.function("f", lambda event, context: time.sleep(30), timeout=60)
    impatient = boto3.client("lambda", region_name=REGION, config=Config(read_timeout=7, retries={"max_attempts": 0}))
    began = lambda_esm.clock.now
    with pytest.raises(ReadTimeoutError):
        impatient.invoke(FunctionName="f")
    assert lambda_esm.clock.now - began == timedelta(seconds=7)
    [invocation] = function.invocations
    assert (invocation.outcome, invocation.finished - began) == ("success", timedelta(seconds=30))


def test_a_handler_that_swallows_its_timeout_and_returns_at_once(lambda_esm: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> str:
        with contextlib.suppress(BaseException):
            time.sleep(3)
        return "in time"

    function = lambda_esm.function("f", handler, timeout=3)
    lambda_esm.client("lambda").invoke(FunctionName="f")
    assert function.invocations[0].outcome == "timeout"


@pytest.mark.parametrize(
    ("seconds", "outcome"), [(2.999999, "success"), (3, "timeout"), (3.000001, "timeout")], ids=str
)
def test_sleeping_until_the_timeout(lambda_esm: FakeLambda, seconds: float, outcome: str) -> None:
    """A handler that sleeps exactly until its timeout has more to do, and so it times out."""
    function = lambda_esm.function("f", lambda event, context: time.sleep(seconds), timeout=3)
    lambda_esm.client("lambda").invoke(FunctionName="f")
    [invocation] = function.invocations
    assert invocation.outcome == outcome
    assert invocation.duration == timedelta(seconds=min(seconds, 3))


def test_time_cannot_be_moved_from_inside_a_handler(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("mover", lambda event, context: lambda_esm.clock.advance(1))
    with pytest.raises(ClockError, match="mover, invoked synchronously"):
        invoke("mover")
    lambda_esm.clock.advance(1)


def test_recursion_ends_at_the_limit(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("again", lambda event, context: invoke("again"))
    text = json.dumps(invoke("again"))
    assert "RecursiveInvocationException" in text
    assert len(function.invocations) == 16


@pytest.mark.lambda_esm(recursion_limit=0)
def test_the_recursion_limit_can_be_switched_off(lambda_esm: FakeLambda) -> None:
    def count_down(event: Any, context: Any) -> Any:
        return 1 + invoke("down", event - 1) if event else 0

    lambda_esm.function("down", count_down)
    assert invoke("down", 20) == 20


@pytest.mark.parametrize("depth", [60, 99])
def test_an_allowed_recursion_may_be_deep(lambda_esm: FakeLambda, depth: int) -> None:
    def count_down(event: Any, context: Any) -> Any:
        return 1 + invoke("down", event - 1) if event else 0

    limit = sys.getrecursionlimit()
    lambda_esm.function("down", count_down)
    lambda_esm.client("lambda").put_function_recursion_config(FunctionName="down", RecursiveLoop="Allow")
    assert invoke("down", depth) == depth
    assert sys.getrecursionlimit() == limit


@pytest.mark.lambda_esm(recursion_limit=0, strict=False)
def test_a_recursion_without_an_end(lambda_esm: FakeLambda) -> None:
    limit = sys.getrecursionlimit()
    lambda_esm.function("again", lambda event, context: invoke("again"))
    with pytest.raises(LambdaEsmError, match="100 invocations are nested"):
        invoke("again")
    assert sys.getrecursionlimit() == limit


def test_threads_of_a_handler_may_invoke(lambda_esm: FakeLambda) -> None:
    def inner(event: Any, context: Any) -> Any:
        print(f"inner {event}")
        time.sleep(event)
        return event

    def outer(event: Any, context: Any) -> Any:
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda seconds: answers.append(invoke("inner", seconds)), args=[seconds])
            for seconds in (1, 3, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    lambda_esm.function("inner", inner, timeout=10)
    lambda_esm.function("outer", outer, timeout=10)
    start = lambda_esm.clock.now
    assert invoke("outer") == [1, 2, 3]
    assert lambda_esm.clock.now - start == timedelta(seconds=3)
    logs = {entry.event: entry.log for entry in lambda_esm.invocations if entry.function == "inner"}
    assert all(logs[seconds].count("inner") == 1 and f"inner {seconds}\n" in logs[seconds] for seconds in (1, 2, 3))


def test_threads_of_the_test_invoke_one_after_the_other(lambda_esm: FakeLambda) -> None:
    together: list[int] = []
    most: list[int] = []

    def handler(event: Any, context: Any) -> Any:
        together.append(event)
        most.append(len(together))
        threading.Event().wait(0.005)
        together.remove(event)
        return event

    lambda_esm.function("f", handler)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda number: invoke("f", number), range(8))) == list(range(8))
    assert most == [1] * 8


def test_a_pool_that_an_earlier_invocation_made_works_for_the_next_one(lambda_esm: FakeLambda) -> None:
    pools: list[ThreadPoolExecutor] = []

    def outer(event: Any, context: Any) -> Any:
        if not pools:
            pools.append(ThreadPoolExecutor(1))
        return pools[0].submit(invoke, "inner", event).result()

    lambda_esm.function("inner", lambda event, context: event)
    lambda_esm.function("outer", outer)
    assert [invoke("outer", number) for number in range(3)] == [0, 1, 2]
    pools[0].shutdown()


def test_a_pool_that_an_earlier_test_made_sleeps_for_the_handler_of_the_next_one() -> None:
    with ThreadPoolExecutor(1) as pool:

        def handler(event: Any, context: Any) -> Any:
            pool.submit(time.sleep, 2).result()

        for _ in range(2):
            with FakeLambda() as fake:
                function = fake.function("f", handler, timeout=10)
                invoke("f")
                assert function.invocations[0].duration == timedelta(seconds=2)


def test_a_pool_of_the_test_works_for_a_handler_that_waits_for_it(lambda_esm: FakeLambda) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # its thread belongs to the test
        function = lambda_esm.function("f", lambda event, context: pool.submit(time.sleep, 1).result())
        for _ in range(3):
            invoke("f")
    assert [each.duration for each in function.invocations] == [timedelta(seconds=1)] * 3


@pytest.mark.lambda_esm(strict=False)
def test_a_handler_that_waits_for_a_thread_of_the_test_that_slept_before_is_told(
    lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_lambda_esm.clock.lock.LONGEST_WAIT", 0.05)
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(time.sleep, 1)
        while not lambda_esm.clock.slept:
            threading.Event().wait(0.001)
        lambda_esm.function("f", lambda event, context: sleeping.result())
        with pytest.raises(ClockError, match=r"time\.sleep: another thread has held the clock"):
            invoke("f")


@pytest.mark.lambda_esm(strict=False)
def test_a_handler_that_waits_for_a_thread_of_the_test_is_told(
    lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_lambda_esm.clock.lock.LONGEST_WAIT", 0.05)
    lambda_esm.function("inner", lambda event, context: None)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # its thread belongs to the test
        lambda_esm.function("outer", lambda event, context: pool.submit(invoke, "inner").result())
        with pytest.raises(ClockError, match="inner, invoked synchronously: another thread has held the clock"):
            invoke("outer")


@pytest.mark.parametrize("move", ["advance", "run_until_idle", "time.sleep"])
@pytest.mark.lambda_esm(strict=False)
def test_a_handler_that_waits_for_the_tests_thread_while_that_moves_the_clock_is_told(
    lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    monkeypatch.setattr("pytest_lambda_esm.clock.lock.LONGEST_WAIT", 0.05)
    moved = threading.Event()
    lambda_esm.function("f", lambda event, context: moved.wait())
    queue_url = lambda_esm.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    lambda_esm.client("lambda").create_event_source_mapping(  # Something is due, so run_until_idle moves.
        EventSourceArn=f"arn:aws:sqs:us-east-1:123456789012:{queue_url.rpartition('/')[2]}", FunctionName="f"
    )
    moves = {
        "advance": lambda: lambda_esm.clock.advance(5),
        "run_until_idle": lambda_esm.clock.run_until_idle,
        "time.sleep": lambda: time.sleep(5),
    }
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(lambda: (time.sleep(1), invoke("f")))
        try:
            with pytest.raises(ClockError, match=f"^{move}: another thread has held the clock.*running: f,"):
                moves[move]()
        finally:
            moved.set()
        assert working.result()
    lambda_esm.clock.advance(5)  # The clock goes on.


def test_a_handler_that_swallows_its_timeout_is_ended(lambda_esm: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> Any:
        while True:
            try:  # noqa: SIM105
                time.sleep(1)
            except:  # noqa: E722
                pass

    function = lambda_esm.function("f", handler, timeout=3)
    before = sys.gettrace()
    assert invoke("f")["errorType"] == "Sandbox.Timedout"
    assert sys.gettrace() is before
    assert [(each.outcome, each.duration) for each in function.invocations] == [("timeout", timedelta(seconds=3))]


# --- scripts -------------------------------------------------------------------------------------------------


def test_a_script_takes_the_place_of_the_handler_and_then_it_is_over(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: "handler", timeout=10)
    function.script(
        returns({"a": 1}).taking(2), raises(KeyError("k")), times_out(), exits(), runs().taking(timedelta(seconds=3))
    )
    answers = [invoke("f") for _ in range(6)]
    assert answers[0] == {"a": 1}
    assert [answer["errorType"] for answer in answers[1:4]] == ["KeyError", "Sandbox.Timedout", "Runtime.ExitError"]
    assert answers[4:] == ["handler", "handler"]
    assert [entry.outcome for entry in function.invocations] == [
        "success",
        "error",
        "timeout",
        "exit",
        "success",
        "success",
    ]
    assert [entry.duration.total_seconds() for entry in function.invocations] == [2, 0, 10, 0, 3, 0]
    assert "scripted: raises KeyError('k')" in str(lambda_esm.timeline)


def test_a_scripted_throttle_is_no_invocation_and_botocore_retries_it(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: "handler")
    function.script(throttled(), throttled("CallerRateLimitExceeded"))
    assert invoke("f") == "handler"
    assert len(function.invocations) == 1
    assert [call.error for call in lambda_esm.calls.of("Invoke")] == ["TooManyRequestsException"] * 2 + [None]
    assert function.metrics["Throttles"] == 2


def test_a_script_needs_no_handler(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f").script(returns(1))
    assert invoke("f") == 1


def test_taking_longer_than_the_timeout_is_a_timeout(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None, timeout=3)
    function.script(runs().taking(4), times_out().taking(2), times_out())
    assert "timed out after 3.00 seconds" in invoke("f")["errorMessage"]
    assert "timed out after 2.00 seconds" in invoke("f")["errorMessage"]
    assert "timed out after 3.00 seconds" in invoke("f")["errorMessage"]
    assert [entry.duration.total_seconds() for entry in function.invocations] == [3, 2, 3]


def test_taking_all_of_the_timeout_is_none(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: time.sleep(event), timeout=3)
    function.script(runs().taking(3))
    assert invoke("f", 0) is None
    assert "timed out" in invoke("f", 3)["errorMessage"]
    assert [(entry.outcome, entry.duration.total_seconds()) for entry in function.invocations] == [
        ("success", 3),
        ("timeout", 3),
    ]


def test_only_outcomes_make_a_script(lambda_esm: FakeLambda) -> None:
    from pytest_lambda_esm import HandlerError

    function = lambda_esm.function("f")
    with pytest.raises(HandlerError, match="script takes outcomes"):
        function.script(ValueError("x"))  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match="raises takes an exception"):
        raises("x")  # type: ignore[arg-type]
    with pytest.raises(HandlerError, match="Did you mean 'ConcurrentInvocationLimitExceeded'"):
        throttled("ConcurentInvocationLimitExceeded")
    with pytest.raises(HandlerError, match="taking: a time span cannot be negative"):
        runs().taking(-1)
