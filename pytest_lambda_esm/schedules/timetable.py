"""Timetables: the instants at which a schedule is due, in its time zone, between its start and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Final

from pytest_lambda_esm.schedules.cron import Cron
from pytest_lambda_esm.schedules.expressions import At, Expression, Rate
from pytest_lambda_esm.timing import END, instant_of, moment_of

_END: Final = instant_of(END)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a schedule is due. Instants are microseconds since the epoch.

    A rate counts from ``anchor``. Nothing is due before ``start`` or after ``end``; None means no bound, and a one-time
    schedule has none. ``zone`` is the time zone of cron and one-time expressions.
    """

    expression: Expression
    anchor: int
    zone: tzinfo = timezone.utc
    start: int | None = None
    end: int | None = None

    def next_after(self, instant: int) -> int | None:
        """Return the first instant after this one at which the schedule is due, or None if there is none."""
        if isinstance(self.expression, At):
            moment = self._instant(self.expression.moment)
            return moment if moment > instant else None
        if self.start is not None and instant < self.start:
            instant = self.start - 1
        rate = self.expression
        due = self._rate(rate, instant) if isinstance(rate, Rate) else self._cron(instant)
        if due is None or due >= _END or (self.end is not None and due > self.end):
            return None
        return due

    def _rate(self, rate: Rate, instant: int) -> int:
        if instant < self.anchor:
            return self.anchor
        return self.anchor + ((instant - self.anchor) // rate.period + 1) * rate.period

    def _cron(self, instant: int) -> int | None:
        """Return the next moment of a cron expression.

        A moment that the clocks skip in spring is left out, and one that they show twice in autumn counts once
        (documented), the first time.
        """
        assert isinstance(self.expression, Cron)
        local = moment_of(instant).astimezone(self.zone).replace(tzinfo=None)
        for moment in self.expression.after(local):
            due = self._instant(moment)
            exists = moment_of(due).astimezone(self.zone).replace(tzinfo=None) == moment
            if exists and due > instant:
                return due
        return None

    def _instant(self, moment: datetime) -> int:
        return instant_of(moment.replace(tzinfo=self.zone))
