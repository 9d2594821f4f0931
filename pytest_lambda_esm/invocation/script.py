"""Scripted outcomes: what a function's next invocations do instead of running the handler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from pytest_lambda_esm.errors import HandlerError, nearest
from pytest_lambda_esm.faults.effects import PollerFault
from pytest_lambda_esm.timing import MICROSECONDS, Span, microseconds
from pytest_lambda_esm.vocabulary import OutcomeKind, ThrottleReason

CONCURRENCY_REASONS: Final[tuple[ThrottleReason, ...]] = get_args(ThrottleReason)
"""AWS's reasons for a throttle (API reference, ThrottleReason)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step of a script. Create one with returns, raises, times_out, throttled, exits or runs.

    ``kind`` is the name of that function. ``value`` is the returned value, the raised exception or the reason for the
    throttle. ``lasts`` is the duration in microseconds of virtual time, or None for the function's own duration.
    ``writes`` is the number of writing calls after which the handler's process ends, 0 for no such end.
    """

    kind: OutcomeKind
    value: Any = None
    lasts: int | None = None
    writes: int = 0

    def taking(self, seconds: Span) -> Outcome:
        """Return the same outcome with a duration in virtual time: seconds or a timedelta.

        A timeout or a throttle then happens after this time. Raises HandlerError for an invalid duration.
        """
        __tracebackhide__ = True
        try:
            return replace(self, lasts=microseconds(seconds))
        except (TypeError, ValueError) as error:
            raise HandlerError(f"taking: {error}") from None

    def cut_after(self, writes: int) -> Outcome:
        """Return the same run of the handler, whose process ends as soon as its n-th call that writes has been done.

        Calls of all services count. The invocation has the outcome ``"exit"``; nothing of the handler runs after it but
        what Python unwinds, and none of the calls in that is performed. Raises HandlerError for other outcomes than
        ``runs()``, and for anything but a whole number from 1.
        """
        __tracebackhide__ = True
        if self.kind != "runs":
            raise HandlerError(f"cut_after cuts a run of the handler: write runs().cut_after({writes!r})")
        if not isinstance(writes, int) or isinstance(writes, bool) or writes < 1:
            raise HandlerError(f"cut_after takes a whole number from 1, not {writes!r}")
        return replace(self, writes=writes)

    @property
    def _is_late(self) -> bool:
        return self.kind == "runs" and self.value is not None

    def __str__(self) -> str:
        about = f" {self.value!r}" if self.kind in ("returns", "raises") else f" {self.value}" if self._is_late else ""
        cut = f", cut after write {self.writes}" if self.writes else ""
        return f"{self.kind.replace('_', ' ')}{about}{cut}"


def instead_of(given: object) -> str:
    """Return what to write in a script in place of something that is not an outcome."""
    name = getattr(given, "__name__", "")
    if callable(given) and name in get_args(OutcomeKind):
        return f"{name}({'ValueError' if name == 'raises' else ''})"
    if isinstance(given, (list, tuple)):
        return "script(returns(1), raises(ValueError)), one by one"
    if isinstance(given, BaseException) or (isinstance(given, type) and issubclass(given, BaseException)):
        return f"raises({name or repr(given)})"
    return f"returns({given!r}) or raises(ValueError)"


def returns(value: Any = None) -> Outcome:
    """Return a value, without running the handler. A value that is not JSON fails as it does in Lambda."""
    return Outcome("returns", value)


def raises(error: BaseException | type[BaseException]) -> Outcome:
    """Raise an exception (an instance or a class), without running the handler.

    Raises HandlerError if ``error`` is not an exception.
    """
    __tracebackhide__ = True
    if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
        raise HandlerError(f"raises takes an exception or a class of exceptions, not {error!r}")
    return Outcome("raises", error)


def times_out() -> Outcome:
    """Run until the function's timeout and end as in AWS, without running the handler."""
    return Outcome("times_out")


def throttled(reason: ThrottleReason = "ConcurrentInvocationLimitExceeded") -> Outcome:
    """Throttle: Lambda refuses to invoke the function, so no invocation is recorded.

    Raises HandlerError for a reason that AWS does not have.
    """
    __tracebackhide__ = True
    if reason not in CONCURRENCY_REASONS:
        raise HandlerError(f"AWS has no reason {reason!r} for a throttle. {nearest(reason, CONCURRENCY_REASONS)}")
    return Outcome("throttled", reason)


def exits() -> Outcome:
    """End the function's process as ``sys.exit()`` does, without running the handler."""
    return Outcome("exits")


def runs() -> Outcome:
    """Run the handler, as without a script: a step between others, or one with a duration."""
    return Outcome("runs")


_PAST_EVERY_TIMEOUT: Final = 901 * MICROSECONDS
"""Longer than the longest timeout of a function, which is 15 minutes."""


def outcome_of(fault: PollerFault | None) -> Outcome | None:
    """Return what a fault makes of a handler that runs, or None if it changes nothing."""
    if fault is None:
        return None
    if fault.writes:
        return Outcome("runs", writes=fault.writes)
    return Outcome("runs", "into its timeout", _PAST_EVERY_TIMEOUT) if fault.name == "timed_out" else None
