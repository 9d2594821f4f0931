"""Ends code that swallows the exception by which it is to end, such as a bare ``except`` around a sleep in a loop.

On AWS such a handler is killed. Here it runs in the test's thread and cannot be; but a trace function may raise, and it
is called for the line of the ``except`` as well, where the ``try`` protects no more.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

_OWN: Final = __name__.partition(".")[0]


class ReRaise:
    """Raises an exception again, each time it was swallowed: in the calling frame, in its caller's, and so on.

    A debugger's or a coverage tool's own trace function is put back by :meth:`end`.
    """

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._before: Any = None
        self._times = 0
        self._traced: FrameType | None = None

    def again(self, error: type[BaseException] | BaseException) -> None:
        """Have ``error`` raised at a later line of one of the frames that led here.

        In each frame first where nothing is handled any more: what is raised at the ``with`` that has just swallowed
        something is never forgotten by Python 3.11 and later, and shows up as the context of unrelated errors. Where
        that line is in a ``try`` again, this one is swallowed too, and the next is raised at once, at the ``except``.
        """
        if not self._times and threading.get_ident() == self._owner:
            self._before = sys.gettrace()
        frames = _frames()
        self._forget()
        self._traced = frames[self._times // 2 % len(frames)]
        waits = self._times % 2 == 0
        self._times += 1
        handled = sys.exc_info()[1]
        at_handler = False

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal at_handler
            if event == "line" and not (waits and (at_handler or sys.exc_info()[1] is not handled)):
                raise error
            at_handler = event == "exception"
            return trace

        self._traced.f_trace = trace
        sys.settrace(_ignore)

    def end(self) -> None:
        """It has ended: trace no more."""
        if self._times and threading.get_ident() == self._owner:
            self._times = 0
            self._forget()
            sys.settrace(self._before)

    def _forget(self) -> None:
        if self._traced is not None:
            self._traced.f_trace, self._traced = None, None


def _ignore(frame: FrameType, event: str, argument: Any) -> None:
    """Frames that begin meanwhile are not traced."""


def _frames() -> list[FrameType]:
    """The frames that led here, the innermost one first, without this package's own."""
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] != _OWN:
            frames.append(frame)
        frame = frame.f_back
    return frames


NAPS: Final = 1000
"""So many naps are no standstill, however long they take: a debugger may have stopped between two of them."""


class StallDetector:
    """The naps in a row during which nothing has happened. ``longest`` is in real seconds.

    Virtual time says nothing: a loop that waits for a thread or a child process sleeps very often, and ends.
    """

    # In the class: as a global, a freezer of the user's would replace it.
    _real_time = staticmethod(time.monotonic)

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._since = 0.0
        self._error: BaseException | None = None
        self._reraise = ReRaise()
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
                self._reraise.again(self._error)  # It has been swallowed.
            else:
                self._error = endless()
            raise self._error
        self.naps += 1

    def end(self) -> None:
        """Something has happened, or the test has."""
        self.naps = 0
        if self._error is not None:
            self._error = None
            self._reraise.end()
