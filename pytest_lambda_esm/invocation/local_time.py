"""The time inside an invocation: it starts with the clock's, and runs ahead when the handler sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakKeyDictionary

from pytest_lambda_esm.clock.runaway import ReRaise
from pytest_lambda_esm.timing import microseconds


class TimedOut(SystemExit):
    """Ends a handler at its function's timeout.

    Not an Exception, so that ``except Exception`` does not stop it; a SystemExit, so that a thread of the handler ends
    by it without a word.
    """


class LocalTime:
    """How far one invocation has come, in microseconds since the epoch.

    Each thread that the handler starts has a time of its own, which begins with the handler's, since threads sleep
    side by side; the invocation has lasted as long as the one that is furthest. A pool that gives one thread several
    tasks, because each is over at once in real time, adds their naps up. ``furthest`` is the latest instant that any
    thread of the handler has reached.
    """

    def __init__(self, start: int, deadline: int, show: Callable[[int], None]) -> None:
        self.start: Final = start
        self.deadline = deadline
        self._show = show
        self.furthest = start
        self._owner = threading.get_ident()
        self._own = start
        self._others: WeakKeyDictionary[threading.Thread, int] | None = None
        self._reraise: ReRaise | None = None

    def now(self) -> int:
        """The calling thread's time."""
        if self._others is None or threading.get_ident() == self._owner:
            return self._own
        return self._others.get(threading.current_thread(), self._own)

    def sleep(self, seconds: float) -> None:
        """What ``time.sleep`` does in a handler. Raises TimedOut at the deadline."""
        self.wait_until(self.now() + microseconds(seconds))

    def wait_until(self, target: int) -> None:
        """Let the calling thread's time come to an instant. Raises TimedOut at the deadline."""
        now = self.now()
        if now >= self.deadline:
            self._insist()
        target = max(target, now)
        reached = min(target, self.deadline)
        self._keep(reached)
        if reached > self.furthest:
            self.furthest = reached
            self._show(reached)
        if target >= self.deadline:
            raise TimedOut

    @contextmanager
    def apart(self, most: int) -> Iterator[None]:
        """What passes meanwhile comes before the time until the deadline, unless it is more than ``most``."""
        began, deadline = self.furthest, self.deadline
        self.deadline = deadline + most
        try:
            yield
        finally:
            passed = self.furthest - began
            self.deadline = deadline + (passed if passed <= most else 0)

    def begin(self, thread: threading.Thread) -> None:
        """A thread of the handler starts another one, whose time begins now."""
        if self._others is None:
            self._others = WeakKeyDictionary()
        self._others[thread] = self.now()

    def end(self) -> None:
        """The handler has ended."""
        if self._reraise is not None:
            self._reraise.end()

    def _insist(self) -> None:
        """The handler goes on after its end: it has swallowed it."""
        if self._reraise is None:
            self._reraise = ReRaise()
        self._reraise.again(TimedOut)

    def _keep(self, reached: int) -> None:
        if threading.get_ident() == self._owner:
            self._own = reached
            return
        if self._others is None:
            self._others = WeakKeyDictionary()
        self._others[threading.current_thread()] = reached
