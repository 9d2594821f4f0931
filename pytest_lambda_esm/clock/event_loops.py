"""asyncio on virtual time: every timer of an event loop, and with it ``asyncio.sleep`` wherever code keeps it.

:class:`VirtualLoops` replaces three methods that all of asyncio's own loops share: ``time``, ``call_at``, and the turn
of a loop. Loops of other packages, such as uvloop's, have methods of their own, and stay real.
"""

from __future__ import annotations

import threading
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakSet

from pytest_lambda_esm.clock.loop_sleeper import LastSleeper, LoopSleeper
from pytest_lambda_esm.clock.loop_timers import LoopTimer, LoopTimers
from pytest_lambda_esm.clock.sleep import threads_of_others
from pytest_lambda_esm.clock.sleepers import SharedTime, Sleepers
from pytest_lambda_esm.patching import Patches, original_of

_TIMERS: Final = "_lambda_esm_timers"
"""The attribute of a loop that holds its timers, so that both are forgotten together."""


def is_virtual(loop: Any) -> bool:
    """Whether the timers of a running loop are virtual. It may be a loop of another package."""
    loop.time()  # A loop that runs already gets its timers here.
    return _TIMERS in getattr(loop, "__dict__", ())


@dataclass(frozen=True, slots=True)
class LoopTime:
    """Where the loops of the calling thread get their time.

    ``now`` returns it in microseconds. ``is_endless`` tells whether no invocation ends it. ``to_move`` returns what
    moves it, and may raise what ends the caller. ``slept`` is called with the seconds of each sleep that begins,
    ``failed`` with each exception that ends one.
    """

    now: Callable[[], int]
    is_endless: Callable[[], bool]
    to_move: Callable[[], SharedTime]
    slept: Callable[[float], None]
    failed: Callable[[BaseException], None]


class VirtualLoops:
    """Makes the timers of asyncio's loops virtual, except in threads that were running before :meth:`install`."""

    def __init__(self, sleepers: Callable[[], Sleepers], time: LoopTime) -> None:
        self._sleepers = sleepers
        self._time = time
        self._loops: WeakSet[Any] = WeakSet()
        self._others: frozenset[int | None] = frozenset()
        self._real_time: Callable[[Any], float] = original_of(BaseEventLoop, "time")

    def install(self, patches: Patches) -> None:
        """Replace the methods until ``patches`` are undone. Loops that are running go on in virtual time."""
        self._others = frozenset(thread.ident for thread in threads_of_others())
        real_time, call_at = self._real_time, original_of(BaseEventLoop, "call_at")
        run_once = original_of(BaseEventLoop, "_run_once")

        def virtual_time(loop: Any) -> float:
            timers = self._timers_of(loop)
            return real_time(loop) if timers is None else timers.time()

        def virtual_call_at(loop: Any, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
            handle = call_at(loop, when, callback, *args, context=context)
            timers = self._timers_of(loop)
            if timers is not None and handle in loop._scheduled:
                self._note(timers.add(handle), timers)
            return handle

        def virtual_turn(loop: Any) -> None:
            __tracebackhide__ = True
            timers = self._timers_of(loop)
            if timers is not None:
                timers.run_due()
                if not loop._ready and not loop._stopping:
                    timers.rest()
                    self._wait(timers)
                elif timers.is_endlessly_busy():
                    self._wait(timers, busy=True)
            run_once(loop)

        patches.then(self._release)
        patches.set(BaseEventLoop, "time", virtual_time)
        patches.set(BaseEventLoop, "call_at", virtual_call_at)
        patches.set(BaseEventLoop, "_run_once", virtual_turn)

    def _timers_of(self, loop: Any) -> LoopTimers | None:
        """Return the timers of a loop, or None if the loop is real."""
        timers: LoopTimers | None = loop.__dict__.get(_TIMERS)
        if timers is None and self._is_of_test(loop):
            timers = loop.__dict__[_TIMERS] = LoopTimers(loop, self._time.now, self._real_time)
            self._loops.add(loop)
        return timers

    def _is_of_test(self, loop: Any) -> bool:
        # A loop without a selector, such as one that a window system drives, has turns of its own.
        return hasattr(loop, "_selector") and (loop._thread_id or threading.get_ident()) not in self._others

    def _note(self, timer: LoopTimer, timers: LoopTimers) -> None:
        if timer.is_sleep:
            self._time.slept(timers.seconds_until(timer))

    def _wait(self, timers: LoopTimers, *, busy: bool = False) -> None:
        """Let time pass until the loop has something to run. No-op without timers: the loop waits in real time.

        With ``busy=True``, let it pass until the first timer is due, whatever the loop has to run.
        """
        __tracebackhide__ = True
        loop = timers.loop
        sleepers = self._sleepers()
        while not sleepers.is_closed:
            first = timers.first()
            sleeper = self._sleeper(first, timers, busy)
            if sleeper is None or not sleeper.sleeps_on():
                return
            try:
                sleepers.run(sleeper)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                self._fail(first, timers, error)
            timers.run_due()
            if loop._ready or loop._stopping:
                return

    def _sleeper(self, first: LoopTimer | None, timers: LoopTimers, busy: bool) -> LoopSleeper | None:
        """Return a sleeper until the first timer, or until time ends for all that wait. None: wait in real time."""
        __tracebackhide__ = True
        if first is None and not timers.awaits_end() and self._time.is_endless():
            return None
        group = self._time.to_move()
        if first is not None:
            return LoopSleeper(group, first.due, timers, busy=busy)
        last = LastSleeper(group, timers, has_strangers=self._has_strangers(group))
        return None if busy or last.is_watching else last

    def _has_strangers(self, group: SharedTime) -> bool:
        """Whether there are threads that may wake a loop, and do not share its time."""
        groups = self._sleepers().groups
        if groups is None or any(thread.ident in self._others for thread in threading.enumerate()):
            return True
        members = {threading.current_thread(), *groups.others(group)}
        return any(thread.is_alive() and thread not in members for thread in groups.threads)

    def _fail(self, first: LoopTimer | None, timers: LoopTimers, error: BaseException) -> None:
        """Raise an exception at the line where a task sleeps, or else out of the loop."""
        __tracebackhide__ = True
        self._time.failed(error)
        future = first.sleeping if first is not None else None
        if first is None or future is None or future.done():
            raise error
        timers.discard(first)
        future.set_exception(error)

    def _release(self) -> None:
        """Make every timer real for the rest of its time. Called after the methods are real again."""
        for loop in list(self._loops):
            give_back = loop.__dict__.pop(_TIMERS).release()
            if loop.is_running() and loop._thread_id != threading.get_ident():
                loop.call_soon_threadsafe(give_back)
            elif not loop.is_closed():
                give_back()
        self._loops.clear()
