"""The fates of records: where each record of a source is now, or how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.vocabulary import FateName

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
TAKEN: Final = "read by another consumer"


@dataclass(frozen=True, slots=True)
class Fate:
    """The fate of one record so far.

    For a queue, ``record`` is the message id. ``fate`` is ``"waiting"``, ``"delayed"``, ``"in flight"``, ``"deleted"``
    (processed), ``"filtered out"``, ``"dead-lettered"`` or ``"expired"``. ``at`` is when that began or, for a message
    that waits, when the wait ends (aware, UTC). ``detail`` describes the fate in words.

    For a stream, ``record`` is the shard id and the sequence number, joined by a colon. Each mapping reads all records,
    so ``mapping`` is the mapping's UUID. ``fate`` is ``"waiting"``, ``"in flight"``, ``"done"``, ``"filtered out"``,
    ``"sent to a destination"``, ``"discarded"`` (given up without a destination), ``"expired"`` or ``"skipped by the
    starting position"``. For a record that waits, ``at`` is its arrival.

    For Kafka, ``record`` is the topic, the partition and the offset, as ``orders-0:17``; records that another member of
    the mapping's consumer group has committed are ``"read by another consumer"``.

    For Amazon MQ, ``record`` is what ``send`` returned. ``fate`` is ``"waiting"``, ``"in flight"`` (a consumer holds
    it), ``"done"``, ``"filtered out"``, ``"dead-lettered"``, ``"expired"`` or ``"discarded"`` (too large, or given up
    without a dead-letter queue). For a message that waits or is in flight, ``at`` is its arrival.

    For asynchronous events, ``record`` is the request id, and ``fate`` is ``"waiting"``, ``"in flight"`` (an attempt
    runs), ``"done"``, ``"sent to a destination"`` or ``"discarded"``. For an event that waits or is in flight, ``at``
    is when its next attempt begins or its current one ends.
    """

    record: str
    fate: FateName
    at: datetime
    detail: str
    mapping: str = ""

    @property
    def about(self) -> str:
        """Another name of ``detail``."""
        return self.detail


FinalFate: TypeAlias = tuple[Sequence[str], FateName, int, str, Callable[[int], str] | None]
"""Records with the same final fate: their ids, the fate, its instant, a text for all, and one for each by its index.

A plain tuple, which is cheap: every batch of messages adds one.
"""


def _fates(final_fate: FinalFate) -> Iterator[Fate]:
    records, fate, instant, about, why = final_fate
    at = moment_of(instant)
    for index, record in enumerate(records):
        yield Fate(record, fate, at, printable(about if why is None else f"{about}: {why(index)}"))


class FateLedger:
    """The final fates by source; the other ones are computed from the state of the source."""

    def __init__(self) -> None:
        self._final: dict[str, list[FinalFate]] = {}

    def note(self, source: str, final_fate: FinalFate) -> None:
        """Record the final fate of records of a source."""
        self._final.setdefault(source, []).append(final_fate)

    @property
    def sources(self) -> list[str]:
        """The sources whose records have final fates, also those that do not exist any more."""
        return list(self._final)

    def final(self, source: str) -> list[Fate]:
        """Return the final fates of a source's records, in order; of several fates of a record, the last one counts."""
        fates = {fate.record: fate for each in self._final.get(source, ()) for fate in _fates(each)}
        return list(fates.values())


class Journal:
    """Writes the timeline and the ledger; ``add`` is the timeline's method, bound here to save a call.

    Without ``advice``, none is given.
    """

    def __init__(self, timeline: Timeline, ledger: FateLedger, advice: Advice | None = None) -> None:
        self._ledger = ledger
        self.advice = advice if advice is not None else Advice(timeline, off=True)
        self.add = timeline.add

    def fate(
        self, source: str, records: Sequence[str], fate: FateName, text: str, why: Callable[[int], str] | None = None
    ) -> None:
        """Record the final fate of records; ``why`` completes the text for each record by its index."""
        ids = tuple(records)
        at = self.add("fate", source, text, ids)
        self._ledger.note(source, (ids, fate, at, text, why))
