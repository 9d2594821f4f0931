"""The calls that a world of a sweep saw: which of them are one call, and where two worlds differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_lambda_esm.faults.call import IncomingCall


def logical_calls(calls: Iterable[IncomingCall]) -> Iterator[tuple[IncomingCall, dict[str, int]]]:
    """The first attempt of each call, with how many calls and attempts of its operation came before.

    The counts are by what a fault counts: ``"call"`` and ``"attempt"``.
    """
    seen: set[str] = set()
    counts: dict[str, dict[str, int]] = {}
    for call in calls:
        before = counts.setdefault(call.operation, {"call": 0, "attempt": 0})
        if not call.logical_id or call.logical_id not in seen:
            seen.add(call.logical_id)
            yield call, dict(before)
            before["call"] += 1
        before["attempt"] += 1


def first_difference(expected: Sequence[IncomingCall], seen: Iterable[IncomingCall], world: int) -> str | None:
    """Where the calls of a world are not those of the first one, as text; None where they are."""
    calls = [call for call, _ in logical_calls(seen)]
    for position, call in enumerate(expected):
        other = calls[position] if position < len(calls) else None
        if other is None or _comparable(call) != _comparable(other):
            return f"call {position + 1} was {call} in world 1, and {other or 'not made'} in world {world}"
    return None


def _comparable(call: IncomingCall) -> Any:
    return call.operation, _plain(dict(call.params))


def _plain(value: Any) -> Any:
    """A value to compare between worlds; of what has no value of its own, such as an open file, the type."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    kind: Any = type(value)
    return kind.__name__ if kind.__eq__ is object.__eq__ else value
