"""What became of the records of one shard, for one mapping."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pytest_lambda_esm.observe.fates import EXPIRED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.sources.stream_ports import RecordLog, Stream
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.vocabulary import FateName

NO_READER: Final = "no mapping reads the stream"
NO_MATCH: Final = "no filter of the mapping matches"


class FinalFate(NamedTuple):
    """Records that met the same final fate at the same instant; ``about`` says why, or ``about(position)`` does."""

    positions: Sequence[int]
    fate: FateName
    instant: int
    about: str | Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingState:
    """What decides about records without a final fate.

    ``why(position)`` says what a record waits for; ``in_flight`` are the positions that the function runs with;
    ``stream_gone`` means that the stream was deleted; ``deleted_at`` is when the mapping was deleted, or None.
    """

    now: int
    why: Callable[[int], str]
    in_flight: Collection[int] = ()
    stream_gone: bool = False
    deleted_at: int | None = None


def compact(positions: Sequence[int]) -> Sequence[int]:
    """Return ascending positions, at least one, as a range if none is left out: it takes no memory per record."""
    first, last = positions[0], positions[-1]
    return range(first, last + 1) if last - first + 1 == len(positions) else tuple(positions)


class ShardHistory:
    """The final fates of one shard's records, in the order in which they happened. All other records are pending."""

    def __init__(self, mapping_uuid: str) -> None:
        self._mapping_uuid = mapping_uuid
        self._final: list[FinalFate] = []

    def add(self, positions: Sequence[int], fate: FateName, instant: int, about: str | Callable[[int], str]) -> None:
        """Note the final fate of records."""
        if positions:
            self._final.append(FinalFate(compact(positions), fate, instant, about))

    @property
    def ended(self) -> set[int]:
        """The positions of the records with a final fate."""
        return {position for noted in self._final for position in noted.positions}

    def fates(self, shard: RecordLog, pending: PendingState) -> Iterator[tuple[int, Fate]]:
        """Return each record's fate with the instant to sort it by: final fates first, waiting records last."""
        final: set[int] = set()
        for noted in self._final:
            final.update(noted.positions)
            for position in noted.positions:
                about = noted.about if isinstance(noted.about, str) else noted.about(position)
                yield noted.instant, self._fate(shard, position, noted.fate, noted.instant, about)
        for position in range(shard.end):
            if position not in final:
                yield from self._pending(shard, position, pending)

    def _pending(self, shard: RecordLog, position: int, pending: PendingState) -> Iterator[tuple[int, Fate]]:
        arrival, now = shard.arrival(position), pending.now
        expires = arrival + shard.retention
        if position in pending.in_flight:
            yield now, self._fate(shard, position, IN_FLIGHT, arrival, "the function runs with it")
        elif pending.deleted_at is not None and arrival > pending.deleted_at:
            return  # It arrived after the mapping was deleted, so it is none of this mapping's records.
        elif expires <= now:
            yield expires, self._fate(shard, position, EXPIRED, expires, "expired at the stream's retention, unread")
        elif pending.stream_gone:
            yield now, self._fate(shard, position, EXPIRED, now, "it was not read before the stream was deleted")
        elif pending.deleted_at is not None:
            yield now, self._fate(shard, position, WAITING, arrival, "the mapping was deleted before it read it")
        else:
            yield now, self._fate(shard, position, WAITING, arrival, pending.why(position))

    def _fate(self, shard: RecordLog, position: int, fate: FateName, instant: int, about: str) -> Fate:
        name = f"{shard.shard_id}:{shard.sequence_number(position)}"
        return Fate(name, fate, moment_of(instant), about, self._mapping_uuid)


def unread_fates(stream: Stream | None, now: int) -> list[Fate]:
    """Return the fates of the records of a stream that no mapping reads: waiting, or expired."""
    history, pending = ShardHistory(""), PendingState(now=now, why=lambda position: NO_READER)
    shards = stream.shards() if stream is not None else ()
    return [fate for shard in shards for _, fate in history.fates(shard, pending)]
