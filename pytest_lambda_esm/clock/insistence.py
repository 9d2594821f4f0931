"""Ends code that swallows the exception by which it is to end, such as a bare ``except`` around a sleep in a loop.

On AWS such a handler is killed. Here it runs in the test's thread and cannot be; but a trace function may raise, and it
is called for the line of the ``except`` as well, where the ``try`` protects no more.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any, Final

_OWN: Final = __name__.partition(".")[0]


class Insistence:
    """Raises an exception again, each time it was swallowed: in the calling frame, in its caller's, and so on.

    A debugger's or a coverage tool's own trace function is put back by :meth:`end`.
    """

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._before: Any = None
        self._times = 0
        self._traced: FrameType | None = None

    def again(self, error: type[BaseException] | BaseException) -> None:
        """Have ``error`` raised at the next line of one of the frames that led here."""
        if not self._times and threading.get_ident() == self._owner:
            self._before = sys.gettrace()
        frames = _frames()
        self._forget()
        self._traced = frames[self._times % len(frames)]
        self._times += 1

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                raise error
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
