"""Repetitions in a timeline, folded: a message that fails for an hour is delivered a hundred times alike."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_LONGEST: Final = 12
"""Of so many entries a repetition may consist, at most."""

_FEWEST: Final = 4
"""So often something has to happen to be folded: the first and the last time are shown."""

_COUNTING: Final = frozenset({"poll", "invocation"})
"""The kinds of entries whose numbers are counts of attempts; in others, a number says what happened."""

_NUMBER: Final = re.compile(r"\d+")

Entry = tuple[int, str, str, str, tuple[str, ...]]
"""Instant, kind, subject, text, records."""

Item = TypeVar("Item", bound=Entry)


@dataclass(frozen=True, slots=True)
class Fold(Generic[Item]):
    """Entries left out: what stands before them, ``period`` entries long, so many ``times`` more."""

    entries: Sequence[Item]
    period: int

    @property
    def times(self) -> int:
        """How often it happened between the first and the last time."""
        return len(self.entries) // self.period


def folded(entries: Sequence[Item]) -> list[Item | Fold[Item]]:
    """The entries, with the inner ones of each repetition folded."""
    keys = [_key(entry) for entry in entries]
    shown: list[Item | Fold[Item]] = []
    place = 0
    while place < len(entries):
        period, times = max(_repetitions(keys, place), key=lambda found: (found[0] * found[1], -found[0]))
        if times < _FEWEST:
            shown.append(entries[place])
            place += 1
            continue
        end = place + period * times
        shown += entries[place : place + period]
        shown.append(Fold(entries[place + period : end - period], period))
        shown += entries[end - period : end]
        place = end
    return shown


def _repetitions(keys: Sequence[Hashable], place: int) -> Iterator[tuple[int, int]]:
    """For each period, how often what begins at a place happens in a row; fewer than :data:`_FEWEST` count once."""
    for period in range(1, _LONGEST + 1):
        end = place + period
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        times = (end - place) // period
        yield period, times if times >= _FEWEST else 0


def _key(entry: Entry) -> Hashable:
    _, kind, subject, text, _ = entry
    return kind, subject, _NUMBER.sub("#", text) if kind in _COUNTING else text
