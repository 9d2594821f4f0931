"""A clock belongs to one thread at a time: the ``with`` block of whoever has its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pytest_lambda_esm.errors import ClockError

LONGEST_WAIT = 60
"""Real seconds that a call waits for another thread to be done with the clock."""


class ClockLock:
    """Waits for the clock; ``check`` is called then, and what it raises leaves the clock to others.

    A class rather than a generator, whose frames would stand between an error and the user's line. ``about`` says what
    waits, ``upon`` what the clock does meanwhile.
    """

    __slots__ = ("_about", "_check", "_lock", "_upon")

    def __init__(
        self,
        lock: threading.RLock,
        about: Callable[[], str],
        upon: Callable[[], str],
        check: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._about = about
        self._upon = upon
        self._check = check

    def __enter__(self) -> None:
        __tracebackhide__ = True
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            raise ClockError(
                f"{self._about()}: another thread has kept the clock for {LONGEST_WAIT} s, with: {self._upon()}. Does a"
                f" handler wait for a thread that the test started before, and that sleeps or invokes a function?"
                f" Start the thread in the handler."
            )
        try:
            self._check()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *error: object) -> None:
        self._lock.release()
