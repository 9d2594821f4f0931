"""The timeline: one frozen entry for each thing that happened, with its virtual time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple, overload

from pytest_lambda_esm.config import MICROSECONDS, moment_of
from pytest_lambda_esm.observe.log_sequence import EqualToLists

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
    """One thing that happened.

    ``instant`` is microseconds since the epoch, ``kind`` one of :data:`KINDS`, ``subject`` the operation, mapping,
    function or source it happened to, ``text`` what happened in one line, ``items`` the records concerned.
    """

    instant: int
    kind: str
    subject: str
    text: str
    items: tuple[str, ...] = ()

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
    """The entries as text for a terminal, times as seconds since the first entry; the last ``most`` of them."""
    if not entries:
        return "(nothing happened)"
    first = entries[0].instant
    shown = entries[-most:]
    lines = [f"virtual time starts at {moment_of(first):%Y-%m-%d %H:%M:%S} UTC; times in seconds since then"]
    if len(shown) < len(entries):
        lines.append(f"  ({len(entries) - len(shown)} earlier entries left out)")
    for entry in shown:
        lines += _lines(entry, first, width)
    return "\n".join(lines)


def _lines(entry: Entry, first: int, width: int) -> list[str]:
    head = f"{(entry.instant - first) / MICROSECONDS:>10.3f}  {entry.kind:<10}  "
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
