"""Instants, time spans and doubling back-off.

Inside this package an instant is a number of microseconds since the Unix epoch, and a time span is a number of
microseconds. Users give and see aware datetimes, timedeltas and seconds; the functions here convert between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, TypeAlias

MICROSECONDS: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
END: Final = datetime(9000, 1, 1, tzinfo=timezone.utc)
"""The end of virtual time. What is scheduled then is still within the years that a datetime can express."""

_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_SPAN: Final = 1000 * 365 * 24 * 3600
_MOST_DOUBLINGS: Final = 40
"""Bounds the shift. The shortest first wait that can be set, a millisecond, has then grown to 34 years."""

Span: TypeAlias = int | float | timedelta
"""A time span as users give it: a number of seconds, or a timedelta."""


def microseconds(span: Span) -> int:
    """Convert a time span (a number of seconds, or a timedelta) to whole microseconds.

    Raises ValueError for a span that is negative or longer than a thousand years, and TypeError for anything that is
    not a time span.
    """
    if isinstance(span, timedelta):
        seconds: int | float = span / timedelta(seconds=1)
    elif isinstance(span, (int, float)) and not isinstance(span, bool):
        seconds = span
    else:
        raise TypeError(f"a time span is a number of seconds or a timedelta, not {span!r}")
    if not abs(seconds) <= _LONGEST_SPAN:  # NaN fails this comparison, too
        raise ValueError(f"a time span is at most a thousand years, not {span!r}")
    value = span // _MICROSECOND if isinstance(span, timedelta) else round(span * MICROSECONDS)
    if value < 0:
        raise ValueError(f"a time span cannot be negative: {span!r}")
    return value


def instant_of(moment: datetime) -> int:
    """Convert an aware datetime to microseconds since the epoch."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(instant: int) -> datetime:
    """Convert microseconds since the epoch to an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def time_text(instant: int, now: int) -> str:
    """Return an instant as text, to the microsecond: the time of day, with the date unless that is today's."""
    moment = moment_of(instant)
    same_day = moment.date() == moment_of(now).date()
    return f"{moment:%H:%M:%S.%f}" if same_day else f"{moment:%Y-%m-%d %H:%M:%S.%f}"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, in microseconds: ``first`` after the first failure, at most ``longest``."""

    first: int
    longest: int

    def after(self, failures: int) -> int:
        """Return how long to wait after this many failures in a row, counted from 1."""
        return min(self.first << min(failures - 1, _MOST_DOUBLINGS), self.longest)
