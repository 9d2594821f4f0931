"""How a move of the clock is given: what is no span of time is a ClockError that names the move."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.config import Span, microseconds
from pytest_lambda_esm.errors import ClockError

HOUR: Final = 3600
_SECONDS_IN: Final = {"days": 24 * HOUR, "hours": HOUR, "minutes": 60, "seconds": 1}


def span_of(move: str, span: Span) -> int:
    """A span in microseconds. Raises ClockError."""
    __tracebackhide__ = True
    try:
        return microseconds(span)
    except (TypeError, ValueError) as error:
        raise ClockError(f"{move}: {error}") from None


def seconds_of(**numbers: float) -> float:
    """The seconds of so many ``days``, ``hours``, ``minutes`` and ``seconds``. Raises ClockError for no number."""
    __tracebackhide__ = True
    for name, number in numbers.items():
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            raise ClockError(f"advance: {name} takes a number, not {number!r}")
    return sum(number * _SECONDS_IN[name] for name, number in numbers.items())
