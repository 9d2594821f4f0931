"""The clock's lock: one thread at a time moves time or keeps it from moving."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from pytest_lambda_esm.errors import ClockError

LONGEST_WAIT: Final = 60
"""The real seconds that a call waits for another thread to release the clock."""


class HeldLock:
    """A reentrant lock, which its holder can lend to other threads for a moment.

    ``activity`` names what the holder runs, for the error of a thread that waits for too long.
    """

    __slots__ = ("_about", "_activity", "_depth", "_holder", "_lock", "_never")

    def __init__(self, activity: Callable[[], str]) -> None:
        self._activity = activity
        self._lock = threading.Lock()
        self._never = threading.Event()
        self._holder: int | None = None
        self._depth = 0
        self._about: Callable[[], str] = str

    def acquire(self, about: Callable[[], str]) -> None:
        """Acquire the lock, once more if the calling thread holds it. Raises ClockError after ``LONGEST_WAIT``."""
        __tracebackhide__ = True
        if not self.attempt(about, 0):  # It is usually free.
            self._take(about)
            self._hold(about)

    def attempt(self, about: Callable[[], str], seconds: float) -> bool:
        """Acquire the lock if it gets free within some real seconds; return whether it did."""
        if self._holder == threading.get_ident():
            self._depth += 1
            return True
        if not (self._lock.acquire(False) or (seconds and self._lock.acquire(timeout=seconds))):
            return False
        self._hold(about)
        return True

    def release(self) -> None:
        """Release the lock once. No-op in a thread that has lent it and has not got it back."""
        if self._holder == threading.get_ident():
            self._depth -= 1
            if not self._depth:
                self._holder = None
                self._lock.release()

    def lend(self, seconds: float) -> None:
        """Let other threads hold the lock for some real seconds, and acquire it again.

        Raises ClockError if they still hold it after ``LONGEST_WAIT``; the calling thread has lost it then.
        """
        __tracebackhide__ = True
        depth, about = self._depth, self._about
        self._holder, self._depth = None, 0
        self._lock.release()
        try:
            self._never.wait(seconds)
        finally:
            self._take(about)
            self._holder, self._depth, self._about = threading.get_ident(), depth, about

    def _hold(self, about: Callable[[], str]) -> None:
        self._holder, self._depth, self._about = threading.get_ident(), 1, about

    def _take(self, about: Callable[[], str]) -> None:
        __tracebackhide__ = True
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            raise held_too_long(about(), self._activity())


class ClockLock:
    """Holds the clock for a ``with`` block.

    ``about`` names the caller, for error texts. ``check`` is called with the lock held; if it raises, the lock is
    released. This is a class, since a generator's frames would show up between an error and the user's line.
    """

    __slots__ = ("_about", "_check", "_lock")

    def __init__(self, lock: HeldLock, about: Callable[[], str], check: Callable[[], None]) -> None:
        self._lock = lock
        self._about = about
        self._check = check

    def __enter__(self) -> None:
        __tracebackhide__ = True
        self._lock.acquire(self._about)
        try:
            self._check()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def held_too_long(caller: str, activity: str) -> ClockError:
    """Return the error for a caller that has waited for another thread for ``LONGEST_WAIT``."""
    return ClockError(
        f"{caller}: another thread has held the clock for {LONGEST_WAIT} s, running: {activity}."
        f" Is a handler waiting for the test's thread, or for a thread that the test started earlier, and does that"
        f" thread sleep, move the clock or invoke a function? Each waits for the other. Let the handler wait only for"
        f" threads that it starts itself."
    )
