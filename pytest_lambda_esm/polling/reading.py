"""How one mapping reads one stream: the reader of each of its shards, children after their parents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.bench import Bench
from pytest_lambda_esm.polling.shard_reader import ShardReader
from pytest_lambda_esm.sources.stream import Shard, Stream


@dataclass(slots=True)
class Reading:
    """The readers of one stream, by shard.

    ``stream`` is the stream as it was last seen; ``starts`` are the positions where the shards that existed at first
    are begun; those that appear later are read from their start. ``incarnation`` tells the stream from others of its
    name.
    """

    bench: Bench
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
        return ShardReader(self.bench, shard.shard_id, self.starts.get(shard.shard_id, 0))

    def _parents_are_done(self, shard: Shard, by_id: dict[str, Shard]) -> bool:
        for parent_id in shard.parents:
            parent, reader = by_id.get(parent_id), self.readers.get(parent_id)
            if parent is not None and (reader is None or not reader.finished(parent)):
                return False
        return True
