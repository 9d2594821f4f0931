"""The virtual time for which a client waits for its response.

A client of boto3 waits while its request is answered. A client of asyncio must not: other tasks go on while one of them
waits. So the waits of its request are noted while it is answered, and its task waits afterwards. A long poll that finds
nothing is answered again, later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final, TypeVar, cast

from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.invocation.local_time import LocalTime
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.timing import MICROSECONDS, microseconds

Value = TypeVar("Value")


class NotYet(BaseException):
    """There is no response yet: the request has to be answered again after some virtual seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Owed:
    """The waits that a task has before it gets the response to a request: until when, in microseconds.

    ``call`` is the call that the request belongs to. ``of`` is the time of the handler that made it; None stands for
    the clock. ``repeats`` says whether the request may be answered again. ``actions`` are called at the end, and
    ``kept`` is what holds for each time that it is answered.
    """

    __slots__ = ("actions", "call", "kept", "of", "repeats", "until")

    def __init__(self, call: object, of: LocalTime | None, *, repeats: bool) -> None:
        self.call = call
        self.of = of
        self.repeats = repeats
        self.until = 0
        self.actions: list[Callable[[], object]] = []
        self.kept: dict[str, Any] = {}

    def first(self, name: str, make: Callable[[], Value]) -> Value:
        """Return what ``make`` returned when the request was answered for the first time."""
        __tracebackhide__ = is_for_the_author
        if name not in self.kept:
            self.kept[name] = make()
        return cast(Value, self.kept[name])


_OWED: Final[ContextVar[Owed | None]] = ContextVar("lambda_esm_owed", default=None)
_WAITING: Final[ContextVar[bool]] = ContextVar("lambda_esm_waiting", default=False)


@contextmanager
def during(variable: ContextVar[Value], value: Value) -> Iterator[None]:
    """Give a variable this value meanwhile, in the calling thread or task."""
    token = variable.set(value)
    try:
        yield
    finally:
        with suppress(ValueError):  # What nobody awaits any more is closed in another context.
            variable.reset(token)


def first_time(call: object, name: str, make: Callable[[], Value]) -> Value:
    """Return what ``make`` returned when a request of this call was answered for the first time."""
    __tracebackhide__ = is_for_the_author
    owed = _OWED.get()
    return make() if owed is None or owed.call is not call else owed.first(name, make)


def is_waiting() -> bool:
    """Whether the calling task sleeps because it waits for a response, rather than by itself."""
    return _WAITING.get()


@contextmanager
def waiting() -> Iterator[None]:
    """Sleep meanwhile because of a response."""
    with during(_WAITING, True):
        yield


@contextmanager
def noted(owed: Owed) -> Iterator[None]:
    """Note waits meanwhile instead of waiting."""
    with during(_OWED, owed):
        yield


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

    def poll_until(self, seconds: float) -> int:
        """Return the instant at which a long poll of some seconds ends."""

        def end() -> int:
            return self.now() + microseconds(seconds)

        owed = self._owed()
        return end() if owed is None else owed.first("until", end)

    def poll_again(self, seconds: float) -> None:
        """Wait until a long poll looks again. Raises NotYet if its request has to be answered again then."""
        __tracebackhide__ = True
        owed = self._owed()
        if owed is not None and owed.repeats:
            raise NotYet(seconds)
        self._wait(seconds)

    def owed(self, call: object, *, repeats: bool) -> Owed:
        """Return what the caller owes for a request of a call, which is nothing yet."""
        return Owed(call, self._runtime.local_time, repeats=repeats)

    def left(self, owed: Owed) -> float:
        """Return the seconds for which a caller still has to wait."""
        return max(owed.until - self._runtime.now(), 0) / MICROSECONDS

    def _owed(self) -> Owed | None:
        """Return what the calling task notes. A handler that runs meanwhile waits in its own time."""
        owed = _OWED.get()
        return owed if owed is not None and owed.of is self._runtime.local_time else None
