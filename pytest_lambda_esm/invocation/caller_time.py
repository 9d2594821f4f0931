"""The time of whoever invokes: the clock's, or that of the handler in which the call is made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pytest_lambda_esm.invocation.runtime import Runtime


class Clock(Protocol):
    """What a caller's time needs of the clock."""

    @property
    def instant(self) -> int:
        """Now, in microseconds since the epoch."""
        ...

    def wait_until(self, instant: int) -> None:
        """Move time forward to an instant."""
        ...

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """While something runs that must not move time."""
        ...


class CallerTime:
    """Reads and moves the caller's time."""

    def __init__(self, clock: Clock, runtime: Runtime) -> None:
        self._clock = clock
        self._runtime = runtime

    def now(self) -> int:
        """The caller's time in microseconds since the epoch."""
        return self._runtime.now()

    def wait_until(self, instant: int) -> None:
        """Let the caller's time come to an instant; within a handler, that may be past its own timeout."""
        __tracebackhide__ = True
        local = self._runtime.local_time
        if local is None:
            self._clock.wait_until(instant)
        elif instant > local.now():
            local.wait_until(instant)

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """While a handler runs, nothing else moves time."""
        frame = self._runtime.frames.current()
        return self._clock.occupied(about) if frame is None else frame.lock

    def depth(self) -> int:
        """How many invocations, each caused by the one before, led to the caller."""
        return self._runtime.depth
