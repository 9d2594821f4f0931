"""asyncio's loops in virtual time, in a handler and outside: with real threads and sockets, and no real sleeps."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sleeping_threads import sleeping_threads
from helpers.trials import trials
from pytest_lambda_esm import ClockLimitExceeded
from pytest_lambda_esm.clock import sleepers

TIMES = 10
"""The number of runs of a program that must have the same result each time."""


@pytest.fixture
def threads():
    with sleeping_threads() as threads:
        yield threads


@pytest.fixture
def impatient(monkeypatch):
    """Wait 50 ms, not 5 s, for a loop that always has something to run."""
    monkeypatch.setattr(sleepers, "LONGEST_TURN", 0.05)


async def nap(threads, seconds):
    await asyncio.sleep(seconds)
    threads.note(seconds)


# --- programs, and what they do when ---------------------------------------------------------------------------


async def gathered(threads):
    await asyncio.gather(*(nap(threads, seconds) for seconds in (3, 1, 2, 1.5)))
    return [(1, 1), (1.5, 1.5), (2, 2), (3, 3)]


async def equal(threads):
    async def named(name):
        await asyncio.sleep(1)
        threads.note(name)

    await asyncio.gather(*map(named, "dacb" * 10))
    return [(name, 1) for name in "dacb" * 10]


async def timed_out(threads):
    for seconds in (1, 2):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(nap(threads, 9), nap(threads, seconds)), 5.5)
        threads.note("timeout")
    return [(1, 1), ("timeout", 5.5), (2, 7.5), ("timeout", 11)]


async def in_time(threads):
    async def poll():
        for _ in range(20):
            await asyncio.sleep(1)

    await asyncio.wait_for(poll(), 20.001)
    threads.note("done")
    return [("done", 20)]


async def nobody_comes(threads):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 30)
    threads.note("timeout")
    return [("timeout", 30)]


async def called_later(threads):
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(5, done.set)
    loop.call_later(3, threads.note, "later")
    loop.call_later(4, threads.note, "cancelled").cancel()
    loop.call_at(loop.time() + 2, threads.note, "at")
    await done.wait()
    threads.note("set")
    return [("at", 2), ("later", 3), ("set", 5)]


async def waited_for(threads):
    tasks = [asyncio.ensure_future(asyncio.sleep(seconds)) for seconds in (3, 9)]
    done, pending = await asyncio.wait(tasks, timeout=4)
    threads.note((len(done), len(pending)))
    await asyncio.wait(pending)
    threads.note("all")
    return [((1, 1), 4), ("all", 9)]


async def until_a_deadline(threads):
    loop = asyncio.get_running_loop()
    end, sleeps = loop.time() + 30, 0
    while loop.time() < end:
        await asyncio.sleep(1)
        sleeps += 1
    threads.note(sleeps)
    return [(30, 30)]


async def beside_threads(threads):
    in_thread = [asyncio.to_thread(threads.sleep, seconds) for seconds in (3, 1)]
    await asyncio.gather(*in_thread, *(nap(threads, seconds) for seconds in (2, 4, 0.5)))
    await asyncio.wait_for(asyncio.to_thread(threads.sleep, 2), 3)
    threads.note("in time")
    return [(0.5, 0.5), (2, 2), (4, 4), ("in time", 6)]


async def too_long_in_a_thread(threads):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(threads.sleep, 9), 3)
    threads.note("timeout")
    return [("timeout", 3)]


async def queue(threads):
    jobs = asyncio.Queue()

    async def work():
        while (seconds := await jobs.get()) is not None:
            await nap(threads, seconds)

    workers = [asyncio.create_task(work()) for _ in range(2)]
    for seconds in (3, 1, 2, 5):
        await jobs.put(seconds)
        await asyncio.sleep(0.5)
    for _ in workers:
        await jobs.put(None)
    await asyncio.gather(*workers)
    return [(1, 1.5), (3, 3), (2, 3.5), (5, 8)]


async def sleeping_in_between(threads):
    other = asyncio.create_task(nap(threads, 2))
    await asyncio.sleep(0)
    threads.sleep(5)  # It blocks the loop.
    await other
    await nap(threads, 1)
    return [(2, 5), (1, 6)]


async def with_sockets(threads):
    async def serve(reader, writer):
        await asyncio.sleep(5)
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    threads.note(await asyncio.wait_for(reader.readline(), 10))
    writer.close()
    server.close()
    return [(b"hello\n", 5)]


PROGRAMS = {
    program.__name__: (program, times)
    for program, times in [
        (gathered, TIMES),
        (equal, 1),
        (timed_out, TIMES),
        (in_time, TIMES),
        (nobody_comes, TIMES),
        (called_later, TIMES),
        (waited_for, TIMES),
        (until_a_deadline, TIMES),
        (beside_threads, TIMES),
        (too_long_in_a_thread, 3),
        (queue, TIMES),
        (sleeping_in_between, TIMES),
        (with_sockets, 2),
    ]
}


@pytest.mark.parametrize("in_handler", [False, True], ids=["in the test", "in a handler"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_the_same_each_time(threads, in_handler, name):
    program, times = PROGRAMS[name]
    for _ in range(times):
        began = threads.passed
        expected = []
        threads.log.clear()
        if in_handler:
            threads.run(lambda expected=expected: expected.extend(asyncio.run(program(threads))))
            assert threads.passed == began
        else:
            expected.extend(asyncio.run(program(threads)))
        assert [(what, second - began) for what, second in threads.log] == expected


# --- any program -----------------------------------------------------------------------------------------------

SLEEP = st.integers(1, 4)
PROGRAM = st.recursive(
    st.lists(SLEEP | st.just("join"), max_size=4),
    lambda child: st.lists(SLEEP | st.just("join") | child, min_size=1, max_size=4),
    max_leaves=8,
)
"""The steps of a task: sleep for some seconds, start a task (a list), or wait for the tasks that it has started."""


def planned(program, name, now, log):
    """Return the second at which a task that starts now ends, and log when it has finished each step."""
    ends = []
    for number, step in enumerate(program):
        if step == "join":
            now = max([now, *ends])
        elif isinstance(step, list):
            ends.append(planned(step, (*name, number), now, log))
        else:
            now += step
        log.append(((*name, number), now))
    return max([now, *ends])


async def performed(threads, program, name, in_thread):
    started = []
    for number, step in enumerate(program):
        if step == "join":
            await asyncio.gather(*started)
        elif isinstance(step, list):
            started.append(asyncio.ensure_future(performed(threads, step, (*name, number), in_thread)))
        elif in_thread and step == 4:
            await asyncio.to_thread(threads.sleep, step)
        else:
            await asyncio.sleep(step)
        threads.note((*name, number))
    await asyncio.gather(*started)


@trials(30)
@given(program=PROGRAM, handler=st.booleans(), in_thread=st.booleans())
def test_any_program_of_tasks_takes_the_time_of_a_pure_model(program, handler, in_thread):
    expected = []
    end = planned(program, (), 0, expected)
    with sleeping_threads() as threads:

        def run():
            asyncio.run(performed(threads, program, (), in_thread))

        if handler:
            assert threads.run(run).duration.total_seconds() == end
        else:
            run()
            assert threads.passed == end
        assert sorted(threads.log) == sorted(expected)
        seconds = [second for _, second in threads.log]
        assert seconds == sorted(seconds)


# --- real waits ------------------------------------------------------------------------------------------------


def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "computed"


def test_a_limit_of_a_real_wait_is_real(threads):
    async def main():
        assert await asyncio.wait_for(asyncio.to_thread(compute, 0.1), 20) == "computed"
        done = threading.Event()
        threading.Timer(0.1, done.set).start()
        assert await asyncio.wait_for(asyncio.to_thread(done.wait), 20)
        assert not await asyncio.wait_for(asyncio.to_thread(threading.Event().wait, 0.1), 20)
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(6 * 7)", stdout=subprocess.PIPE)
        assert await asyncio.wait_for(child.communicate(), 60) == (b"42" + os.linesep.encode(), None)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            begun = time.monotonic()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ours, 1), 0.1)
            assert 0.1 <= time.monotonic() - begun < 5

    asyncio.run(main())
    assert threads.passed == 0


def test_a_sleep_does_not_pass_while_a_thread_computes_or_a_socket_is_about_to_speak(threads):
    async def main():
        sleeping = asyncio.create_task(nap(threads, 100))
        await asyncio.to_thread(compute, 0.1)
        threads.note("computed")
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            speaking = asyncio.to_thread(lambda: (compute(0.02), theirs.send(b"x")))
            await asyncio.gather(asyncio.get_running_loop().sock_recv(ours, 1), speaking)
            threads.note("heard")
        await sleeping

    asyncio.run(main())
    assert threads.log == [("computed", 0), ("heard", 0), (100, 100)]


def test_a_sleep_passes_while_a_socket_is_silent(threads):
    async def main():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            receiving = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(ours, 1))
            for _ in range(5):
                await nap(threads, 60)
            theirs.send(b"x")
            assert await receiving == b"x"

    asyncio.run(main())
    assert threads.passed == 300


# --- the clock -------------------------------------------------------------------------------------------------


def test_what_is_due_on_the_way_runs_at_its_own_time_and_may_wake_a_task(threads):
    async def main():
        done = asyncio.Event()
        for second in (2, 4):
            threads.clock.call_at(threads.clock.instant + second * 10**6, lambda: threads.note("due"), lambda: "event")
        threads.clock.call_at(threads.clock.instant + 5 * 10**6, done.set, lambda: "event")
        await nap(threads, 3)
        await asyncio.wait_for(done.wait(), 60)
        threads.note("set")

    asyncio.run(main())
    assert threads.log == [("due", 2), (3, 3), ("due", 4), ("set", 5)]


def test_tasks_that_became_due_while_a_task_moved_the_clock_follow_in_their_order(threads):
    async def main():
        tasks = [asyncio.create_task(nap(threads, seconds)) for seconds in (4, 2, 30)]
        await asyncio.sleep(0)
        threads.clock.advance(10)
        threads.note("advanced")
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert threads.log == [("advanced", 10), (2, 10), (4, 10), (30, 30)]


def test_a_cancelled_sleep_leaves_nothing(threads):
    async def main():
        sleeping = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(1)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        for _ in range(200):  # More than are kept.
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.sleep(1000), 0.01)

    asyncio.run(main())
    assert threads.passed == 3
    assert threads.clock.pending == ()


def test_a_sleep_for_ever_and_a_moment_are_possible(threads):
    async def main():
        forever = [asyncio.create_task(asyncio.sleep(seconds)) for seconds in (float("inf"), 1e15)]
        await asyncio.sleep(1e-9)
        await asyncio.sleep(1)
        for task in forever:
            task.cancel()

    asyncio.run(main())
    assert threads.passed == 1


def test_an_exception_on_the_way_is_raised_where_a_task_sleeps(threads):
    def fail():
        raise LookupError("on the way")

    async def main():
        threads.clock.call_at(threads.clock.instant + 2 * 10**6, fail, lambda: "event")
        with pytest.raises(LookupError, match="on the way"):
            await asyncio.sleep(3)
        threads.note("caught")
        await nap(threads, 1)
        threads.clock.call_at(threads.clock.instant + 2 * 10**6, fail, lambda: "event")
        await asyncio.wait_for(asyncio.Event().wait(), 5)

    with pytest.raises(LookupError):  # There is no task that sleeps, so it ends the loop.
        asyncio.run(main())
    assert threads.log == [("caught", 2), (1, 3)]
    assert len(threads.failures) == 2


@pytest.fixture
def interruptible():
    """React to SIGINT as Python does by default: a shell starts what runs in the background with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process on Windows")
def test_a_keyboard_interrupt_passes(threads):
    async def main():
        await asyncio.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(1)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())


def test_an_endless_loop_is_stopped(threads):
    threads.clock._longest_standstill = 0.05

    async def main():
        while True:
            await asyncio.sleep(1)

    with pytest.raises(ClockLimitExceeded, match="code under test has slept"):
        asyncio.run(main())


def test_a_loop_that_is_never_idle_is_not_waited_for_for_ever(threads, impatient):
    async def spin():
        while True:
            await asyncio.sleep(0)

    async def main():
        sleeping = asyncio.create_task(nap(threads, 10))
        while not sleeping.done():
            await asyncio.sleep(0)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(spin(), 3)
        threads.note("timeout")
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.1
        while loop.time() < end:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert threads.log == [(10, 10), ("timeout", 13)]


# --- threads, handlers, and the end ----------------------------------------------------------------------------


def test_a_loop_in_another_thread_waits_for_the_clock(threads):
    async def beat():
        while True:
            await asyncio.sleep(60)
            threads.note("beat")

    loop = asyncio.new_event_loop()
    running = threads.start(loop.run_forever)
    beating = asyncio.run_coroutine_threadsafe(beat(), loop)
    compute(0.02)
    assert threads.passed == 0
    threads.clock.advance(120)
    assert threads.log == [("beat", 60), ("beat", 120)]
    asyncio.run_coroutine_threadsafe(asyncio.sleep(30), loop).result()
    assert threads.passed == 150
    threads.clock.run_until(lambda: len(threads.log) == 3)
    assert threads.passed == 180
    beating.cancel()
    loop.call_soon_threadsafe(loop.stop)
    running.join()
    loop.close()


def test_a_thread_that_waits_for_a_loop_for_some_time_does_not_make_its_limits_real(threads):
    loop = asyncio.new_event_loop()
    running = threads.start(loop.run_forever)
    begun = time.monotonic()
    waiting = asyncio.run_coroutine_threadsafe(asyncio.wait_for(asyncio.Event().wait(), 20), loop)
    with pytest.raises(asyncio.TimeoutError):
        waiting.result(timeout=60)
    assert time.monotonic() - begun < 15
    assert threads.passed == 20
    loop.call_soon_threadsafe(loop.stop)
    running.join()
    loop.close()


def test_loops_of_several_threads_sleep_side_by_side(threads):
    running = [threads.start(asyncio.run, nap(threads, seconds)) for seconds in (3, 1, 2)]
    asyncio.run(nap(threads, 2.5))
    for thread in running:
        thread.join()
    assert threads.log == [(1, 1), (2, 2), (2.5, 2.5), (3, 3)]


@pytest.mark.parametrize("catches", [(), (Exception, asyncio.CancelledError)], ids=["plain", "swallowing"])
def test_a_handler_times_out_while_its_tasks_sleep(threads, catches):
    async def main():
        while True:
            try:
                await asyncio.gather(asyncio.sleep(4), asyncio.sleep(30))
            except catches:
                threads.note("caught")

    def handler():
        while True:
            try:
                asyncio.run(main())
            except BaseException:
                if not catches:
                    raise

    invocation = threads.run(handler, timeout=10)
    assert (invocation.outcome, invocation.duration.total_seconds()) == ("timeout", 10)


def test_a_loop_that_a_module_keeps_serves_each_invocation(threads):
    loop = asyncio.new_event_loop()
    for _ in range(3):
        durations = [threads.run(lambda: loop.run_until_complete(asyncio.wait_for(asyncio.sleep(2), 3))).duration]
        threads.clock.advance(1)
        assert [duration.total_seconds() for duration in durations] == [2]
    loop.close()


def test_a_loop_from_before_becomes_virtual_and_is_real_again_after():
    loop = asyncio.new_event_loop()
    before = loop.create_task(asyncio.sleep(1000))
    loop.run_until_complete(asyncio.sleep(0))
    with sleeping_threads() as threads:
        loop.run_until_complete(asyncio.sleep(10))
        assert threads.passed == 10
        loop.run_until_complete(before)
        assert round(threads.passed) == 1000
        left = loop.create_task(asyncio.sleep(5.02))
        loop.run_until_complete(asyncio.sleep(5))
    assert not left.done()
    begun = time.monotonic()
    loop.run_until_complete(left)
    assert time.monotonic() - begun < 5
    loop.close()


def test_loops_of_older_threads_stay_real():
    loop = asyncio.new_event_loop()
    older = threading.Thread(target=loop.run_forever)
    older.start()
    with sleeping_threads() as threads:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001), loop).result()
        assert threads.clock.slept == []
    loop.call_soon_threadsafe(loop.stop)
    older.join()
    loop.close()


@pytest.mark.parametrize("daemon", [True, False], ids=["daemon", "thread"])
def test_a_loop_in_a_thread_at_the_end(daemon):
    loop = asyncio.new_event_loop()
    with sleeping_threads() as threads:
        running = threads.start(loop.run_forever, daemon=daemon)
        sleeping = asyncio.run_coroutine_threadsafe(asyncio.sleep(60), loop)
        threads.clock.advance(59.99)
    if daemon:
        sleeping.result(timeout=20)  # The rest of the sleep is real.
        loop.call_soon_threadsafe(loop.stop)
    running.join(20)
    assert not running.is_alive()
    sleeping.cancel()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_nothing_is_left_of_the_patches():
    base = asyncio.BaseEventLoop
    before = (base.time, base.call_at, base._run_once)
    with sleeping_threads():
        assert base.time is not before[0]
    assert (base.time, base.call_at, base._run_once) == before
