"""What became of the records of one shard, for one mapping: runs of positions that met the same fate together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.observe.fates import EXPIRED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.sources.stream_ports import Shard, Stream
from pytest_lambda_esm.timing import moment_of

NO_READER: Final = "no mapping reads the stream"


@dataclass(frozen=True, slots=True)
class Run:
    """Records that met a final fate at an instant; ``about`` says of the record at a position why."""

    positions: Sequence[int]
    fate: str
    instant: int
    about: Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What becomes of the records that have met no final fate.

    ``now`` is the instant; ``why`` says of the record at a position what it waits for; ``flying`` are the positions
    with which the function runs; ``stream_gone`` says that the stream was deleted; ``mapping_end`` is when the mapping
    was, None while it is there.
    """

    now: int
    why: Callable[[int], str]
    in_flight: Collection[int] = ()
    stream_gone: bool = False
    mapping_end: int | None = None


class ShardHistory:
    """The runs of one shard, in the order in which they happened. A record that is in none of them waits."""

    def __init__(self, mapping_uuid: str) -> None:
        self._mapping_uuid = mapping_uuid
        self._runs: list[Run] = []

    def add(self, positions: Sequence[int], fate: str, instant: int, about: str | Callable[[int], str]) -> None:
        """These records have met their fate."""
        if not positions:
            return
        first, last = positions[0], positions[-1]
        kept = range(first, last + 1) if last - first + 1 == len(positions) else tuple(positions)
        self._runs.append(Run(kept, fate, instant, about if callable(about) else lambda position: about))

    def fates(self, shard: Shard, outlook: Outlook) -> Iterator[tuple[int, Fate]]:
        """The fate of each record with the instant it is sorted by: final ones first, what waits last."""
        final: set[int] = set()
        for run in self._runs:
            final.update(run.positions)
            for position in run.positions:
                yield run.instant, self._fate(shard, position, run.fate, run.instant, run.about(position))
        for position in range(shard.end):
            if position not in final:
                yield from self._unfinished(shard, position, outlook)

    def _unfinished(self, shard: Shard, position: int, outlook: Outlook) -> Iterator[tuple[int, Fate]]:
        arrival, now = shard.arrival(position), outlook.now
        expires = arrival + shard.retention
        if position in outlook.in_flight:
            yield now, self._fate(shard, position, IN_FLIGHT, arrival, "the function runs with it")
        elif outlook.mapping_end is not None and arrival > outlook.mapping_end:
            return  # It came to others.
        elif expires <= now:
            yield expires, self._fate(shard, position, EXPIRED, expires, "expired at the stream's retention, unread")
        elif outlook.stream_gone:
            yield now, self._fate(shard, position, EXPIRED, now, "it was not read before the stream was deleted")
        elif outlook.mapping_end is not None:
            yield now, self._fate(shard, position, WAITING, arrival, "the mapping was deleted before it read it")
        else:
            yield now, self._fate(shard, position, WAITING, arrival, outlook.why(position))

    def _fate(self, shard: Shard, position: int, fate: str, instant: int, about: str) -> Fate:
        name = f"{shard.shard_id}:{shard.sequence_number(position)}"
        return Fate(name, fate, moment_of(instant), about, self._mapping_uuid)


def unread_fates(stream: Stream | None, now: int) -> list[Fate]:
    """The fates of the records of a stream that no mapping reads: they wait, or have expired."""
    history, outlook = ShardHistory(""), Outlook(now=now, why=lambda position: NO_READER)
    shards = stream.shards() if stream is not None else ()
    return [fate for shard in shards for _, fate in history.fates(shard, outlook)]
