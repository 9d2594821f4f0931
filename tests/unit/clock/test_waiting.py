"""Whether a thread waits, judged by the place in the code where it stands; with real threads."""

import asyncio
import contextlib
import gc
import queue
import selectors
import socket
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import pytest

from pytest_lambda_esm.clock import waiting
from pytest_lambda_esm.clock.usage import Usage
from pytest_lambda_esm.clock.waiting import Standing, Stillness, standing


def seen(thread):
    frames = waiting.frames_of_threads()
    return standing(frames[thread.ident], frames)


def settled(thread, expected):
    """Return where a thread stands, once it stands where expected or a second has passed."""
    for _ in range(1000):
        if seen(thread) is expected:
            break
        threading.Event().wait(0.001)
    return seen(thread)


@contextlib.contextmanager
def standing_in(wait, release):
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        release()
        thread.join(10)
        assert not thread.is_alive()


def in_event():
    event = threading.Event()
    return event.wait, event.set, Standing.WAITING


def in_timed_event():
    event = threading.Event()
    return lambda: event.wait(60), event.set, Standing.TIMED


def in_queue():
    waiting = queue.Queue()
    return waiting.get, lambda: waiting.put(1), Standing.WAITING


def in_future():
    future = Future()
    return future.result, lambda: future.set_result(1), Standing.WAITING


def in_join():
    event = threading.Event()
    other = threading.Thread(target=event.wait)
    other.start()
    return other.join, event.set, Standing.WAITING


def in_lock():
    lock = threading.Lock()
    lock.acquire()
    return lambda: lock.acquire(), lock.release, Standing.UNKNOWN


def in_simple_queue():
    waiting = queue.SimpleQueue()
    return lambda: waiting.get(), lambda: waiting.put(1), Standing.UNKNOWN


def in_accept():
    server = socket.create_server(("127.0.0.1", 0))

    def wait():
        server.accept()[0].close()
        server.close()

    return wait, lambda: socket.create_connection(server.getsockname()).close(), Standing.OUTSIDE


def in_selector():
    one, other = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(one, selectors.EVENT_READ)

    def release():
        other.send(b"x")

    def wait():
        selector.select()
        for each in (one, other, selector):
            each.close()

    return wait, release, Standing.OUTSIDE


def in_event_loop():
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    def wait():
        loop.run_until_complete(done.wait())
        loop.close()

    return wait, lambda: loop.call_soon_threadsafe(done.set), Standing.IDLE


def at_a_prompt():
    lock = threading.Lock()
    lock.acquire()
    debugger = {"__name__": "pdb", "lock": lock}
    exec("def prompt(): lock.acquire()", debugger)
    return debugger["prompt"], lock.release, Standing.RUNNING


PLACES = [
    in_event,
    in_timed_event,
    in_queue,
    in_future,
    in_join,
    in_lock,
    in_simple_queue,
    in_accept,
    in_selector,
    in_event_loop,
    at_a_prompt,
]


@pytest.mark.parametrize("place", PLACES)
def test_a_thread_is_recognised_by_its_place(place):
    wait, release, expected = place()
    with standing_in(wait, release) as thread:
        assert settled(thread, expected) is expected


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ThreadPool])
def test_the_threads_of_an_idle_pool_are_idle(kind):
    before = set(threading.enumerate())
    with kind(1) as pool:
        list(pool.map(abs, [1]))
        for thread in set(threading.enumerate()) - before:
            assert settled(thread, Standing.IDLE) is Standing.IDLE


def test_a_thread_that_was_notified_runs_although_it_has_not_moved():
    condition = threading.Condition()
    states = []

    def wait():
        with condition:
            condition.wait()

    with standing_in(wait, lambda: None) as thread:
        assert settled(thread, Standing.WAITING) is Standing.WAITING
        with condition:
            condition.notify()
            states.append(seen(thread))
    assert states == [Standing.RUNNING]


def test_a_thread_that_joins_one_that_ends_runs():
    event = threading.Event()
    ending = threading.Thread(target=event.wait)
    ending.start()
    with standing_in(ending.join, event.set) as joining:
        assert settled(joining, Standing.WAITING) is Standing.WAITING
        frames = dict(waiting.frames_of_threads())
        del frames[ending.ident]
        assert standing(frames[joining.ident], frames) is Standing.RUNNING


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_while_frames_are_collected(enabled, monkeypatch):
    """Up to Python 3.11, freeing a threading.local meanwhile would wait for a lock that the same thread holds."""
    collecting = []
    monkeypatch.setattr(sys, "_current_frames", lambda: collecting.append(gc.isenabled()) or {})
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        waiting.frames_of_threads()
        assert collecting == [False]
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_a_wait_in_c_code_shows_by_stillness():
    wait, release, _ = in_lock()
    with standing_in(wait, release) as thread:
        settled(thread, Standing.UNKNOWN)
        known = {}
        stillness, looks = Stillness(known), 0
        while stillness.look(lambda: [thread], patient=True):
            looks += 1
            threading.Event().wait(0.002)
        assert stillness.seconds >= 0.05
        assert looks >= 7
        assert Stillness(known).look(lambda: [thread], patient=False) == []  # Known from before.
        assert Stillness(known).look(lambda: [thread], patient=True) == [thread]


def looks_until_it_waits(stillness, thread, most):
    for look in range(most):
        if not stillness.look(lambda: [thread], patient=True):
            return look
        threading.Event().wait(0.002)
    return most


def test_a_thread_that_gets_no_processor_does_not_wait(monkeypatch):
    """On a busy machine it stays where it is, as a thread does that waits in C code."""
    stillness, most = Stillness(), 60

    def starved(thread):
        return Usage(cpu=0.0, delayed=stillness.seconds)

    wait, release, _ = in_lock()
    with standing_in(wait, release) as thread:
        settled(thread, Standing.UNKNOWN)
        monkeypatch.setattr(waiting, "usage_of", starved)
        assert looks_until_it_waits(stillness, thread, most) == most
        assert stillness.seconds > Standing.UNKNOWN.value
        monkeypatch.undo()
        assert looks_until_it_waits(Stillness(), thread, 1000) < 1000


def test_a_thread_that_is_ready_to_run_does_not_wait_where_it_waited_before(monkeypatch):
    wait, release, _ = in_lock()
    with standing_in(wait, release) as thread:
        settled(thread, Standing.UNKNOWN)
        known = {}
        looks_until_it_waits(Stillness(known), thread, 1000)
        monkeypatch.setattr(waiting, "is_ready", lambda thread: True)
        assert Stillness(known).look(lambda: [thread], patient=False) == [thread]
        monkeypatch.undo()
        assert Stillness(known).look(lambda: [thread], patient=False) == []


def test_the_time_of_a_look_itself_does_not_count():
    """The thread that looks keeps others from running, if it is slow."""
    wait, release, _ = in_lock()
    with standing_in(wait, release) as thread:
        settled(thread, Standing.UNKNOWN)
        stillness = Stillness()
        clock = iter(range(1000))
        stillness._real_time = lambda: (next(clock) + 1) // 2  # A look takes a second, and the next one begins at once.
        for _ in range(20):
            assert stillness.look(lambda: [thread], patient=True) == [thread]
        assert stillness.seconds == 0


def test_a_computation_is_not_a_wait():
    stop = []

    def compute():
        while not stop:
            pass

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    stillness = Stillness()
    looks = []
    for _ in range(40):
        looks.append(stillness.look(lambda: [thread], patient=True))
        threading.Event().wait(0.001)
    stop.append(True)
    thread.join()
    if sys.platform == "linux":
        assert all(looks)
