"""The time inside an invocation. It starts at the clock's time, and runs ahead while the handler sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakKeyDictionary

from pytest_lambda_esm.clock.runaway import ReRaise
from pytest_lambda_esm.timing import microseconds


class LocalTime:
    """The time of one invocation, in microseconds since the epoch.

    Threads sleep in parallel, so each thread that the handler starts has its own time, which starts at the time of the
    thread that started it. ``furthest`` is the latest instant that any of them has reached; it determines the duration
    of the invocation. In a pool, one thread may run several tasks, since each ends at once in real time; their sleeps
    then add up. ``imported`` is how many microseconds the import of the handler's module took.
    """

    def __init__(self, start: int, deadline: int, show: Callable[[int], None]) -> None:
        self.start: Final = start
        self.deadline = deadline
        self._show = show
        self.furthest = start
        self.imported = 0
        self._owner = threading.get_ident()
        self._main_time = start
        self._thread_times: WeakKeyDictionary[threading.Thread, int] | None = None
        self._reraise: ReRaise | None = None

    def now(self) -> int:
        """Return the calling thread's time."""
        if self._thread_times is None or threading.get_ident() == self._owner:
            return self._main_time
        return self._thread_times.get(threading.current_thread(), self._main_time)

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time, as ``time.sleep`` does in a handler. Raises TimedOut at the deadline."""
        self.wait_until(self.now() + microseconds(seconds))

    def wait_until(self, target: int) -> None:
        """Move the calling thread's time to an instant. Raises TimedOut at the deadline."""
        now = self.now()
        if now >= self.deadline:
            self._raise_again()
        target = max(target, now)
        reached = min(target, self.deadline)
        self._set(reached)
        if reached > self.furthest:
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

    def begin(self, thread: threading.Thread) -> None:
        """Start the time of a new thread at the calling thread's time."""
        if self._thread_times is None:
            self._thread_times = WeakKeyDictionary()
        self._thread_times[thread] = self.now()

    def end(self) -> None:
        """Stop raising TimedOut again; the handler has ended."""
        if self._reraise is not None:
            self._reraise.end()

    def _raise_again(self) -> None:
        """Raise TimedOut again, for a handler that swallowed it and still runs."""
        if self._reraise is None:
            self._reraise = ReRaise()
        self._reraise.again(TimedOut)

    def _set(self, reached: int) -> None:
        if threading.get_ident() == self._owner:
            self._main_time = reached
            return
        if self._thread_times is None:
            self._thread_times = WeakKeyDictionary()
        self._thread_times[threading.current_thread()] = reached


class TimedOut(SystemExit):
    """Ends a handler at its function's timeout.

    It is not an Exception, so that ``except Exception`` does not catch it. It is a SystemExit, so that it ends a thread
    of the handler silently.
    """
