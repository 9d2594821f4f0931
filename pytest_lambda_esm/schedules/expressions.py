"""Schedule expressions: ``rate(5 minutes)``, ``cron(0 2 * * ? *)`` and ``at(2026-03-01T02:00:00)``.

Rules of EventBridge accept ``rate`` and ``cron``, and the unit of a rate has to agree with its number (recorded).
EventBridge Scheduler accepts all three, with either form of the unit (documented).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_lambda_esm.schedules import cron
from pytest_lambda_esm.schedules.cron import Cron
from pytest_lambda_esm.timing import MICROSECONDS

_RATE: Final = re.compile(r"rate\((\d{1,9}) (minute|hour|day)(s?)\)", re.ASCII)
_CRON: Final = re.compile(r"cron\((.+)\)")
_AT: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.ASCII)
_SECONDS: Final[Mapping[str, int]] = MappingProxyType({"minute": 60, "hour": 3600, "day": 24 * 3600})


class ExpressionError(ValueError):
    """A text that is not a schedule expression of this service."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A time span between two occurrences, in microseconds. A day is 24 hours."""

    period: int


@dataclass(frozen=True, slots=True)
class At:
    """One moment, as a naive datetime in the time zone of the schedule."""

    moment: datetime


Expression: TypeAlias = Rate | Cron | At


def of_rule(text: str) -> Expression:
    """Read the expression of a rule. Raises ExpressionError."""
    match = _RATE.fullmatch(text)
    if match is not None and (int(match[1]) == 1) == (match[3] == ""):
        return _rate(match)
    return _cron(text)


def of_schedule(text: str) -> Expression:
    """Read the expression of a schedule of EventBridge Scheduler. Raises ExpressionError."""
    if (match := _RATE.fullmatch(text)) is not None:
        return _rate(match)
    if (match := _AT.fullmatch(text)) is not None:
        try:
            return At(datetime.fromisoformat(match[1]))
        except ValueError as error:
            raise ExpressionError(f"{text}: {error}") from None
    return _cron(text)


def _rate(match: re.Match[str]) -> Rate:
    number = int(match[1])
    if not number:
        raise ExpressionError(f"{match[0]}: a rate is at least 1")
    return Rate(number * _SECONDS[match[2]] * MICROSECONDS)


def _cron(text: str) -> Cron:
    match = _CRON.fullmatch(text)
    if match is None:
        raise ExpressionError(f"{text!r} is neither a rate nor a cron expression")
    try:
        return cron.parse(match[1])
    except ValueError as error:
        raise ExpressionError(f"{text}: {error}") from None
