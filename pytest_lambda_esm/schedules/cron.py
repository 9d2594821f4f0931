"""AWS's cron expressions, with six fields: minutes, hours, day of month, month, day of week and year.

This follows the pages "Cron expressions" of EventBridge and "Schedule types" of EventBridge Scheduler. AWS names no
implementation, but its wildcards, names and numbers are those of Quartz, whose documentation decides the rest: ranges
may wrap around (``FRI-MON``), a step is at most the largest value of its field, ``L``, ``W`` and ``#`` are no parts of
lists, and ``L-3`` is the third day before the last of the month.

The libraries that know this dialect were tried first: pyawscron 1.0.7 fails on ``cron(0 0 29 2 ? *)``, ``FRI-MON``,
``LW`` and an ``L`` as day of week.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

_MONTHS: Final = MappingProxyType(
    {
        **{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6},
        **{"JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12},
    }
)
_WEEKDAYS: Final = MappingProxyType({"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7})
_ITEM: Final = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?", re.ASCII)
_SATURDAY: Final = 7
_LAST_FRIDAY_TO_SUNDAY: Final = 5
"""``date.isoweekday()`` of Friday: the days after it are the weekend."""

Days = Callable[[int, int], list[int]]
"""Returns the days of a month, given its year and number, in order."""


class CronError(ValueError):
    """An expression that is not one of AWS's cron expressions; the text names the field and what it may contain."""


@dataclass(frozen=True, slots=True)
class _Field:
    """The values and names that a field may contain."""

    name: str
    first: int
    last: int
    names: Mapping[str, int] = field(default_factory=dict)

    def error(self, text: str) -> CronError:
        return CronError(f"{text!r} is not valid as {self.name}, which is from {self.first} to {self.last}")


_MINUTES: Final = _Field("minutes", 0, 59)
_HOURS: Final = _Field("hours", 0, 23)
_DAY_OF_MONTH: Final = _Field("day of month", 1, 31)
_MONTH: Final = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK: Final = _Field("day of week", 1, 7, _WEEKDAYS)
_YEAR: Final = _Field("year", 1970, 2199)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression. ``days`` returns the matching days of a month; the other fields are sorted values."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]
    years: tuple[int, ...]

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Return the moments after a naive datetime, in order; there may be none."""
        earliest = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days_from(earliest.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    found = datetime.combine(day, time(hour, minute))
                    if found >= earliest:
                        yield found

    def _days_from(self, first: date) -> Iterator[date]:
        for year in self.years[bisect_left(self.years, first.year) :]:
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    for day in self.days(year, month):
                        found = date(year, month, day)
                        if found >= first:
                            yield found


def parse(text: str) -> Cron:
    """Read the six fields of a cron expression, without ``cron(`` and ``)``. Raises CronError."""
    fields = text.upper().split()
    if len(fields) != 6:
        raise CronError(f"a cron expression has six fields, not {len(fields)}: {text!r}")
    minutes, hours, of_month, month, of_week, year = fields
    if (of_month == "?") == (of_week == "?"):
        raise CronError(f"one of day of month and day of week has to be '?', and only one: {text!r}")
    return Cron(
        minutes=_values(minutes, _MINUTES),
        hours=_values(hours, _HOURS),
        days=_days_of_month(of_month) if of_week == "?" else _days_of_week(of_week),
        months=_values(month, _MONTH),
        years=_values(year, _YEAR),
    )


def _values(text: str, field: _Field) -> tuple[int, ...]:
    found: set[int] = set()
    for item in text.split(","):
        found.update(_item(item, field))
    return tuple(sorted(found))


def _item(text: str, field: _Field) -> Iterator[int]:
    """Return the values of one item of a list: ``*``, ``5``, ``1-5``, or one of them with a step, as in ``0/15``."""
    match = _ITEM.fullmatch(text)
    if match is None:
        raise field.error(text)
    everything, first, last, step = match.groups()
    low = field.first if everything else _number(first, field)
    open_end = field.last if everything or step else low
    high = _number(last, field) if last else open_end
    by = int(step) if step else 1
    if not 1 <= by <= field.last:
        raise field.error(text)
    if high < low and field is _YEAR:
        raise field.error(text)
    span = field.last - field.first + 1
    if high < low:
        high += span
    return (field.first + (value - field.first) % span for value in range(low, high + 1, by))


def _number(text: str, field: _Field) -> int:
    value = field.names.get(text)
    if value is None:
        value = int(text) if text.isascii() and text.isdigit() else -1
    if not field.first <= value <= field.last:
        raise field.error(text)
    return value


def _days_of_month(text: str) -> Days:
    if text == "L":
        return lambda year, month: [_length(year, month)]
    if text == "LW":
        return lambda year, month: [_nearest_weekday(year, month, _length(year, month))]
    if text.startswith("L-"):
        before = _number(text[2:], _DAY_OF_MONTH)
        return lambda year, month: [day for day in (_length(year, month) - before,) if day >= 1]
    if text.endswith("W"):
        wanted = _number(text[:-1], _DAY_OF_MONTH)
        return lambda year, month: [_nearest_weekday(year, month, wanted)] if wanted <= _length(year, month) else []
    values = _values(text, _DAY_OF_MONTH)
    return lambda year, month: [day for day in values if day <= _length(year, month)]


def _days_of_week(text: str) -> Days:
    if text == "L":
        return lambda year, month: _weekdays(year, month, {_SATURDAY})
    if "#" in text:
        name, _, number = text.partition("#")
        weekday, nth = _number(name, _DAY_OF_WEEK), _number(number, _Field("occurrence in a month", 1, 5))
        return lambda year, month: _weekdays(year, month, {weekday})[nth - 1 : nth]
    if text.endswith("L"):
        weekday = _number(text[:-1], _DAY_OF_WEEK)
        return lambda year, month: _weekdays(year, month, {weekday})[-1:]
    values = set(_values(text, _DAY_OF_WEEK))
    return lambda year, month: _weekdays(year, month, values)


def _length(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _weekdays(year: int, month: int, weekdays: set[int]) -> list[int]:
    """Return the days of a month that are one of these weekdays, in AWS's numbers: 1 is Sunday."""
    first = date(year, month, 1).isoweekday() % 7
    return [day for day in range(1, _length(year, month) + 1) if (first + day - 1) % 7 + 1 in weekdays]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Return the day from Monday to Friday that is nearest to a day, in the same month."""
    weekday = date(year, month, day).isoweekday()
    if weekday <= _LAST_FRIDAY_TO_SUNDAY:
        return day
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    return day + 1 if day < _length(year, month) else day - 2
