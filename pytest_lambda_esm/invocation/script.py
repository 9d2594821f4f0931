"""What a test says that a function's next invocations come to, instead of running the handler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_lambda_esm.errors import HandlerError, nearest
from pytest_lambda_esm.timing import Span, microseconds

CONCURRENCY_REASONS: Final = (
    "ConcurrentInvocationLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "ConcurrentSnapshotCreateLimitExceeded",
)
"""The reasons that AWS gives for a throttle (API reference, ThrottleReason)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step of a script. Make one with returns, raises, times_out, throttled, exits or runs.

    ``kind`` is the name of that function; ``value`` is what the invocation returns, raises or is throttled for;
    ``lasts`` how long it takes in microseconds of virtual time, None for the function's own duration.
    """

    kind: str
    value: Any = None
    lasts: int | None = None

    def taking(self, seconds: Span) -> Outcome:
        """The same, lasting this long in virtual time: seconds or a timedelta.

        A timeout then strikes after this time, and a throttle is answered after it. Raises HandlerError.
        """
        __tracebackhide__ = True
        try:
            return replace(self, lasts=microseconds(seconds))
        except (TypeError, ValueError) as error:
            raise HandlerError(f"taking: {error}") from None

    def __str__(self) -> str:
        about = f" {self.value!r}" if self.kind in ("returns", "raises") else ""
        return f"{self.kind.replace('_', ' ')}{about}"


def returns(value: Any = None) -> Outcome:
    """The invocation returns a value; the handler does not run."""
    return Outcome("returns", value)


def raises(error: BaseException | type[BaseException]) -> Outcome:
    """The invocation raises an exception (an instance or a class); the handler does not run. Raises HandlerError."""
    __tracebackhide__ = True
    if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
        raise HandlerError(f"raises takes an exception or a class of exceptions, not {error!r}")
    return Outcome("raises", error)


def times_out() -> Outcome:
    """The invocation lasts until the function's timeout, and ends as AWS ends it; the handler does not run."""
    return Outcome("times_out")


def throttled(reason: str = "ConcurrentInvocationLimitExceeded") -> Outcome:
    """Lambda refuses to invoke; the function does not notice, so there is no invocation. Raises HandlerError."""
    __tracebackhide__ = True
    if reason not in CONCURRENCY_REASONS:
        raise HandlerError(f"AWS has no reason {reason!r} for a throttle. {nearest(reason, CONCURRENCY_REASONS)}")
    return Outcome("throttled", reason)


def exits() -> Outcome:
    """The function's process ends, as after ``sys.exit()``; the handler does not run."""
    return Outcome("exits")


def runs() -> Outcome:
    """The handler runs, as it does without a script: a step between others, or one that takes its time."""
    return Outcome("runs")
