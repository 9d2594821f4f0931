"""Scripted outcomes: what a function's next invocations do instead of running the handler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from pytest_lambda_esm.errors import HandlerError, nearest
from pytest_lambda_esm.timing import Span, microseconds
from pytest_lambda_esm.vocabulary import OutcomeKind, ThrottleReason

CONCURRENCY_REASONS: Final[tuple[ThrottleReason, ...]] = get_args(ThrottleReason)
"""AWS's reasons for a throttle (API reference, ThrottleReason)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step of a script. Create one with returns, raises, times_out, throttled, exits or runs.

    ``kind`` is the name of that function. ``value`` is the returned value, the raised exception or the reason for the
    throttle. ``lasts`` is the duration in microseconds of virtual time, or None for the function's own duration.
    """

    kind: OutcomeKind
    value: Any = None
    lasts: int | None = None

    def taking(self, seconds: Span) -> Outcome:
        """Return the same outcome with a duration in virtual time: seconds or a timedelta.

        A timeout or a throttle then happens after this time. Raises HandlerError for an invalid duration.
        """
        __tracebackhide__ = True
        try:
            return replace(self, lasts=microseconds(seconds))
        except (TypeError, ValueError) as error:
            raise HandlerError(f"taking: {error}") from None

    def __str__(self) -> str:
        about = f" {self.value!r}" if self.kind in ("returns", "raises") else ""
        return f"{self.kind.replace('_', ' ')}{about}"


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
