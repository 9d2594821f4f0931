"""What remains when a body has ended, and how two such states differ, in a person's words.

The times and the ids that AWS or a handler makes may differ between two worlds without any harm; they are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from pytest_lambda_esm.aws_model.writes import writes
from pytest_lambda_esm.moto_bridge.contents import everything_kept
from pytest_lambda_esm.observe.calls import Call
from pytest_lambda_esm.wording import counted

State = Mapping[str, Mapping[str, list[Any]]]
"""What remains: by place, such as ``"table charges"``, and by key, such as ``"o17"``, the values found there."""

Compare = Callable[[State, State], "str | None"]
"""Returns what differs between two states, as text, or None."""

_SHOWN_ELSEWHERE: Final = frozenset({"dynamodb", "s3", "sqs", "kinesis", "lambda"})
"""The services whose writes show in what is kept; the writing calls of others are counted."""

_MADE_UP: Final = (
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\b[0-9a-fA-F]{32}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
)
_SLACK: Final = 2 * 86_400
"""Seconds around a world's time in which a number counts as a point in time."""


@dataclass(frozen=True)
class Period:
    """The time of a world, in seconds since the epoch; numbers in it are points in time and may differ."""

    start: float
    end: float

    def contains(self, number: float | Decimal) -> bool:
        """Return whether a number is a time in it: in seconds, milliseconds, microseconds or nanoseconds."""
        first, last = self.start - _SLACK, self.end + _SLACK
        return any(first * unit <= float(number) <= last * unit for unit in (1, 1e3, 1e6, 1e9))


def remaining(calls: Iterable[Call], embedded: Iterable[tuple[str, str, Any]], period: Period) -> State:
    """Return what remains now; ``calls`` are those to all services so far, ``embedded`` is kept outside of moto."""
    found: dict[str, dict[str, list[Any]]] = {}
    for place, key, value in chain(everything_kept(), embedded):
        found.setdefault(place, {}).setdefault(plain(key, period), []).append(plain(value, period))
    for call in calls:
        if call.service not in _SHOWN_ELSEWHERE and call.status < 300 and writes(call.service, call.operation):
            params = ", ".join(f"{name}={plain(value, period)!r}" for name, value in call.params.items())
            found.setdefault(f"calls of {call.name}", {}).setdefault(f"with {params}", []).append(None)
    for keys in found.values():
        for values in keys.values():
            values.sort(key=repr)
    return found


def plain(value: Any, period: Period) -> Any:
    """Return a value with ``<id>`` and ``<time>`` in the place of what may differ."""
    if isinstance(value, str):
        for pattern, name in _MADE_UP:
            value = pattern.sub(name, value)
        return "<time>" if value.isdecimal() and period.contains(int(value)) else value
    if isinstance(value, bytes):
        return plain(value.decode("utf-8", "backslashreplace"), period)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return "<time>" if value == value and period.contains(value) else value
    if isinstance(value, Mapping):
        return {plain(name, period): plain(each, period) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, period) for each in value]
    return sorted((plain(each, period) for each in value), key=repr) if isinstance(value, (set, frozenset)) else value


def first_difference(before: State, after: State) -> str | None:
    """Return the first difference between what remains of a world and of one with repeated deliveries, or None."""
    return next(_differences(before, after), None)


def _differences(before: State, after: State) -> Iterator[str]:
    for place in sorted({*before, *after}):
        keys, others = before.get(place, {}), after.get(place, {})
        for key in sorted({*keys, *others}):
            text = _difference(place, key, keys.get(key, []), others.get(key, []))
            if text:
                yield f"{place}: {text}"


def _difference(place: str, key: str, before: list[Any], after: list[Any]) -> str:
    kind = _KINDS[place.partition(" ")[0]]
    if len(before) != len(after):
        if not before or not after:
            return f"{kind} {key} exists {'only then' if after else 'only without it'}"
        return f"{counted(len(after), kind)} {key}, was {len(before)}"
    for was, now in zip(before, after, strict=True):
        if was != now:
            return _changed(f"{kind} {key}", was, now)
    return ""


_KINDS: Final = {
    "table": "item",
    "bucket": "object",
    "queue": "message",
    "stream": "record",
    "topic": "record",
    "collection": "document",
    "calls": "call",
}


def _changed(what: str, was: Any, now: Any) -> str:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in sorted({*was, *now}, key=str):
            if was.get(name) != now.get(name):
                return f"{what} has {name} = {_shown(now, name)}, was {_shown(was, name)}"
    return f"{what} is {now!r}, was {was!r}"


def _shown(item: Mapping[Any, Any], name: Any) -> str:
    value = item.get(name)
    if name not in item:
        return "not there"
    return str(value) if isinstance(value, Decimal) else repr(value)
