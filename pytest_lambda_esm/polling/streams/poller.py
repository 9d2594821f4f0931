"""The poller of one mapping on one stream: a reader for each shard, child shards after their parents.

It lives as long as its mapping. It holds the mapping's positions in the stream, which survive disabling, enabling and
updates; a new mapping does not inherit them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.streams.advice import advise_on_late_start
from pytest_lambda_esm.polling.streams.context import ShardContext, StreamContext
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.shard import ShardReader
from pytest_lambda_esm.polling.streams.trouble import TroubleNotice
from pytest_lambda_esm.sources.stream_ports import Shard, Stream

STREAM_GONE: Final = "PROBLEM: Stream not found"


class StreamPoller:
    """Reads a stream for a mapping."""

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._mapping = context.mapping
        self._clock = context.clock
        self._readings: list[StreamReading] = []
        self._polling = False
        self._hindered = False
        self._notice = TroubleNotice(context.mapping, context.journal)
        self._next_look: Any = None
        self._look_event = context.interruptions.event(self._look, self._mend)

    def start(self) -> None:
        """Start polling: the first time at the starting position, later where polling stopped."""
        self._polling = True
        stream = self._find_stream()
        if self._context.trouble() is None:
            self._read(stream)
            return
        if stream is not None:
            self._open_reading(stream)  # LATEST is where the mapping began to poll, even if it cannot read yet.
        self._hindered = True
        self.wake()  # Not at once: this may be called while the mapping enters a state.

    def stop(self) -> None:
        """Stop polling; in-flight batches still complete."""
        self._polling = False
        self._clock.cancel(self._next_look)
        self._next_look = None
        for reader in self._readers():
            reader.stop()

    def wake(self) -> None:
        """Look at the stream as soon as the clock runs, since it or the mapping's settings have changed."""
        if self._polling and self._next_look is None:
            self._next_look = self._clock.call_at(self._clock.instant, self._look_event, self._about_look)

    def iterator_age(self) -> timedelta | None:
        """Return the age of the last record of the last batch; the greatest age if shards differ."""
        ages = [age for reader in self._readers() if (age := reader.iterator_age()) is not None]
        return timedelta(microseconds=max(ages)) if ages else None

    def explain(self) -> list[str]:
        """Return what each shard's lanes wait for."""
        if self._find_stream() is None:
            return [f"the stream {self._mapping.source_arn} does not exist (any more)"]
        trouble = self._context.trouble()
        if trouble is not None:
            return [trouble.text]
        lines = list(self._readings[-1].explain()) if self._readings else []
        return lines or ["all records have been read"]

    def in_hand(self) -> list[str]:
        """Return what the function runs with, even after polling has stopped."""
        return [line for reader in self._readers() for line in reader.in_hand()]

    def fates(self) -> list[Fate]:
        """Return the fates of all records of the stream for this mapping; waiting records come last.

        They include the records of deleted streams that had the same name.
        """
        stream = self._find_stream()
        found: list[tuple[int, Fate]] = []
        for reading in self._readings:
            found += reading.fates(gone=stream is None or stream.incarnation != reading.incarnation)
        if stream is not None and not self._is_reading(stream):
            found += StreamReading(self._context, stream, {}, self.wake).fates(gone=False)
        return [fate for _, fate in sorted(found, key=lambda entry: entry[0])]

    # --- inside ---------------------------------------------------------------------------------------------

    def _about_look(self) -> str:
        return f"mapping {self._mapping.uuid}: look at {self._mapping.source_arn}"

    def _readers(self) -> list[ShardReader]:
        return list(self._readings[-1].readers.values()) if self._readings else []

    def _find_stream(self) -> Stream | None:
        """Find the stream as it is now, and update the current reading with it."""
        stream = self._context.stream()
        if stream is not None and self._is_reading(stream):
            self._readings[-1].stream = stream
        return stream

    def _is_reading(self, stream: Stream) -> bool:
        return bool(self._readings) and self._readings[-1].incarnation == stream.incarnation

    def _look(self) -> None:
        """Read, or show what prevents it."""
        self._next_look = None
        stream, trouble = self._find_stream(), self._context.trouble()
        self._notice.show(trouble)
        if trouble is not None:
            self._hindered = True
            for reader in self._readers():
                reader.stop()
        elif self._hindered:
            self._read(stream)
        else:
            self._look_at(stream)

    def _read(self, stream: Stream | None) -> None:
        """Start all readers, or continue where they stopped."""
        self._hindered = False
        self._look_at(stream)
        settings = self._context.settings()
        for reader in self._readers():
            reader.start(stream.shard(reader.shard_id) if stream is not None else None, settings)

    def _mend(self) -> None:
        """Look again after a bug."""
        if self._polling and self._next_look is None:
            due = self._clock.instant + self._context.polling.read_retry
            self._next_look = self._clock.call_at(due, self._look_event, self._about_look)

    def _look_at(self, stream: Stream | None) -> None:
        """Wake the readers of the stream's shards, and make readers for new shards."""
        if stream is None:
            self._mapping._last_result = STREAM_GONE
            return
        self._open_reading(stream)
        reading, settings = self._readings[-1], self._context.settings()
        reading.wake(settings)
        for shard, reader in reading.open_shards():
            if self._polling:
                reader.start(shard, settings)

    def _open_reading(self, stream: Stream) -> None:
        """Begin to read a stream at the starting positions; read one that was recreated from its start."""
        if self._is_reading(stream):
            return
        for reader in self._readers():
            reader.stop()
        starts = {} if self._readings else self._starting_positions(stream)
        self._readings.append(StreamReading(self._context, stream, starts, self.wake))

    def _starting_positions(self, stream: Stream) -> dict[str, int]:
        """Return where reading starts in each present shard; AT_TIMESTAMP means the first record that is not older.

        Where the expiry of a record is trouble, reading starts with a record that is retained.
        """
        settings = self._context.settings()
        if settings.starting_position == "LATEST":
            advise_on_late_start(self._context, self._missed(stream))
            return {shard.shard_id: shard.end for shard in stream.shards()}
        earliest = settings.starting_instant if settings.starting_position == "AT_TIMESTAMP" else 0
        starts = {}
        for shard in stream.shards():
            retained = self._clock.instant - shard.retention + 1 if settings.kind.expired is not None else 0
            starts[shard.shard_id] = _first_position(shard, max(earliest, retained))
        return starts

    def _missed(self, stream: Stream) -> int:
        """Count the records that are younger than the mapping, and that LATEST skips."""
        known = self._context.ends_at_creation
        return sum(shard.end - known.get(shard.shard_id, 0) for shard in stream.shards()) if known is not None else 0


@dataclass(slots=True)
class StreamReading:
    """The readers of one stream, by shard.

    ``stream`` is the stream as it was last seen. ``starts`` are the starting positions of the shards that existed at
    first; later shards are read from their start. ``refresh`` asks the poller to look at the stream again.
    ``incarnation`` tells the stream from others that have its name at another time.
    """

    context: StreamContext
    stream: Stream
    starts: dict[str, int]
    refresh: Callable[[], None]
    readers: dict[str, ShardReader] = field(default_factory=dict)
    incarnation: object = field(init=False)

    def __post_init__(self) -> None:
        self.incarnation = self.stream.incarnation

    def wake(self, settings: StreamSettings) -> None:
        """Check whether a step of a lane is due earlier than before."""
        for shard in self.stream.shards():
            reader = self.readers.get(shard.shard_id)
            if reader is not None:
                reader.wake(shard, settings)

    def open_shards(self) -> Iterator[tuple[Shard, ShardReader]]:
        """Make readers for the shards whose parents are finished, one after the other."""
        shards = self.stream.shards()
        by_id = {shard.shard_id: shard for shard in shards}
        for shard in shards:
            if shard.shard_id not in self.readers and self._parents_are_finished(shard, by_id):
                reader = self.readers[shard.shard_id] = self._new_reader(shard)
                yield shard, reader

    def explain(self) -> Iterator[str]:
        """Return what each shard's lanes wait for."""
        for reader in self.readers.values():
            yield from reader.explain()
        for shard in self.stream.shards():
            if shard.shard_id not in self.readers:
                yield f"{shard.shard_id}: is read after its parents {', '.join(shard.parents)}"

    def fates(self, *, gone: bool) -> Iterator[tuple[int, Fate]]:
        """Return the fates of the stream's records, with the instants to sort them by; ``gone`` if it was deleted."""
        for shard in self.stream.shards():
            reader = self.readers.get(shard.shard_id) or self._new_reader(shard)
            yield from reader.fates(shard, stream_gone=gone)

    def _new_reader(self, shard: Shard) -> ShardReader:
        context = ShardContext(
            stream=self.context,
            shard_id=shard.shard_id,
            incarnation=self.incarnation,
            history=ShardHistory(self.context.mapping.uuid),
            refresh=self.refresh,
        )
        return ShardReader(context, self.starts.get(shard.shard_id, 0))

    def _parents_are_finished(self, shard: Shard, by_id: dict[str, Shard]) -> bool:
        for parent_id in shard.parents:
            parent, reader = by_id.get(parent_id), self.readers.get(parent_id)
            if parent is not None and (reader is None or not reader.finished(parent)):
                return False
        return True


def _first_position(shard: Shard, instant: int) -> int:
    position = 0
    while position < shard.end and shard.arrival(position) < instant:
        position += 1
    return position
