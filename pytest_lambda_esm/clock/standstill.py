"""Notices code that sleeps again and again and waits for something that no time brings about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from .insistence import Insistence

NAPS: Final = 1000
"""So many naps are no standstill, however long they take: a debugger may have stopped between two of them."""


class Standstill:
    """The naps in a row during which nothing has happened. ``longest`` is in real seconds.

    Virtual time says nothing: a loop that waits for a thread or a child process sleeps very often, and ends.
    """

    # In the class: as a global, a freezer of the user's would replace it.
    _real_time = staticmethod(time.monotonic)

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._since = 0.0
        self._error: BaseException | None = None
        self._insistence = Insistence()
        self.naps = 0
        self.began = 0

    def nap(self, instant: int, endless: Callable[[], BaseException]) -> None:
        """Code under test sleeps, from this instant of virtual time on. Raises ``endless()`` once it is too much."""
        __tracebackhide__ = True
        if not self.naps:
            self._since = self._real_time()
            self.began = instant
        elif self.naps >= NAPS and self._real_time() - self._since >= self._longest:
            if self._error is not None:
                self._insistence.again(self._error)  # It has been swallowed.
            else:
                self._error = endless()
            raise self._error
        self.naps += 1

    def end(self) -> None:
        """Something has happened, or the test has."""
        self.naps = 0
        if self._error is not None:
            self._error = None
            self._insistence.end()
