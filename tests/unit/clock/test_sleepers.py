"""Threads that sleep in virtual time, in a handler and outside: with real threads, and no real sleeps."""

import asyncio
import queue
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from multiprocessing.pool import ThreadPool

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sleeping_threads import sleeping_threads
from helpers.trials import scaled, trials
from pytest_lambda_esm import ClockError, ClockLimitExceeded
from pytest_lambda_esm.clock import sleepers

TIMES = scaled(10)
"""The number of runs of a program that must have the same result each time."""


@pytest.fixture
def threads():
    with sleeping_threads() as threads:
        yield threads


def in_handler(threads, program):
    return threads.run(lambda: program(threads)).duration.total_seconds()


def in_test(threads, program):
    before = threads.passed
    program(threads)
    return threads.passed - before


# --- programs, and how long each takes -------------------------------------------------------------------------


def mapped(workers):
    def program(threads):
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda _: threads.sleep(3), range(5)))

    return program


def mixed(threads):
    with ThreadPoolExecutor(2) as pool:  # 0-3 and 0-1, 1-2, 2-4
        list(pool.map(threads.sleep, [3, 1, 1, 2]))


def submitted(threads):
    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(threads.sleep, seconds) for seconds in (4, 2, 1, 1)]
        for done in as_completed(working):
            done.result()


def first_completed(threads):
    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(threads.sleep, seconds) for seconds in (4, 2, 7)]
        wait(working, return_when=FIRST_COMPLETED)
        assert [done.done() for done in working] == [False, True, False]


def pool_of_multiprocessing(threads):
    with ThreadPool(2) as pool:
        pool.map(threads.sleep, [3] * 3, chunksize=1)


def nested_pools(threads):
    def work(_):
        threads.sleep(1)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(threads.sleep, [1, 2, 3]))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))


def plain_threads(threads):
    running = [threads.start(threads.sleep, seconds) for seconds in (1, 5, 3)]
    threads.sleep(2)
    for thread in running:
        thread.join()


def one_after_the_other(threads):
    for _ in range(3):
        threads.start(threads.sleep, 1).join()


def producer_and_consumer(threads):
    waiting = queue.Queue()

    def produce():
        for number in range(3):
            threads.sleep(1)
            waiting.put(number)
        waiting.put(None)

    producer = threads.start(produce)
    while waiting.get(timeout=20) is not None:
        threads.sleep(2)
    producer.join()


def event_and_condition(threads):
    begun, changed, count = threading.Event(), threading.Condition(), []

    def work():
        begun.wait()
        threads.sleep(2)
        with changed:
            count.append(1)
            changed.notify()

    running = [threads.start(work) for _ in range(3)]
    threads.sleep(1)
    begun.set()
    with changed:
        changed.wait_for(lambda: len(count) == 3)
    for thread in running:
        thread.join()


def lock_held(threads):
    lock = threading.Lock()

    def work():
        with lock:
            threads.sleep(2)

    running = [threads.start(work) for _ in range(2)]
    for thread in running:
        thread.join()


def in_a_coroutine(threads):
    async def work():
        await asyncio.gather(*(asyncio.to_thread(threads.sleep, seconds) for seconds in (1, 3, 2)))

    asyncio.run(work())


def timer(threads):
    delayed = threading.Timer(0.001, threads.sleep, [4])
    delayed.start()
    delayed.join()


def heartbeat_beside_a_pool(threads):
    done = threading.Event()

    def beat():
        while not done.is_set():
            threads.sleep(1)

    for _ in range(2):
        threads.start(beat)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(threads.sleep, [2, 2, 2.5]))
    done.set()


PROGRAMS = {
    "pool of 1": (mapped(1), 15, TIMES),
    "pool of 2": (mapped(2), 9, TIMES),
    "pool of 3": (mapped(3), 6, TIMES),
    "pool of 5": (mapped(5), 3, TIMES),
    "pool of 10": (mapped(10), 3, TIMES),
    "mixed durations": (mixed, 4, TIMES),
    "submit, as_completed": (submitted, 4, TIMES),
    "wait": (first_completed, 7, TIMES),
    "ThreadPool": (pool_of_multiprocessing, 6, 3),
    "nested pools": (nested_pools, 5, scaled(5)),
    "threads": (plain_threads, 5, TIMES),
    "one after the other": (one_after_the_other, 3, TIMES),
    "queue": (producer_and_consumer, 7, TIMES),
    "event and condition": (event_and_condition, 3, TIMES),
    "a lock held meanwhile": (lock_held, 4, 3),
    "asyncio.to_thread": (in_a_coroutine, 3, TIMES),
    "Timer": (timer, 4, 3),
    "heartbeats": (heartbeat_beside_a_pool, 4.5, TIMES),
}


@pytest.mark.parametrize("where", [in_handler, in_test])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_takes_the_same_time_each_time(threads, where, name):
    program, seconds, times = PROGRAMS[name]
    assert [where(threads, program) for _ in range(times)] == [seconds] * times


# --- any program ---------------------------------------------------------------------------------------------

SLEEP = st.integers(0, 4)
PROGRAM = st.recursive(
    st.lists(SLEEP | st.just("join"), max_size=4),
    lambda child: st.lists(SLEEP | st.just("join") | child, min_size=1, max_size=4),
    max_leaves=8,
)
"""The steps of a thread: sleep for some seconds, start a thread (a list), or join the threads that it has started."""


def planned(program, name, now, log):
    """Return the second at which a thread that starts now ends, and log when it has finished each step."""
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


def performed(threads, program, name):
    started = []
    for number, step in enumerate(program):
        if step == "join":
            for thread in started:
                thread.join()
        elif isinstance(step, list):
            started.append(threads.start(performed, threads, step, (*name, number)))
        else:
            threads.sleep(step)
        threads.note((*name, number))
    for thread in started:
        thread.join()


@trials(25)
@given(program=PROGRAM, handler=st.booleans())
def test_any_program_of_threads_takes_the_time_of_a_pure_model(program, handler):
    expected = []
    end = planned(program, (), 0, expected)
    with sleeping_threads() as threads:
        if handler:
            assert threads.run(lambda: performed(threads, program, ())).duration.total_seconds() == end
        else:
            performed(threads, program, ())
            assert threads.passed == end
        assert sorted(threads.log) == sorted(expected)
        seconds = [second for _, second in threads.log]
        assert seconds == sorted(seconds)


@trials(15)
@given(tasks=st.lists(st.lists(SLEEP, max_size=3), max_size=8), workers=st.integers(1, 4), handler=st.booleans())
def test_any_pool_takes_the_time_of_a_pure_model(tasks, workers, handler):
    free = [0] * workers
    ends = []
    for task in tasks:
        free.sort()
        free[0] += sum(task)
        ends.append((len(ends), free[0]))

    def program():
        def work(number, task):
            for seconds in task:
                threads.sleep(seconds)
            threads.note(number)

        with ThreadPoolExecutor(workers) as pool:
            for number, task in enumerate(tasks):
                pool.submit(work, number, task)

    with sleeping_threads() as threads:
        if handler:
            threads.run(program)
        else:
            program()
        assert sorted(threads.log) == ends


# --- threads of the test -------------------------------------------------------------------------------------


def test_a_sleep_outside_the_tests_thread_waits_for_the_clock(threads):
    def beat():
        while not threads.ended:
            threads.sleep(60)
            threads.note("beat")

    threads.start(beat, daemon=False)
    sum(range(300_000))
    assert threads.passed == 0
    threads.clock.advance(120)
    assert threads.log == [("beat", 60), ("beat", 120)]
    threads.clock.run_until_idle()
    assert threads.passed == 120
    threads.clock.run_until(lambda: len(threads.log) == 4)
    assert threads.passed == 240
    with pytest.raises(ClockLimitExceeded, match="condition is still false"):
        threads.clock.run_until(lambda: False, limit=600)


def test_sleepers_and_events_take_turns_in_order_of_time(threads):
    at = threads.clock.instant
    for second in (1, 2, 3):
        threads.clock.call_at(at + second * 1_000_000, lambda: threads.note("event"), lambda: "event")

    def work(name, seconds):
        for _ in range(2):
            threads.sleep(seconds)
            threads.note(name)

    threads.start(work, "a", 1.5)
    threads.start(work, "b", 1)
    threads.sleep(3)
    threads.note("test")
    assert threads.log == [
        ("event", 1),
        ("b", 1),
        ("a", 1.5),
        ("event", 2),
        ("b", 2),
        ("event", 3),
        ("a", 3),
        ("test", 3),
    ]


@pytest.mark.parametrize("handler", [True, False])
def test_those_that_wake_at_the_same_instant_do_so_in_the_order_in_which_they_went_to_sleep(threads, handler):
    def work(name, first, then):
        threads.sleep(first)
        threads.sleep(then)
        threads.note(name)

    def program():
        started = [threads.start(work, *each) for each in (("a", 3, 2), ("b", 1, 4), ("c", 2, 3))]
        for thread in started:
            thread.join()

    for _ in range(TIMES):
        threads.log.clear()
        if handler:
            threads.run(program)
        else:
            program()
        assert [name for name, _ in threads.log] == ["b", "c", "a"]


def test_what_a_woken_thread_schedules_is_run_on_the_way(threads):
    def work():
        threads.sleep(1)
        threads.clock.call_at(threads.clock.instant, lambda: threads.note("event"), lambda: "event")
        threads.sleep(1)
        threads.note("thread")

    threads.start(work)
    threads.clock.advance(10)
    assert threads.log == [("event", 1), ("thread", 2)]


def test_an_exception_in_an_event_reaches_the_thread_that_moved_the_clock(threads):
    def fail():
        raise ValueError("no")

    threads.clock.call_at(threads.clock.instant + 1, fail, lambda: "failing")
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="no"):
        pool.submit(threads.sleep, 1).result()


class SlowlyStarted(threading.Thread):
    """A thread that the system suspends in the middle of its start."""

    def _set_ident(self):
        super()._set_ident()
        for _ in range(300_000):
            pass


def test_a_thread_has_its_turn_while_it_is_being_started(threads):
    def handler():
        sleeping = threads.start(threads.sleep, 3)
        started = SlowlyStarted(target=threads.sleep, args=[3])
        started.start()
        for thread in (sleeping, started):
            thread.join()

    assert threads.run(handler).duration.total_seconds() == 3


def test_threads_that_have_ended_are_forgotten(threads):
    for _ in range(300):
        threads.start(int).join()
    assert len(threads.runtime.nesting.threads) < 100


def test_a_thread_that_never_waits_is_not_waited_for_for_ever(threads, monkeypatch):
    monkeypatch.setattr(sleepers, "LONGEST_TURN", 0.02)
    stop = []

    def compute():
        while not stop:
            sum(range(1000))

    computing = threads.start(compute)
    threads.sleep(1)
    threads.start(threads.sleep, 2).join()
    stop.append(True)
    computing.join()
    assert threads.passed == 3


def test_an_endless_sleep_in_the_background_is_stopped(threads, monkeypatch):
    monkeypatch.setattr("pytest_lambda_esm.clock.runaway.MOST_SLEEPS", 3)
    threads.clock._longest_standstill = 0

    def beat():
        while True:
            threads.sleep(60)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ClockLimitExceeded, match=r"has slept 3 times in a row"):
        pool.submit(beat).result()


# --- the end -------------------------------------------------------------------------------------------------


def test_at_the_end_sleeping_threads_end_or_go_on_in_real_time():
    ended = []

    def work():
        try:
            threads.sleep(60)
        finally:
            ended.append(threads.passed)

    with sleeping_threads() as threads:
        ordinary = threads.start(work, daemon=False)
        daemon = threads.start(threads.sleep, 0.001)
        threads.clock.advance(0)
    ordinary.join()
    daemon.join()
    assert ended == [0]


def test_a_sleep_that_begins_after_the_end_does_not_block():
    go = threading.Event()

    def work():
        go.wait()
        threads.sleep(60)

    with sleeping_threads() as threads:
        thread = threads.start(work, daemon=False)
        threads.clock.stop()
        go.set()
        thread.join()


# --- a handler's threads that outlive it ------------------------------------------------------------------------


def test_a_thread_that_outlives_its_handler_sleeps_on_by_the_clock(threads):
    def late():
        threads.sleep(5)
        threads.note("late")

    def handler():
        threads.start(late)
        threads.sleep(1)

    assert threads.run(handler).duration.total_seconds() == 1
    threads.clock.advance(4.9)
    assert threads.log == []
    threads.clock.advance(0.1)
    assert threads.log == [("late", 5)]


def test_the_next_handler_may_wait_for_it(threads):
    pool = ThreadPoolExecutor(1)
    working = []

    def first():
        working.append(pool.submit(threads.sleep, 5))

    threads.run(first)
    threads.clock.advance(2)
    assert threads.run(lambda: working[0].result()).duration.total_seconds() == 3
    pool.shutdown()


def test_at_a_timeout_all_threads_of_the_handler_end(threads):
    def work(seconds):
        try:
            threads.sleep(seconds)
        finally:
            threads.note(seconds)

    def handler():
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(work, [1, 10, 20]))

    for _ in range(TIMES):
        threads.log.clear()
        assert threads.run(handler, timeout=5).outcome == "timeout"
        assert sorted(threads.log) == [(1, 1), (10, 5), (20, 5)]


def test_a_handler_may_give_work_to_threads_that_were_started_before_it(threads):
    jobs, done = queue.Queue(), queue.Queue()

    def work():
        while True:
            seconds = jobs.get()
            threads.sleep(seconds)
            done.put(seconds)

    def handler():
        threads.sleep(1)
        for seconds in (3, 2, 2):
            jobs.put(seconds)
        assert [done.get() for _ in range(3)] == [2, 3, 2]

    for _ in range(2):
        threads.start(work)
    assert {threads.run(handler).duration.total_seconds() for _ in range(TIMES)} == {5}
    assert threads.passed == 0


def test_a_handler_that_waits_for_a_thread_that_slept_before_it_is_told(threads, monkeypatch):
    monkeypatch.setattr("pytest_lambda_esm.clock.lock.LONGEST_WAIT", 0.05)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(threads.sleep, 1)
        while not threads.clock.sleepers.of(threads.clock):
            threading.Event().wait(0.001)
        with pytest.raises(ClockError, match=r"time\.sleep: another thread has held the clock for 0.05 s"):
            threads.run(working.result)


def test_a_handler_run_by_a_sleeping_thread_has_its_turn_among_its_own_threads(threads):
    def handler():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(threads.sleep, [3, 3, 1]))

    def event():
        threads.note(threads.run(handler).duration.total_seconds())

    for second in range(1, TIMES):
        threads.clock.call_at(threads.clock.instant + second * 1_000_000, event, lambda: "event")
    threads.start(threads.sleep, 60).join()
    assert {seconds for seconds, _ in threads.log} == {4}
