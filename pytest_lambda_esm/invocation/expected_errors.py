"""Errors of handlers that a test expects, and the report on the others, for the setting ``handler_errors``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pytest_lambda_esm.errors import HandlerError
from pytest_lambda_esm.wording import times

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import Invocation
    from pytest_lambda_esm.invocation.result import FunctionError

ErrorExpected: TypeAlias = type[BaseException] | BaseException | str
"""An exception class, an exception, or AWS's errorType."""

_MOST_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """An error that a test expects, ``times`` times; None for any number."""

    error: ErrorExpected
    times: int | None

    def matches(self, error: FunctionError) -> bool:
        """Whether an invocation failed with this error."""
        wanted = self.error
        if isinstance(wanted, str):
            return error.type == wanted
        if isinstance(wanted, BaseException):
            return error.type == type(wanted).__name__ and error.message == str(wanted)
        # A module that was imported again, as for deployed code, has classes of its own: the names decide then.
        classes = type(error.exception).__mro__ if error.exception is not None else ()
        return any(each is wanted or each.__qualname__ == wanted.__qualname__ for each in classes)

    def __str__(self) -> str:
        return self.error.__name__ if isinstance(self.error, type) else repr(self.error)


def expected(error: Any, times: Any) -> ExpectedError:
    """Check what a test expects. Raises HandlerError."""
    __tracebackhide__ = True
    is_class = isinstance(error, type) and issubclass(error, BaseException)
    if not (is_class or isinstance(error, (BaseException, str))) or error == "":
        raise HandlerError(
            f"expects takes an exception class, an exception, or an errorType of AWS such as 'Sandbox.Timedout', not"
            f" {error!r}"
        )
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise HandlerError(f"expects: times takes a whole number from 1, or None for any number, not {times!r}")
    return ExpectedError(error, times)


def unexpected(function: str, failures: Sequence[Invocation], expectations: Iterable[ExpectedError]) -> list[str]:
    """Return a line for each failed invocation that no expectation covers, and each expectation that was not met."""
    counts: Counter[ExpectedError] = Counter()
    allowed = list(expectations)
    lines = []
    for invocation in failures:
        error = invocation.error
        assert error is not None
        covering = next((each for each in allowed if each.matches(error) and _is_open(each, allowed, counts)), None)
        if covering is None:
            lines.append(f"{function} failed at attempt {invocation.attempt}: {error}{_place(invocation)}")
        else:
            counts[covering] += 1
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"{function} failed {times(len(lines) - _MOST_LISTED)} more"]
    for each in dict.fromkeys(allowed):
        wanted = (each.times or 0) * allowed.count(each)
        if counts[each] < wanted:
            failed = f"failed with it {times(counts[each])}" if counts[each] else "did not"
            lines.append(f"{function} was expected to fail with {each} {times(wanted)}, but {failed}")
    return lines


def _is_open(expectation: ExpectedError, all_of_them: list[ExpectedError], counts: Counter[ExpectedError]) -> bool:
    if expectation.times is None:
        return True
    return counts[expectation] < expectation.times * all_of_them.count(expectation)


def _place(invocation: Invocation) -> str:
    frames = invocation._frames
    return f" at {frames[-1].file}:{frames[-1].line}" if frames else ""
