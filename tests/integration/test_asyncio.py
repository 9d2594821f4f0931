"""Asynchronous code under test, beside everything else that is due."""

import asyncio
import json
import threading
import time
from asyncio import sleep as pause  # a name of this module, as in code under test

import boto3
import pytest

from pytest_lambda_esm import ClockError, ClockLimitExceeded, FakeLambda
from pytest_lambda_esm.clock import sleepers


def seconds(fake):
    return (fake.clock.now - fake.config.start).total_seconds()


def invoke(name="f"):
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_a_coroutine_waits_for_a_mapping(lambda_esm, connect):
    setup = connect(lambda_esm)

    async def enabled():
        while setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)["State"] != "Enabled":
            await pause(1)

    asyncio.run(asyncio.wait_for(enabled(), timeout=20))
    assert lambda_esm.clock.slept == [1] * 5
    assert sum("asyncio.sleep" in str(entry) for entry in lambda_esm.timeline) == 5


def test_deliveries_happen_at_their_own_time_between_the_tasks(lambda_esm, connect):
    log = []

    async def nap(length):
        await asyncio.sleep(length)
        log.append((length, seconds(lambda_esm)))

    async def handled(done):
        await done.wait()
        log.append(("handled", seconds(lambda_esm)))

    async def main():
        done = asyncio.Event()

        def handler(event, context):
            log.append(("handler", time.time() - lambda_esm.config.start.timestamp()))
            done.set()

        setup = connect(lambda_esm, handler)
        setup.send("x", DelaySeconds=7)
        await asyncio.gather(nap(8), nap(6), asyncio.wait_for(handled(done), 60))

    asyncio.run(main())
    assert log == [(6, 6), ("handler", 7), ("handled", 7), (8, 8)]


def test_a_failure_of_a_handler_is_raised_where_the_task_sleeps(lambda_esm, connect):
    def handler(event, context):
        pytest.fail("not like this")

    async def main():
        setup = connect(lambda_esm, handler)
        setup.send("x", DelaySeconds=7)
        with pytest.raises(pytest.fail.Exception, match="not like this"):
            await asyncio.sleep(10)
        return seconds(lambda_esm)

    assert asyncio.run(main()) == 7


def test_tasks_and_threads_of_a_handler_sleep_in_its_own_time(lambda_esm):
    def handler(event, context):
        async def main():
            await asyncio.gather(*map(pause, (3, 1, 2)))
            left = context.get_remaining_time_in_millis()
            await asyncio.gather(asyncio.to_thread(time.sleep, 2), asyncio.sleep(1))
            return left

        return asyncio.run(main())

    lambda_esm.function("f", handler, timeout=10)
    for _ in range(5):
        assert invoke() == (None, 7000)
    assert {invocation.duration.total_seconds() for invocation in lambda_esm.invocations} == {5}
    assert seconds(lambda_esm) == 25


def test_a_function_times_out_while_its_tasks_sleep(lambda_esm):
    ended = []

    async def work():
        try:
            await asyncio.gather(pause(5), pause(20))
        finally:
            ended.append(True)
            await pause(5)
            ended.append("too late")

    lambda_esm.function("f", lambda event, context: asyncio.run(work()), timeout=10)
    error, payload = invoke()
    assert error == "Unhandled"
    assert "timed out after 10.00 seconds" in payload["errorMessage"]
    assert ended == [True]
    assert seconds(lambda_esm) == 10


@pytest.fixture
def impatient(monkeypatch):
    """Wait 50 ms, not 5 s, for threads that ran before the fixture, such as those of pytest-xdist."""
    monkeypatch.setattr(sleepers, "LONGEST_TURN", 0.05)


async def wait_for_ever():
    await asyncio.Event().wait()


async def wait_in_tasks():
    await asyncio.gather(wait_for_ever(), asyncio.Queue().get(), asyncio.sleep(2))


WAITED_FOR = []
"""What threads of handlers wait for. It is set when the test has ended, so that they end as well."""


async def wait_for_a_thread_that_waits():
    WAITED_FOR.append(threading.Event())
    await asyncio.to_thread(WAITED_FOR[-1].wait)


@pytest.fixture
def threads_end():
    yield
    while WAITED_FOR:
        WAITED_FOR.pop().set()
    for thread in threading.enumerate():
        if thread.name.startswith("asyncio_") or "_do_shutdown" in thread.name:
            thread.join(5)


@pytest.mark.parametrize(
    "wait",
    [wait_for_ever, wait_in_tasks, wait_for_a_thread_that_waits, lambda: pause(float("inf"))],
    ids=["event", "tasks", "thread", "sleep"],
)
@pytest.mark.usefixtures("threads_end")
def test_a_handler_that_waits_for_ever_times_out(lambda_esm, impatient, wait):
    ended = []

    async def work():
        try:
            await wait()
        finally:
            ended.append(True)

    lambda_esm.function("f", lambda event, context: asyncio.run(work()), timeout=10)
    error, payload = invoke()
    assert (error, "timed out after 10.00 seconds" in payload["errorMessage"]) == ("Unhandled", True)
    assert ended == [True]
    assert seconds(lambda_esm) == 10


def test_a_handler_waits_for_what_is_real(lambda_esm):
    async def work():
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        computing = threading.Timer(0.07, lambda: loop.call_soon_threadsafe(done.set))
        computing.start()
        await done.wait()
        computing.join()

    lambda_esm.function("f", lambda event, context: asyncio.run(work()))
    assert invoke() == (None, None)


def test_a_handler_waits_for_a_thread_of_the_test(lambda_esm):
    """Such as the one in which a module of the function's keeps an event loop."""
    work = asyncio.new_event_loop()
    keeper = threading.Thread(target=work.run_forever)
    keeper.start()

    async def compute():
        threading.Event().wait(0.07)
        return "computed"

    async def ask():
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(compute(), work))

    lambda_esm.function("f", lambda event, context: asyncio.run(ask()))
    assert invoke() == (None, "computed")
    work.call_soon_threadsafe(work.stop)
    keeper.join()
    work.close()


def test_sleeps_end_with_time(lambda_esm):
    async def main():
        while True:
            await asyncio.sleep(1e10)

    with pytest.raises(ClockError, match="virtual time ends with the year"):
        asyncio.run(main())


def test_tasks_that_invoke_functions_in_threads_do_so_side_by_side(lambda_esm):
    lambda_esm.function("f", lambda event, context: time.sleep(2), timeout=10)

    async def main():
        await asyncio.gather(*(asyncio.to_thread(invoke) for _ in range(3)), asyncio.sleep(2.5))

    asyncio.run(main())
    assert seconds(lambda_esm) == 2.5


@pytest.mark.lambda_esm(longest_standstill=0.05)
def test_an_endless_loop_is_reported_even_if_it_is_caught(lambda_esm):
    async def main():
        while True:
            await asyncio.sleep(1)

    with pytest.raises(ClockLimitExceeded, match="Is this an endless loop"):
        asyncio.run(main())
    assert len(lambda_esm.errors) == 1


@pytest.mark.lambda_esm(sleep="real")
def test_with_real_sleep_asyncio_is_left_alone(lambda_esm):
    asyncio.run(asyncio.sleep(0.001))
    assert lambda_esm.clock.slept == []
    assert seconds(lambda_esm) == 0


def test_a_task_that_outlives_the_fake_sleeps_on_in_real_time():
    loop = asyncio.new_event_loop()
    with FakeLambda() as fake:
        left = loop.create_task(asyncio.sleep(60.02))
        loop.run_until_complete(asyncio.sleep(60))
        assert seconds(fake) == 60
    loop.run_until_complete(left)
    loop.close()


def test_time_moved_by_a_freezer_wakes_tasks(lambda_esm, freezer):
    async def main():
        sleeping = asyncio.create_task(asyncio.sleep(30))
        await asyncio.sleep(1)
        freezer.tick(60)
        await sleeping
        return seconds(lambda_esm)

    assert asyncio.run(main()) == 61
