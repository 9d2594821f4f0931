"""How long a stream lane waits before it tries again. AWS documents none of it; the spans are settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, TypeAlias

MICROSECONDS: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
END: Final = datetime(9000, 1, 1, tzinfo=timezone.utc)
"""Where virtual time ends: what is scheduled then is still within the years that a datetime can name."""

_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_SPAN: Final = 1000 * 365 * 24 * 3600

Span: TypeAlias = int | float | timedelta
"""A time span wherever one is taken: seconds as a number, or a timedelta."""


def microseconds(span: Span) -> int:
    """Read a time span (seconds as a number, or a timedelta) as whole microseconds.

    Raises ValueError for a span that is negative or longer than a thousand years, and TypeError for anything that is
    no span.
    """
    if isinstance(span, timedelta):
        seconds: int | float = span / timedelta(seconds=1)
    elif isinstance(span, (int, float)) and not isinstance(span, bool):
        seconds = span
    else:
        raise TypeError(f"a time span is a number of seconds or a timedelta, not {span!r}")
    if not abs(seconds) <= _LONGEST_SPAN:
        raise ValueError(f"a time span is a thousand years at the most, not {span!r}")
    value = span // _MICROSECOND if isinstance(span, timedelta) else round(span * MICROSECONDS)
    if value < 0:
        raise ValueError(f"a time span cannot be negative: {span!r}")
    return value


def instant_of(moment: datetime) -> int:
    """An aware datetime as microseconds since the epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(instant: int) -> datetime:
    """Microseconds since the epoch as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def time_text(instant: int, now: int) -> str:
    """An instant for people, to the microsecond: the time of day, with its date where that is not today's."""
    moment = moment_of(instant)
    same_day = moment.date() == moment_of(now).date()
    return f"{moment:%H:%M:%S.%f}" if same_day else f"{moment:%Y-%m-%d %H:%M:%S.%f}"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, in microseconds: ``first`` after the first failure, never more than ``longest``."""

    first: int
    longest: int

    def after(self, failures: int) -> int:
        """How long to wait after so many failures, from 1."""
        return min(self.first << min(failures - 1, 40), self.longest)
