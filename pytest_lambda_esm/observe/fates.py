"""What became of every record that entered a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.timing import moment_of

WAITING: Final = "waiting"
DELAYED: Final = "delayed"
IN_FLIGHT: Final = "in flight"
DELETED: Final = "deleted"
DEAD_LETTERED: Final = "dead-lettered"
EXPIRED: Final = "expired"
FILTERED_OUT: Final = "filtered out"
DONE: Final = "done"
SENT: Final = "sent to a destination"
DISCARDED: Final = "discarded"
SKIPPED: Final = "skipped by the starting position"


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of one record at this moment.

    ``record`` is a message id; ``fate`` is ``"waiting"``, ``"delayed"``, ``"in flight"``, ``"deleted"`` (done),
    ``"filtered out"``, ``"dead-lettered"`` or ``"expired"``; ``at`` when that began or, for what waits, when it ends
    (aware, UTC); ``about`` says it in words.

    For streams ``record`` is shard id and sequence number with a colon between, and each mapping reads all records
    for itself: ``mapping`` is its UUID. There ``fate`` is ``"waiting"``, ``"in flight"``, ``"done"``,
    ``"filtered out"``, ``"sent to a destination"``, ``"discarded"`` (given up, and no destination took it),
    ``"expired"`` or ``"skipped by the starting position"``; for what waits, ``at`` is when it arrived.

    An asynchronous event stands by its request id, and is ``"done"``, ``"sent to a destination"`` or ``"discarded"``.
    """

    record: str
    fate: str
    at: datetime
    about: str
    mapping: str = ""


FateOfRecords: TypeAlias = tuple[Sequence[str], str, int, str, Callable[[int], str] | None]
"""Records that met their fate together, the fate, the instant, what is said of all, and of each by its place."""


def _fates(noted: FateOfRecords) -> Iterator[Fate]:
    records, fate, instant, about, why = noted
    at = moment_of(instant)
    for place, record in enumerate(records):
        yield Fate(record, fate, at, about if why is None else f"{about}: {why(place)}")


class FateLedger:
    """The fates that are final, by source; what still waits is read from the source itself."""

    def __init__(self) -> None:
        self._noted: dict[str, list[FateOfRecords]] = {}

    def note(self, source: str, group: FateOfRecords) -> None:
        """Note that records of a source have met their final fate."""
        self._noted.setdefault(source, []).append(group)

    def final(self, source: str) -> list[Fate]:
        """The final fates of a source's records, in the order in which they were met; the last of a record counts."""
        fates = {fate.record: fate for noted in self._noted.get(source, ()) for fate in _fates(noted)}
        return list(fates.values())


class Journal:
    """Writes the timeline and the ledger. ``add`` notes an entry in the timeline only, and is the timeline's own."""

    def __init__(self, timeline: Timeline, ledger: FateLedger) -> None:
        self._ledger = ledger
        self.add = timeline.add

    def fate(
        self, source: str, records: Sequence[str], fate: str, text: str, why: Callable[[int], str] | None = None
    ) -> None:
        """Records have met their final fate; ``why`` says of each by its place what the text leaves open."""
        ids = tuple(records)
        at = self.add("fate", source, text, ids)
        self._ledger.note(source, (ids, fate, at, text, why))
