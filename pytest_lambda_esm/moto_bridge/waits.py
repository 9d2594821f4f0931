"""The virtual time for which a client waits for its response.

A client of boto3 waits while its request is answered. A client of asyncio must not: other tasks go on while one of them
waits. So the waits of its request are noted while it is answered, and its task waits afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

from pytest_lambda_esm.invocation.local_time import LocalTime
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.timing import MICROSECONDS, microseconds


class Owed:
    """The waits that a task has before it gets its response: until when, in the time of an invocation or the clock's.

    ``actions`` are called then.
    """

    __slots__ = ("actions", "of", "until")

    def __init__(self, of: LocalTime | None) -> None:
        self.of = of
        self.until = 0
        self.actions: list[Callable[[], object]] = []


_OWED: Final[ContextVar[Owed | None]] = ContextVar("lambda_esm_owed", default=None)


class ResponseWaits:
    """Lets time pass for callers who wait for a response. ``wait`` lets virtual seconds pass at once."""

    def __init__(self, runtime: Runtime, wait: Callable[[float], None]) -> None:
        self._runtime = runtime
        self._wait = wait

    def now(self) -> int:
        """Return the caller's time in microseconds, with the waits that it has yet to do."""
        owed, now = self._owed(), self._runtime.now()
        return now if owed is None else max(now, owed.until)

    def wait(self, seconds: float) -> None:
        """Let seconds pass for the caller."""
        __tracebackhide__ = True
        owed = self._owed()
        if owed is None:
            self._wait(seconds)
        else:
            owed.until = self.now() + microseconds(seconds)

    def wait_until(self, instant: int) -> None:
        """Let the caller's time pass until an instant."""
        __tracebackhide__ = True
        owed = self._owed()
        if owed is None:
            self._runtime.wait_until(instant)
        else:
            owed.until = max(owed.until, instant)

    def after_wait(self, action: Callable[[], object]) -> None:
        """Call ``action`` when the caller has waited."""
        owed = self._owed()
        if owed is None:
            action()
        else:
            owed.actions.append(action)

    @contextmanager
    def noted(self) -> Iterator[Owed]:
        """Note waits meanwhile instead of waiting, and return them."""
        owed = Owed(self._runtime.local_time)
        token = _OWED.set(owed)
        try:
            yield owed
        finally:
            with suppress(ValueError):  # What nobody awaits any more is closed in another context.
                _OWED.reset(token)

    def left(self, owed: Owed) -> float:
        """Return the seconds for which a caller still has to wait."""
        return max(owed.until - self._runtime.now(), 0) / MICROSECONDS

    def _owed(self) -> Owed | None:
        """Return what the calling task notes. A handler that runs meanwhile waits in its own time."""
        owed = _OWED.get()
        return owed if owed is not None and owed.of is self._runtime.local_time else None
