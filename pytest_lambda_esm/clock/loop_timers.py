"""The timers of one event loop of asyncio: when each is due in virtual time, and the time that its loop shows.

There are two kinds. The timer of ``asyncio.sleep`` is a sleep. All others are limits: those of ``asyncio.timeout`` and
``wait_for``, and what code schedules with ``call_later`` or ``call_at``. A limit is due at an instant of virtual time
too, but also when its loop has waited for as long in real time (:attr:`LoopTimers.waited`).
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Any, Final

from pytest_lambda_esm.clock import sleepers
from pytest_lambda_esm.timing import END, MICROSECONDS, instant_of

_NEVER: Final = instant_of(END)
_ENDLESS: Final = float("inf")
_FEWEST_CHECKED: Final = 64
_TURNS_BETWEEN_LOOKS: Final = 256
_WAKES_A_SLEEPER: Final = vars(asyncio.futures)["_set_result_unless_cancelled"]
"""The callback of the timer of ``asyncio.sleep``. Seen in Python 3.10 to 3.13."""


class LoopTimer:
    """A timer, and when it is due: at ``due``, or when its loop has waited for ``limit`` seconds in real time.

    ``is_sleep`` says whether it is that of a task in ``asyncio.sleep``.
    """

    __slots__ = ("due", "handle", "is_sleep", "limit", "sequence")

    def __init__(self, handle: Any, due: int, sequence: int, limit: float) -> None:
        self.handle = handle
        self.due = due
        self.sequence = sequence
        self.limit = limit
        self.is_sleep = handle._callback is _WAKES_A_SLEEPER

    def __lt__(self, other: LoopTimer) -> bool:
        return (self.due, self.sequence) < (other.due, other.sequence)

    @property
    def sleeping(self) -> Any:
        """The future that a task awaits in ``asyncio.sleep``; None for a limit, and if it was cancelled."""
        return self.handle._args[0] if self.is_sleep and not self.is_cancelled else None

    @property
    def is_cancelled(self) -> bool:
        """Whether its handle was cancelled."""
        return bool(self.handle._cancelled)


class TimerHeap:
    """Timers in the order in which they are due. Cancelled ones stay until they would be first, or are too many."""

    __slots__ = ("_check_at", "timers")

    def __init__(self) -> None:
        self.timers: list[LoopTimer] = []
        self._check_at = _FEWEST_CHECKED

    def add(self, timer: LoopTimer) -> None:
        """Add a timer."""
        heapq.heappush(self.timers, timer)
        if len(self.timers) > self._check_at:
            self._keep(self.live())
            self._check_at = 2 * len(self.timers) + _FEWEST_CHECKED

    def first(self) -> LoopTimer | None:
        """Return the timer that is due first, or None if none ever is."""
        timers = self.timers
        while timers and timers[0].is_cancelled:
            heapq.heappop(timers)
        return timers[0] if timers and timers[0].due < _NEVER else None

    def live(self) -> list[LoopTimer]:
        """Return the timers that are not cancelled, in no order."""
        return [timer for timer in self.timers if not timer.is_cancelled]

    def discard(self, timer: LoopTimer) -> None:
        """Forget a timer."""
        if timer is self.timers[0]:
            heapq.heappop(self.timers)
        else:
            self._keep([other for other in self.timers if other is not timer])

    def _keep(self, timers: list[LoopTimer]) -> None:
        self.timers = timers
        heapq.heapify(timers)


class LoopTimers:
    """The timers of a loop, in the order in which they are due; equal ones in the order in which they were set.

    ``now`` returns the caller's virtual time in microseconds, ``real_time`` what the loop's clock shows without a fake.
    The loop's time goes on from there, by the virtual time that passes. It stands still in between, whatever real time
    passes, and never goes back.
    """

    # A freezer of the user's would replace a module global.
    _monotonic = staticmethod(time.monotonic)

    def __init__(self, loop: Any, now: Callable[[], int], real_time: Callable[[Any], float]) -> None:
        self.loop = loop
        self.waited = 0.0
        """The real seconds for which the loop has waited for something real, while nothing slept."""
        self.quiet: frozenset[Any] = frozenset()
        """What the loop watched when nothing of it had anything to say for a while."""
        self._now = now
        self._real_time = real_time
        self._instant = now()
        self._shown = real_time(loop)
        self._passed = 0
        self._sleeps = TimerHeap()
        self._limits = TimerHeap()
        self._sequence = 0
        self._busy_turns = 0
        self._busy_since = 0.0
        for handle in sorted(loop._scheduled):
            self.add(handle)
        loop._timer_cancelled_count = 0

    def time(self) -> float:
        """Return the time that the loop shows, in seconds."""
        self._follow()
        return self._shown + self._passed / MICROSECONDS

    def rest(self) -> None:
        """Note that the loop has nothing to run."""
        self._busy_turns = 0

    def is_endlessly_busy(self) -> bool:
        """Note a turn in which the loop has something to run; return whether others have waited for it long enough.

        That is so after each ``LONGEST_TURN`` in which it always had. The loop's own time has passed as well, then.
        """
        self._busy_turns += 1
        if self._busy_turns == 1:
            self._busy_since = self._monotonic()
        if self._busy_turns % _TURNS_BETWEEN_LOOKS:
            return False
        seconds = self._monotonic() - self._busy_since
        if seconds < sleepers.LONGEST_TURN:
            return False
        self._busy_turns = 0
        self._shown += seconds
        return True

    def add(self, handle: Any) -> LoopTimer:
        """Take over a timer that the loop has scheduled."""
        delay = handle._when - self.time()
        longest = (_NEVER - self._instant) / MICROSECONDS
        due = self._instant + max(round(delay * MICROSECONDS), 0) if delay < longest else _NEVER
        self._sequence += 1
        timer = LoopTimer(handle, due, self._sequence, self.waited + delay)
        self._heap_of(timer).add(timer)
        self.loop._scheduled.remove(handle)
        handle._scheduled = False  # The loop does not count how many of these are cancelled.
        return timer

    def first(self) -> LoopTimer | None:
        """Return the timer that is due first, or None if none ever is."""
        sleep, limit = self._sleeps.first(), self._limits.first()
        if sleep is None or limit is None:
            return sleep or limit
        return min(sleep, limit)

    def seconds_until(self, timer: LoopTimer) -> float:
        """Return in how many seconds of virtual time a timer is due."""
        return (timer.due - self._instant) / MICROSECONDS

    def only_limits(self) -> bool:
        """Whether no task sleeps."""
        return self._sleeps.first() is None

    def awaits_end(self) -> bool:
        """Whether a task sleeps for a number of seconds that ends after the end of time."""
        return any(timer.handle._when < _ENDLESS for timer in self._sleeps.live())

    def seconds_left(self) -> float:
        """Return for how many seconds the loop may still wait in real time until a limit is due."""
        return max(min((timer.limit for timer in self._limits.live()), default=float("inf")) - self.waited, 0.0)

    def run_due(self) -> None:
        """Make the loop run, in its next turn, what is due at this time."""
        timer = self.first()
        if timer is not None:
            self._follow()
        while timer is not None and timer.due <= self._instant:
            self._run(timer)
            timer = self.first()

    def run_exceeded(self) -> None:
        """Make the loop run the limits that it has reached in real time."""
        for timer in sorted(timer for timer in self._limits.live() if timer.limit <= self.waited):
            self._run(timer)

    def discard(self, timer: LoopTimer) -> None:
        """Forget a timer."""
        self._heap_of(timer).discard(timer)

    def release(self) -> Callable[[], None]:
        """Forget all timers; return what makes the loop wait for the rest of each in real time."""
        self._follow()
        timers = sorted(self._sleeps.live() + self._limits.live())
        left = [(timer.handle, self.seconds_until(timer)) for timer in timers]
        self._sleeps, self._limits = TimerHeap(), TimerHeap()

        def give_back() -> None:
            for handle, seconds in left:
                if not handle._cancelled and not self.loop.is_closed():
                    handle._when = self._real_time(self.loop) + seconds
                    handle._scheduled = True
                    heapq.heappush(self.loop._scheduled, handle)

        return give_back

    def _heap_of(self, timer: LoopTimer) -> TimerHeap:
        return self._sleeps if timer.is_sleep else self._limits

    def _run(self, timer: LoopTimer) -> None:
        self.discard(timer)
        # Code that was called at a time expects that it has come, as anyio does: real time may have been waited for.
        self._shown += max(timer.handle._when - self.time(), 0.0)
        self.loop._ready.append(timer.handle)

    def _follow(self) -> None:
        instant = self._now()
        self._passed += max(instant - self._instant, 0)
        self._instant = instant
