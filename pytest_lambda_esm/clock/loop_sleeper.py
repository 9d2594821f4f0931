"""An event loop of asyncio that has nothing to run until virtual time has come, as a sleeper among threads.

Other sleepers block their thread. A loop goes on watching its sockets and pipes meanwhile: whatever arrives there, or
is given to the loop by another thread or by an event of the clock, ends its sleep.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from pytest_lambda_esm.clock import sleepers
from pytest_lambda_esm.clock.loop_timers import LoopTimers
from pytest_lambda_esm.clock.sleepers import SharedTime, Sleeper
from pytest_lambda_esm.clock.waiting import KNOWN_STILLNESS, Standing


class LoopSleeper(Sleeper):
    """The thread of a loop whose first timer is due at an instant of its group's time."""

    __slots__ = ("_began", "_busy", "_really", "is_limit", "loop", "timers")

    in_loop = True
    # A freezer of the user's would replace a module global.
    _real_time = staticmethod(time.monotonic)

    def __init__(self, group: SharedTime, due: int, timers: LoopTimers, *, busy: bool = False) -> None:
        super().__init__(group, due)
        self.timers = timers
        self.loop = timers.loop
        self.is_limit = timers.only_limits()
        self._began = self._real_time()
        self._busy = busy
        self._really = False

    @property
    def is_watching(self) -> bool:
        """Whether the loop watches anything but the pipe through which other threads wake it."""
        return len(_watched(self.loop)) > 1

    def sleeps_on(self) -> bool:
        """Whether the loop still has nothing to run, or whether that does not matter since it always has."""
        if self.asleep and self.is_watching:
            self.wait_for_loop(0)
        return self.asleep and (self._busy or not (self.loop._ready or self.loop._stopping))

    def seconds_left(self) -> float:
        """Return for how many real seconds the loop still waits at most."""
        return self.timers.seconds_left()

    def may_move(self, *, really: bool) -> bool:
        """Whether nothing has arrived for 50 ms; for 5 ms if that was so before, with the same sockets and pipes."""
        self._really = really
        if not self.is_watching:
            return True
        watched = frozenset(_watched(self.loop))
        needed: float = KNOWN_STILLNESS if watched == self.timers.quiet else Standing.OUTSIDE.value
        if really or self._real_time() - self._began < needed:
            return False
        self.timers.quiet = watched
        return True

    def block(self, seconds: float) -> None:
        """Wait until the loop has something to run, or :meth:`nudge` is called; for some seconds at most unless -1."""
        if seconds < 0 or not self._really:
            self.wait_for_loop(seconds if seconds >= 0 else None)
            return
        begun = self._real_time()
        self.wait_for_loop(min(seconds, self.seconds_left()))
        self.timers.waited += self._real_time() - begun
        self.timers.run_exceeded()

    def wait_for_loop(self, seconds: float | None) -> None:
        """Wait as the loop itself does. Its name says to others where this thread is: see ``waiting``."""
        loop = self.loop
        loop._process_events(loop._selector.select(seconds))

    def nudge(self) -> None:
        """Make the loop look whether it sleeps on."""
        if self.thread is not threading.current_thread():
            self.loop._write_to_self()


class LastSleeper(LoopSleeper):
    """The thread of a loop that has no timer: nothing but the end of its group's time can end its wait.

    ``has_strangers`` says whether there are threads outside of its group. They may have something for the loop, so they
    have longer for it.
    """

    __slots__ = ("_patience",)

    def __init__(self, group: SharedTime, timers: LoopTimers, *, has_strangers: bool) -> None:
        super().__init__(group, group.deadline, timers)
        self.is_limit = True
        self._patience = sleepers.LONGEST_TURN if has_strangers else Standing.OUTSIDE.value

    def seconds_left(self) -> float:
        """Return that the loop waits without a limit in real time."""
        return float("inf")

    def may_move(self, *, really: bool) -> bool:
        """Whether nothing has arrived for long enough."""
        return self._real_time() - self._began >= self._patience


def _watched(loop: Any) -> Any:
    """Return what a loop watches, by number or address. That of Windows, a proactor, has no selector."""
    selector = loop._selector
    return selector.get_map() if hasattr(selector, "get_map") else selector._cache
