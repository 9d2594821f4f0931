"""The timeline: one frozen entry for each event, with its virtual time; and its text, with repetitions folded."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, get_args, overload

from pytest_lambda_esm.errors import ConfigurationError, nearest, printable
from pytest_lambda_esm.observe.sequences import EqualToLists, nothing_to_catch_up
from pytest_lambda_esm.timing import MICROSECONDS, moment_of
from pytest_lambda_esm.vocabulary import EntryKind

REQUEST: Final = "request"
"""The kind of the calls to services other than Lambda."""

KINDS: Final[tuple[EntryKind, ...]] = get_args(EntryKind)

_COUNTING: Final = frozenset({"poll", "invocation", REQUEST})
"""The kinds whose texts contain counts of attempts or generated names.

Entries of these kinds that differ only in numbers are the same repetition.
"""

_LONGEST_PERIOD: Final = 12
"""The most entries that one repetition may consist of."""

_FEWEST_TIMES: Final = 4
"""The fewest repetitions that are folded; the first and the last are always shown."""

_NUMBER: Final = re.compile(r"\d+")
_ARN: Final = re.compile(r"arn:[\w-]+:([\w-]+):[\w-]*:\d*:(?:function:|queue/)?([^\s\"')]+)")
_UUID: Final = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


class Entry(NamedTuple):
    """One event."""

    instant: int
    """When it happened, in microseconds since the epoch."""
    kind: EntryKind
    """One of :data:`KINDS`."""
    subject: str
    """The operation, mapping, function or source that it happened to."""
    detail: str
    """What happened, in one line."""
    items: tuple[str, ...] = ()
    """The ids of the records concerned."""

    @property
    def at(self) -> datetime:
        """When it happened, an aware datetime in UTC."""
        return moment_of(self.instant)

    @property
    def text(self) -> str:
        """Another name of ``detail``."""
        return self.detail


class Timeline(EqualToLists[Entry]):
    """All entries so far, in the order of events."""

    def __init__(self, instant: Callable[[], int], catch_up: Callable[[], None] = nothing_to_catch_up) -> None:
        self._instant = instant
        self._catch_up = catch_up
        # Plain tuples: named ones take longer to create, and the garbage collector goes on tracking them.
        self._entries: list[tuple[int, EntryKind, str, str, tuple[str, ...]]] = []

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        self._catch_up()
        found = self._entries[index]
        return [Entry(*entry) for entry in found] if isinstance(found, list) else Entry(*found)

    def __len__(self) -> int:
        self._catch_up()
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        self._catch_up()
        return map(Entry._make, self._entries)

    def __str__(self) -> str:
        return render(self)

    def add(self, kind: EntryKind, subject: str, text: str, items: tuple[str, ...] = (), at: int | None = None) -> int:
        """Add an entry, at an instant or now, and return its instant; ``items`` are ids of records."""
        if at is None:
            at = self._instant()
        self._entries.append((at, kind, subject, text, items))
        return at

    def _insert(self, place: int, kind: EntryKind, subject: str, text: str, at: int) -> None:
        """Insert an entry before those that it caused; ``place`` is the length of the timeline when it began."""
        self._entries.insert(place, (at, kind, subject, text, ()))

    @property
    def _recorded(self) -> list[Entry]:
        """The entries, without catching up first: what happened until the test's body had ended."""
        return list(map(Entry._make, self._entries))

    def of(self, kind: EntryKind) -> list[Entry]:
        """Return the entries of one kind.

        Raises ConfigurationError, with the nearest kinds, for one that entries cannot have.
        """
        __tracebackhide__ = True
        found = [entry for entry in self if entry.kind == kind]
        if not found:  # A plugin may have added entries of a kind of its own.
            check_kind("timeline.of", kind, KINDS)
        return found


def check_kind(call: str, kind: object, known: Sequence[str]) -> None:
    """Raise ConfigurationError for a kind that is not known."""
    __tracebackhide__ = True
    if kind not in known:
        raise ConfigurationError(f"{call}: there is no kind {kind!r}. {nearest(kind, known)}")


def render(entries: Sequence[Entry], width: int = 100, most: int = 200) -> str:
    """Return entries as text for a terminal: times in seconds since the first entry, repetitions folded.

    If there are more than ``most`` entries and folds, only the last ones are shown.
    """
    if not entries:
        return "(nothing happened)"
    start = moment_of(entries[0].instant)
    begins = f"virtual time starts at {start:%Y-%m-%d %H:%M:%S} UTC; times in seconds since then"
    return "\n".join([begins, *rows(entries, width, most)])


def rows(
    entries: Sequence[Entry], width: int = 100, most: int = 200, counting: Collection[str] = _COUNTING
) -> list[str]:
    """Return the lines of :func:`render` that show the entries; those of ``counting`` kinds may differ in numbers."""
    first = entries[0].instant if entries else 0
    items = folded(entries, counting)
    left_out = sum(len(item.entries) if isinstance(item, Fold) else 1 for item in items[:-most])
    lines = [f"  ({left_out} earlier entries left out)"] if left_out else []
    for item in items[-most:]:
        lines += [_fold_line(item, first)] if isinstance(item, Fold) else _entry_lines(item, first, width)
    return lines


def shortened(text: str) -> str:
    """Return a text as people read it: each ARN as its service and resource, each UUID as its first part."""
    return printable(_UUID.sub(r"\1", _ARN.sub(r"\1:\2", text)))


def _entry_lines(entry: Entry, first: int, width: int) -> list[str]:
    head = f"{_seconds(entry, first):>10}  {entry.kind:<10}  "
    return textwrap.wrap(
        shortened(f"{entry.subject}: {entry.detail}"),
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _seconds(entry: Entry, first: int) -> str:
    return f"{(entry.instant - first) / MICROSECONDS:.3f}"


@dataclass(frozen=True, slots=True)
class Fold:
    """Entries that are left out: further repetitions of the ``period`` entries before them."""

    entries: Sequence[Entry]
    period: int


def _fold_line(fold: Fold, first: int) -> str:
    repeated = "this" if fold.period == 1 else f"these {fold.period} entries"
    times = len(fold.entries) // fold.period
    return f"{'...':>10}  {repeated} {times} times more, until {_seconds(fold.entries[-1], first)}"


def folded(entries: Sequence[Entry], counting: Collection[str] = _COUNTING) -> list[Entry | Fold]:
    """Fold the inner repetitions of each series; the first and the last one stay."""
    keys = [_key(entry, counting) for entry in entries]
    shown: list[Entry | Fold] = []
    place = 0
    while place < len(entries):
        period, times = max(_repetitions(keys, place), key=lambda found: (found[0] * found[1], -found[0]))
        if times < _FEWEST_TIMES:
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
    """Yield each period, with how often the entries at a place repeat in a row: 0 if too rarely to be folded."""
    for period in range(1, _LONGEST_PERIOD + 1):
        end = place + period
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        times = (end - place) // period
        yield period, times if times >= _FEWEST_TIMES else 0


def _key(entry: Entry, counting: Collection[str]) -> Hashable:
    """Return what an entry has in common with its repetitions."""
    text = _NUMBER.sub("#", entry.detail) if entry.kind in counting else entry.detail
    return entry.kind, entry.subject, text
