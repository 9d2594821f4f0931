"""Waits for a response: at once, or noted while a request is answered and done afterwards."""

from __future__ import annotations

import pytest

from pytest_lambda_esm.moto_bridge.waits import NotYet, ResponseWaits, first_time, is_waiting, noted, waiting

SECOND = 1_000_000


class Runtime:
    """The time of a caller, which waits move."""

    def __init__(self):
        self.instant = 0
        self.local_time = None

    def now(self):
        return self.instant

    def wait_until(self, instant):
        self.instant = max(self.instant, instant)

    def wait(self, seconds):
        self.instant += round(seconds * SECOND)


@pytest.fixture
def runtime():
    return Runtime()


@pytest.fixture
def waits(runtime):
    return ResponseWaits(runtime, runtime.wait)


def test_without_a_task_time_passes_at_once(runtime, waits):
    done = []
    waits.wait(2)
    waits.wait_until(5 * SECOND)
    waits.after_wait(lambda: done.append(runtime.instant))
    waits.poll_again(1)
    assert runtime.instant == waits.now() == 6 * SECOND
    assert waits.poll_until(20) == 26 * SECOND
    assert done == [5 * SECOND]


def test_a_task_owes_what_it_has_not_waited_for(runtime, waits):
    done = []
    owed = waits.owed("call", repeats=False)
    with noted(owed):
        waits.wait(2)
        waits.wait_until(1 * SECOND)
        waits.wait(3)
        waits.after_wait(lambda: done.append(runtime.instant))
        assert (runtime.instant, waits.now()) == (0, 5 * SECOND)
    assert (waits.left(owed), done) == (5, [])
    runtime.wait(4)
    assert waits.left(owed) == 1
    [action] = owed.actions
    action()
    assert done == [4 * SECOND]


def test_a_handler_that_runs_meanwhile_waits_in_its_own_time(runtime, waits):
    owed = waits.owed("call", repeats=True)
    with noted(owed):
        runtime.local_time = object()
        waits.wait(2)
        waits.poll_again(1)
    assert (owed.until, runtime.instant) == (0, 3 * SECOND)


def test_a_long_poll_is_answered_again(runtime, waits):
    owed = waits.owed("call", repeats=True)
    with noted(owed):
        assert waits.poll_until(20) == 20 * SECOND
        with pytest.raises(NotYet) as pause:
            waits.poll_again(1.5)
        assert pause.value.seconds == 1.5
        runtime.wait(1.5)
        assert waits.poll_until(20) == 20 * SECOND
    owed = waits.owed("call", repeats=False)
    with noted(owed):
        waits.poll_again(1)
    assert runtime.instant == 2.5 * SECOND


def test_what_holds_for_a_request_is_found_out_once(waits):
    numbers = iter(range(10))
    assert first_time("call", "number", lambda: next(numbers)) == 0
    with noted(waits.owed("call", repeats=True)):
        assert first_time("call", "number", lambda: next(numbers)) == 1
        assert first_time("another call", "number", lambda: next(numbers)) == 2
        assert first_time("call", "number", lambda: next(numbers)) == 1
        assert first_time("call", "other", lambda: next(numbers)) == 3


def test_waiting_tasks_are_known():
    assert not is_waiting()
    with waiting():
        assert is_waiting()
    assert not is_waiting()
