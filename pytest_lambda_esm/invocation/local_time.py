"""The time inside an invocation. It starts at the clock's time, and runs ahead while the handler sleeps."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakKeyDictionary

from pytest_lambda_esm.clock.runaway import ReRaise
from pytest_lambda_esm.clock.sleepers import Sleeper, Sleepers
from pytest_lambda_esm.timing import microseconds


class LocalTime:
    """The time of one invocation, in microseconds since the epoch; ``show`` shows it on the wall clocks.

    The handler and the threads that it starts share it, and sleep side by side: it moves on to the end of the earliest
    sleep as soon as each of them sleeps, waits or has ended. Where it cannot be seen whether threads wait, as with
    gevent's, each has a time of its own, and ``furthest`` is the latest. ``imported`` is how many microseconds the
    import of the handler's module took.
    """

    awaited: Final = None
    is_moving: Final = False

    def __init__(self, start: int, deadline: int, show: Callable[[int], None], sleepers: Sleepers) -> None:
        self.start: Final = start
        self.deadline = deadline
        self._show = show
        self._sleepers = sleepers
        self.furthest = start
        self.imported = 0
        self._own_times: WeakKeyDictionary[threading.Thread, int] | None = None
        self._reraise: ReRaise | None = None
        self._ended = False

    @property
    def instant(self) -> int:
        """The latest instant that a thread of the invocation has reached."""
        return self.furthest

    def now(self) -> int:
        """Return the time that the calling thread has reached."""
        if self._own_times is None:
            return self.furthest
        return self._own_times.get(threading.current_thread(), self.furthest)

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time, as ``time.sleep`` does in a handler. Raises TimedOut at the deadline."""
        self.wait_until(self.now() + microseconds(seconds))

    def wait_until(self, target: int) -> None:
        """Wait until an instant. Raises TimedOut at the deadline."""
        now = self.now()
        if now >= self.deadline:
            self._raise_again()
        if target > now and now < self.deadline and not self._sleepers.is_alone(self):
            self._sleepers.sleep(self, target)
        else:
            self._move(target)

    def check(self) -> None:
        """Raise TimedOut at the deadline, again and again in code that swallows it.

        An event loop that is closed on the way out, since TimedOut was raised in it, has not swallowed it.
        """
        if self.now() >= self.deadline:
            if not isinstance(sys.exc_info()[1], TimedOut):
                self._raise_again()
            raise TimedOut

    def reach(self, sleeper: Sleeper) -> None:
        """Move on to the end of a sleep, in its thread. Raises TimedOut at the deadline."""
        self._move(sleeper.due)

    def begin(self, thread: threading.Thread) -> None:
        """Start the time of a new thread at the calling thread's time."""
        if self._sleepers.groups is None:
            if self._own_times is None:
                self._own_times = WeakKeyDictionary({threading.current_thread(): self.furthest})
            self._own_times[thread] = self.now()

    def _move(self, target: int) -> None:
        target = max(target, self.now())
        reached = min(target, self.deadline)
        if self._own_times is not None:
            self._own_times[threading.current_thread()] = reached
        if reached > self.furthest and not self._ended:
            self.furthest = reached
            self._show(reached)
        if target >= self.deadline:
            raise TimedOut

    @contextmanager
    def extra(self, limit: int) -> Iterator[None]:
        """Do not count the time that passes meanwhile toward the timeout, unless it exceeds ``limit``."""
        before, deadline = self.furthest, self.deadline
        self.deadline = deadline + limit
        try:
            yield
        finally:
            passed = self.imported = self.furthest - before
            self.deadline = deadline + (passed if passed <= limit else 0)

    def end(self) -> None:
        """Stand still from now on, and stop raising TimedOut again; the handler has ended."""
        self._ended = True
        if self._reraise is not None:
            self._reraise.end()

    def _raise_again(self) -> None:
        """Raise TimedOut again, for a handler that swallowed it and still runs."""
        if self._reraise is None:
            self._reraise = ReRaise()
        self._reraise.again(TimedOut)


class TimedOut(SystemExit):
    """Ends a handler at its function's timeout.

    It is not an Exception, so that ``except Exception`` does not catch it. It is a SystemExit, so that it ends a thread
    of the handler silently.
    """


class CutOff(SystemExit):
    """Ends a handler whose process has ended after one of its writes. A SystemExit for the same reasons."""
