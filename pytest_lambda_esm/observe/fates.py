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
SENT: Final = "sent to a destination"
DROPPED: Final = "dropped"


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of one record at this moment.

    ``record`` is a message id; ``fate`` is ``"waiting"``, ``"delayed"``, ``"in flight"``, ``"deleted"`` (done),
    ``"dead-lettered"`` or ``"expired"``; an asynchronous event, by its request id, is also ``"done"``, ``"sent to a
    destination"`` or ``"dropped"``; ``at`` when that began or, for what waits, when it ends (aware, UTC);
    ``about`` says it in words.
    """

    record: str
    fate: str
    at: datetime
    about: str


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
