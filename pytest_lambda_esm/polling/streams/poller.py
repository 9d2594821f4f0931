"""The poller of one mapping on one stream: a reader for each shard, children after their parents.

It lives as long as its mapping: what it holds is the mapping's place in the stream, which survives disabling,
enabling and updates, and which a new mapping does not inherit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.ports import Deliver
from pytest_lambda_esm.polling.streams.context import StreamContext, StreamPolling
from pytest_lambda_esm.polling.streams.failures import Discards
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.shard import ShardReader
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.stream_ports import Reader, Shard, Stream, Streams


@dataclass(slots=True)
class Reading:
    """The readers of one stream, by shard.

    ``stream`` is the stream as it was last seen; ``starts`` are the positions where the shards that existed at first
    are begun; those that appear later are read from their start. ``incarnation`` tells the stream from others of its
    name.
    """

    context: StreamContext
    stream: Stream
    starts: dict[str, int]
    readers: dict[str, ShardReader] = field(default_factory=dict)
    incarnation: object = field(init=False)

    def __post_init__(self) -> None:
        self.incarnation = self.stream.incarnation

    def open_shards(self) -> Iterator[ShardReader]:
        """Make the readers of shards that can be read by now, one after the other."""
        shards = self.stream.shards()
        by_id = {shard.shard_id: shard for shard in shards}
        for shard in shards:
            if shard.shard_id not in self.readers and self._parents_are_done(shard, by_id):
                reader = self.readers[shard.shard_id] = self._new_reader(shard)
                yield reader

    def explain(self) -> Iterator[str]:
        """What each shard's lanes wait for."""
        for reader in self.readers.values():
            yield from reader.explain()
        for shard in self.stream.shards():
            if shard.shard_id not in self.readers:
                yield f"{shard.shard_id}: is read after its parents {', '.join(shard.parents)}"

    def fates(self, *, gone: bool) -> Iterator[tuple[int, Fate]]:
        """The fates of the stream's records, with the instants to sort them by; ``gone`` where it was deleted."""
        for shard in self.stream.shards():
            reader = self.readers.get(shard.shard_id) or self._new_reader(shard)
            yield from reader.fates(shard, stream_gone=gone)

    def _new_reader(self, shard: Shard) -> ShardReader:
        return ShardReader(self.context, shard.shard_id, self.starts.get(shard.shard_id, 0))

    def _parents_are_done(self, shard: Shard, by_id: dict[str, Shard]) -> bool:
        for parent_id in shard.parents:
            parent, reader = by_id.get(parent_id), self.readers.get(parent_id)
            if parent is not None and (reader is None or not reader.finished(parent)):
                return False
        return True


STREAM_GONE = "PROBLEM: Stream not found"


class StreamPoller:
    """Reads a stream for a mapping. ``reader`` tells for whom records are rendered at the moment."""

    def __init__(
        self,
        mapping: Mapping,
        *,
        streams: Streams,
        deliver: Deliver,
        clock: Clock,
        journal: Journal,
        discards: Discards,
        interference: PollerFaults,
        polling: StreamPolling,
        reader: Callable[[Mapping], Reader],
    ) -> None:
        self._mapping = mapping
        self._streams = streams
        self._clock = clock
        self._data_rules = discards.kind.data_rules
        self._read_settings: tuple[Any, StreamSettings] | None = None
        self._readings: list[Reading] = []
        self._polls = False
        self._upcoming: Any = None
        self._context = StreamContext(
            mapping=mapping,
            clock=clock,
            journal=journal,
            deliver=deliver,
            discards=discards,
            interference=interference,
            polling=polling,
            shard=self._shard,
            settings=self._settings,
            reader=lambda: reader(mapping),
            look_again=self.wake,
        )

    def start(self) -> None:
        """Begin to poll: the first time at the starting position, later where it stopped."""
        self._polls = True
        self._look()
        for reader in self._readers():
            reader.start()

    def stop(self) -> None:
        """Poll no more; what is in flight comes to its end."""
        self._polls = False
        self._clock.cancel(self._upcoming)
        self._upcoming = None
        for reader in self._readers():
            reader.stop()

    def wake(self) -> None:
        """The stream has changed, or the mapping's settings: look as soon as the clock runs."""
        if self._polls and self._upcoming is None:
            self._upcoming = self._clock.call_at(self._clock.instant, self._look, self._about_look)

    def iterator_age(self) -> timedelta | None:
        """The age of the last record of the last batch; the oldest, where shards differ."""
        ages = [age for reader in self._readers() if (age := reader.iterator_age()) is not None]
        return timedelta(microseconds=max(ages)) if ages else None

    def explain(self) -> list[str]:
        """What each shard's lanes wait for."""
        if self._find() is None:
            return [f"the stream {self._mapping.source_arn} does not exist (any more)"]
        lines = list(self._readings[-1].explain()) if self._readings else []
        return lines or ["all records have been read"]

    def in_hand(self) -> list[str]:
        """What the function runs with, also after polling has stopped."""
        return [line for reader in self._readers() for line in reader.in_hand()]

    def fates(self) -> list[Fate]:
        """The fates of all records of the stream for this mapping: those that wait come last.

        Those of streams that had the name before, and do not exist any more, are among them.
        """
        stream = self._find()
        found: list[tuple[int, Fate]] = []
        for reading in self._readings:
            found += reading.fates(gone=stream is None or stream.incarnation != reading.incarnation)
        if stream is not None and not self._reads(stream):
            found += Reading(self._context, stream, {}).fates(gone=False)
        return [fate for _, fate in sorted(found, key=lambda entry: entry[0])]

    # --- inside ---------------------------------------------------------------------------------------------

    def _about_look(self) -> str:
        return f"mapping {self._mapping.uuid}: look at {self._mapping.source_arn}"

    def _readers(self) -> list[ShardReader]:
        return list(self._readings[-1].readers.values()) if self._readings else []

    def _find(self) -> Stream | None:
        """The stream as it is now, which the reading of it goes on with."""
        stream = self._streams.find(self._mapping.source_arn)
        if stream is not None and self._reads(stream):
            self._readings[-1].stream = stream
        return stream

    def _reads(self, stream: Stream) -> bool:
        return bool(self._readings) and self._readings[-1].incarnation == stream.incarnation

    def _shard(self, shard_id: str) -> Shard | None:
        stream = self._streams.find(self._mapping.source_arn)
        return stream.shard(shard_id) if stream is not None and self._reads(stream) else None

    def _settings(self) -> StreamSettings:
        in_force = self._mapping.settings
        if self._read_settings is None or self._read_settings[0] is not in_force:
            self._read_settings = (in_force, StreamSettings.of(in_force, self._data_rules))
        return self._read_settings[1]

    def _look(self) -> None:
        """Find the shards there are, and let their readers go on."""
        self._upcoming = None
        stream = self._find()
        if stream is None:
            self._mapping.last_result = STREAM_GONE
            return
        self._meet(stream)
        for reader in self._readers():
            reader.wake()
        for reader in self._readings[-1].open_shards():
            if self._polls:
                reader.start()

    def _meet(self, stream: Stream) -> None:
        """The first time, fix the starting positions; a stream made anew under the same name is read from its start."""
        if self._reads(stream):
            return
        for reader in self._readers():
            reader.stop()
        starts = {} if self._readings else self._starting_positions(stream)
        self._readings.append(Reading(self._context, stream, starts))

    def _starting_positions(self, stream: Stream) -> dict[str, int]:
        """Where each shard that exists now is begun; at an instant, it is the first record that is not older."""
        settings = self._settings()
        if settings.starting_position == "LATEST":
            return {shard.shard_id: shard.end for shard in stream.shards()}
        if settings.starting_position == "AT_TIMESTAMP":
            return {shard.shard_id: _first_from(shard, settings.starting_instant) for shard in stream.shards()}
        return {shard.shard_id: 0 for shard in stream.shards()}


def _first_from(shard: Shard, instant: int) -> int:
    position = 0
    while position < shard.end and shard.arrival(position) < instant:
        position += 1
    return position
