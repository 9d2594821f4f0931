"""What became of every record that entered a source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pytest_lambda_esm.config import moment_of

WAITING: Final = "waiting"
DELAYED: Final = "delayed"
IN_FLIGHT: Final = "in flight"
DELETED: Final = "deleted"
DEAD_LETTERED: Final = "dead-lettered"
EXPIRED: Final = "expired"
DONE: Final = "done"
FILTERED: Final = "filtered out"
SENT: Final = "sent to a destination"
DISCARDED: Final = "discarded"
SKIPPED: Final = "skipped by the starting position"


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of one record at this moment.

    ``record`` is a message id; ``fate`` is ``"waiting"``, ``"delayed"``, ``"in flight"``, ``"deleted"`` (done),
    ``"dead-lettered"`` or ``"expired"``; ``at`` when that began or, for what waits, when it ends (aware, UTC);
    ``about`` says it in words.

    For streams ``record`` is shard id and sequence number with a colon between, and each mapping reads all records
    for itself: ``mapping`` is its UUID. There ``fate`` is ``"waiting"``, ``"in flight"``, ``"done"``,
    ``"filtered out"``, ``"sent to a destination"``, ``"discarded"`` (given up, and no destination took it),
    ``"expired"`` or ``"skipped by the starting position"``; for what waits, ``at`` is when it arrived.
    """

    record: str
    fate: str
    at: datetime
    about: str
    mapping: str = ""


class FateLedger:
    """The fates that are final, by source; what still waits is read from the source itself."""

    def __init__(self) -> None:
        self._final: dict[str, dict[str, Fate]] = {}

    def note(self, source: str, records: Iterable[str], fate: str, instant: int, about: str) -> None:
        """These records have met their final fate."""
        fates = self._final.setdefault(source, {})
        at = moment_of(instant)
        for record in records:
            fates[record] = Fate(record, fate, at, about)

    def final(self, source: str) -> list[Fate]:
        """The final fates of a source's records, in the order in which they were met."""
        return list(self._final.get(source, {}).values())
