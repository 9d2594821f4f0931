"""The clock's lock: one thread at a time moves time or keeps it from moving."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from pytest_lambda_esm.errors import ClockError

LONGEST_WAIT: Final = 60
"""The real seconds that a call waits for another thread to release the clock."""


class ClockLock:
    """Holds the clock for a ``with`` block.

    ``about`` names the caller and ``activity`` what the clock is running, for the error text. ``check`` is called with
    the lock held; if it raises, the lock is released. This is a class, since a generator's frames would show up between
    an error and the user's line.
    """

    __slots__ = ("_about", "_activity", "_check", "_lock")

    def __init__(
        self,
        lock: threading.RLock,
        about: Callable[[], str],
        activity: Callable[[], str],
        check: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._about = about
        self._activity = activity
        self._check = check

    def __enter__(self) -> None:
        __tracebackhide__ = True
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            raise held_too_long(self._about(), self._activity())
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
        f" Is a handler waiting for a thread that the test started earlier, and that sleeps or invokes a"
        f" function? Start the thread in the handler."
    )
