"""What became of the records of one shard, for one mapping: runs of positions that met the same fate together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.observe.fates import EXPIRED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.sources.stream import Shard, Stream

NO_READER: Final = "no mapping reads the stream"


@dataclass(frozen=True, slots=True)
class Run:
    """Records that met a final fate at an instant; ``about`` says of the record at a position why."""

    positions: Sequence[int]
    fate: str
    instant: int
    about: Callable[[int], str]


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

    def fates(
        self, shard: Shard, flying: Sequence[int], why_waiting: Callable[[int], str], now: int
    ) -> Iterator[tuple[int, Fate]]:
        """The fate of each record with the instant it is sorted by: final ones first, what waits last.

        ``why_waiting`` says of the record at a position what it waits for.
        """
        final: set[int] = set()
        for run in self._runs:
            final.update(run.positions)
            for position in run.positions:
                yield run.instant, self._fate(shard, position, run.fate, run.instant, run.about(position))
        in_flight = set(flying)
        for position in range(shard.end):
            if position not in final:
                yield self._unfinished(shard, position, position in in_flight, why_waiting, now)

    def _unfinished(
        self, shard: Shard, position: int, flies: bool, why: Callable[[int], str], now: int
    ) -> tuple[int, Fate]:
        arrival = shard.arrival(position)
        gone = arrival + shard.retention
        if flies:
            return now, self._fate(shard, position, IN_FLIGHT, arrival, "the function runs with it")
        if gone <= now:
            return gone, self._fate(shard, position, EXPIRED, gone, "expired at the stream's retention, unread")
        return now, self._fate(shard, position, WAITING, arrival, why(position))

    def _fate(self, shard: Shard, position: int, fate: str, instant: int, about: str) -> Fate:
        name = f"{shard.shard_id}:{shard.sequence_number(position)}"
        return Fate(name, fate, moment_of(instant), about, self._mapping_uuid)


def unread_fates(stream: Stream | None, now: int) -> list[Fate]:
    """The fates of the records of a stream that no mapping reads: they wait, or have expired."""
    history = ShardHistory("")
    shards = stream.shards() if stream is not None else ()
    return [fate for shard in shards for _, fate in history.fates(shard, (), lambda position: NO_READER, now)]
