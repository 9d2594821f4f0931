"""The timeline: one frozen entry for each thing that happened, with its virtual time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar, overload

from pytest_lambda_esm.observe.sequences import EqualToLists
from pytest_lambda_esm.timing import MICROSECONDS, moment_of

_LONGEST: Final = 12
"""Of so many entries a repetition may consist, at most."""

_FEWEST: Final = 4
"""So often something has to happen to be folded: the first and the last time are shown."""

_COUNTING: Final = frozenset({"poll", "invocation"})
"""The kinds of entries whose numbers are counts of attempts; in others, a number says what happened."""

_NUMBER: Final = re.compile(r"\d+")

Foldable = tuple[int, str, str, str, tuple[str, ...]]
"""Instant, kind, subject, text, records."""

Item = TypeVar("Item", bound=Foldable)


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


def _key(entry: Foldable) -> Hashable:
    _, kind, subject, text, _ = entry
    return kind, subject, _NUMBER.sub("#", text) if kind in _COUNTING else text


KINDS: Final = (
    "call",
    "transition",
    "poll",
    "invocation",
    "result",
    "throttle",
    "retry",
    "delivery",
    "fate",
    "sleep",
    "advice",
    "fault",
)


class Entry(NamedTuple):
    """One thing that happened."""

    instant: int
    """When it happened, in microseconds since the epoch."""
    kind: str
    """One of :data:`KINDS`."""
    subject: str
    """The operation, mapping, function or source that it happened to."""
    text: str
    """What happened, in one line."""
    items: tuple[str, ...] = ()
    """The ids of the records concerned."""

    @property
    def at(self) -> datetime:
        """When it happened, an aware datetime in UTC."""
        return moment_of(self.instant)


class Timeline(EqualToLists[Entry]):
    """All entries so far, in the order in which things happened."""

    def __init__(self, instant: Callable[[], int]) -> None:
        self._instant = instant
        # Plain tuples: named ones cost more to make, and for the garbage collector, which never lets go of them.
        self._entries: list[tuple[int, str, str, str, tuple[str, ...]]] = []

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        found = self._entries[index]
        return [Entry(*entry) for entry in found] if isinstance(found, list) else Entry(*found)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return map(Entry._make, self._entries)

    def __str__(self) -> str:
        return render(self)

    def add(self, kind: str, subject: str, text: str, items: tuple[str, ...] = (), at: int | None = None) -> int:
        """Note that something happened, now or at an instant given; the instant is returned."""
        if at is None:
            at = self._instant()
        self._entries.append((at, kind, subject, text, items))
        return at

    def insert(self, place: int, kind: str, subject: str, text: str, at: int) -> None:
        """Note something before what it led to; ``place`` is the timeline's length when it began."""
        self._entries.insert(place, (at, kind, subject, text, ()))

    def of(self, kind: str) -> list[Entry]:
        """The entries of one kind."""
        return [entry for entry in self if entry.kind == kind]


def render(entries: Sequence[Entry], width: int = 100, most: int = 200) -> str:
    """The entries as text for a terminal, times as seconds since the first entry; repetitions are folded.

    Of more than ``most`` entries and folds, the last ones are shown.
    """
    if not entries:
        return "(nothing happened)"
    first = entries[0].instant
    items = folded(entries)
    left_out = sum(len(item.entries) if isinstance(item, Fold) else 1 for item in items[:-most])
    lines = [f"virtual time starts at {moment_of(first):%Y-%m-%d %H:%M:%S} UTC; times in seconds since then"]
    if left_out:
        lines.append(f"  ({left_out} earlier entries left out)")
    for item in items[-most:]:
        lines += [_fold_line(item, first)] if isinstance(item, Fold) else _lines(item, first, width)
    return "\n".join(lines)


def _fold_line(fold: Fold[Entry], first: int) -> str:
    what = "this" if fold.period == 1 else f"these {fold.period} entries"
    return f"{'...':>10}  {what} {fold.times} times more, until {_seconds(fold.entries[-1], first)}"


def _seconds(entry: Entry, first: int) -> str:
    return f"{(entry.instant - first) / MICROSECONDS:.3f}"


def _lines(entry: Entry, first: int, width: int) -> list[str]:
    head = f"{_seconds(entry, first):>10}  {entry.kind:<10}  "
    text = shortened(f"{entry.subject}: {entry.text}")
    return textwrap.wrap(
        text,
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


_ARN: Final = re.compile(r"arn:[\w-]+:([\w-]+):[\w-]*:\d*:(?:function:|queue/)?([^\s\"')]+)")
_UUID: Final = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def shortened(text: str) -> str:
    """A text for people: an ARN as its service and resource, a UUID as its first part."""
    return _UUID.sub(r"\1", _ARN.sub(r"\1:\2", text))
