"""Stops code that sleeps in an endless loop, and code that swallows the exception that should end it.

:class:`StallDetector` notices that code under test keeps sleeping while nothing happens. :class:`ReRaise` ends code
that has swallowed its end, such as a loop with a bare ``except`` around a sleep: AWS kills such a handler, but here it
runs in the test's thread, which cannot be killed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

MOST_SLEEPS: Final = 1000
"""This many sleeps are never a stall, however long they take: a debugger may have paused between two of them."""

_PASSED_OVER: Final = frozenset({__name__.partition(".")[0], "asyncio"})
"""The packages in whose frames nothing is raised. A loop of asyncio that is broken off believes that it still runs."""


class StallDetector:
    """Counts sleeps in a row during which nothing happens; :meth:`end` is called when something does.

    ``longest`` is in real seconds. Virtual time says nothing about a stall: a loop that waits for a thread or a child
    process sleeps very often, and still ends.
    """

    # A class attribute: a freezer of the user's would replace a module global.
    _real_time = staticmethod(time.monotonic)

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._since = 0.0
        self._error: BaseException | None = None
        self._reraise = ReRaise()
        self.sleeps = 0
        self.started = 0

    def record_sleep(self, instant: int, make_error: Callable[[], BaseException]) -> None:
        """Count a sleep of code under test at an instant of virtual time. Raises ``make_error()`` on a stall."""
        __tracebackhide__ = True
        if not self.sleeps:
            self._since = self._real_time()
            self.started = instant
        elif self.sleeps >= MOST_SLEEPS and self._real_time() - self._since >= self._longest:
            if self._error is not None:
                self._reraise.again(self._error)  # It was swallowed.
            else:
                self._error = make_error()
            raise self._error
        self.sleeps += 1

    def end(self) -> None:
        """Start counting from zero, since something has happened or the test has ended."""
        self.sleeps = 0
        if self._error is not None:
            self._error = None
            self._reraise.end()


class ReRaise:
    """Raises an exception again each time it was swallowed: in the calling frame, then in its caller's, and so on.

    It uses a trace function, since that may raise, and is called for the line of the ``except`` as well, which the
    ``try`` does not cover. :meth:`end` restores the trace function of a debugger or coverage tool.
    """

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._previous_trace: Any = None
        self._attempts = 0
        self._traced: FrameType | None = None

    def again(self, error: type[BaseException] | BaseException) -> None:
        """Raise ``error`` at a later line of one of the calling frames.

        Each frame gets two attempts. The first waits for a line where no exception is being handled any more: Python
        3.11 and later never forget what was raised at the ``with`` that has just swallowed something, and show it as
        the context of unrelated errors. If that line is in a ``try`` again, the exception is swallowed again. The
        second attempt then raises at once, at the ``except``.
        """
        if not self._attempts and threading.get_ident() == self._owner:
            self._previous_trace = sys.gettrace()
        frames = _callers()
        self._untrace()
        self._traced = frames[self._attempts // 2 % len(frames)]
        waits = self._attempts % 2 == 0
        self._attempts += 1
        handled = sys.exc_info()[1]
        at_handler = False

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal at_handler
            if event == "line" and not (waits and (at_handler or sys.exc_info()[1] is not handled)):
                raise error
            at_handler = event == "exception"
            return trace

        self._traced.f_trace = trace
        sys.settrace(_trace_nothing)

    def end(self) -> None:
        """Stop tracing, since the code has ended."""
        if self._attempts and threading.get_ident() == self._owner:
            self._attempts = 0
            self._untrace()
            sys.settrace(self._previous_trace)

    def _untrace(self) -> None:
        if self._traced is not None:
            self._traced.f_trace, self._traced = None, None


def _trace_nothing(frame: FrameType, event: str, argument: Any) -> None:
    """Do not trace frames that are entered from now on."""


def _callers() -> list[FrameType]:
    """Return the calling frames, innermost first, without those of this package and of asyncio."""
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _PASSED_OVER:
            frames.append(frame)
        frame = frame.f_back
    return frames
