"""moto's Kinesis streams, as the poller reads them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

moto's own reads take time in proportion to the position in a shard, and its resharding puts records into the wrong
shards: after a split, the parent keeps all records and even receives new ones; a merge copies records. While a fake is
active, records go to the open shard whose range contains their hash key, and stay where they were put.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from hashlib import md5
from typing import Any, Final

from moto.core.utils import unix_time
from moto.kinesis.models import KinesisBackend, kinesis_backends
from moto.kinesis.models import Stream as MotoStream
from moto.kinesis.utils import decompose_shard_iterator

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.session import backend_of
from pytest_lambda_esm.moto_bridge.streams import sequence_numbers
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.sources import kinesis
from pytest_lambda_esm.sources.stream_ports import Reader
from pytest_lambda_esm.timing import MICROSECONDS

_DEPTH: Final = "_lambda_esm_depth"


class PolledShard:
    """One shard in moto's storage, whose keys are 1, 2, 3 and so on."""

    __slots__ = ("_records", "_region", "_shard", "retention", "shard_id")

    def __init__(self, shard: Any, stream: Any) -> None:
        self._shard = shard
        self._records = shard.records
        self.shard_id = str(shard.shard_id)
        self._region = stream.region
        self.retention = _retention(stream)

    @property
    def parents(self) -> Sequence[str]:
        """The id of the shard that was split, or the ids of the two that were merged."""
        return [parent for parent in (self._shard.parent, self._shard.adjacent_parent) if parent]

    @property
    def closed(self) -> bool:
        """Whether the shard has been split or merged."""
        return not self._shard.is_open

    @property
    def end(self) -> int:
        """The number of records ever put."""
        return len(self._records)

    def arrival(self, position: int) -> int:
        """Return when a record was put, in microseconds since the epoch."""
        return int(self._records[position + 1].created_at * MICROSECONDS + 0.5)

    def sequence_number(self, position: int) -> str:
        """Return a record's sequence number, as PutRecord did."""
        return str(self._records[position + 1].sequence_number)

    def key(self, position: int) -> str:
        """Return a record's partition key, quoted."""
        return repr(self._records[position + 1].partition_key)

    def hash_fraction(self, position: int) -> float:
        """Return where a record's hash key falls in the shard's range, from 0 to less than 1."""
        hash_key = _hash_key(self._records[position + 1].partition_key)
        first, last = self._shard.starting_hash, self._shard.ending_hash
        # The hash of the partition key may lie outside the range if the record was put with an explicit hash key.
        width = int(last) - int(first) + 1
        # Integer division, since the quotient of two huge numbers may round up to 1.
        return int(((hash_key - first) % width << 48) // width) / (1 << 48)

    def size(self, position: int) -> int:
        """Return about how many bytes a record takes in an event."""
        record = self._records[position + 1]
        return len(record.data) + len(record.partition_key) + kinesis.ENVELOPE_SIZE

    def depth(self, positions: Sequence[int]) -> int:
        """Return the length of the longest chain of invocations that led to one of the records.

        Shards without such records are marked by the absence of an attribute, so that they cost no look at records.
        """
        if _DEPTH not in self._shard.__dict__:
            return 0
        return max((self._records[position + 1].__dict__.get(_DEPTH, 0) for position in positions), default=0)

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Return the position after the records that have arrived and fit, and how many bytes they take."""
        records, latest, taken = self._records, (now + 0.5) / MICROSECONDS, 0
        # Only handlers put records out of order, since each handler has its own, later time.
        if _DEPTH not in self._shard.__dict__ and stop > start and records[stop].created_at <= latest:
            numbers = range(start + 1, stop + 1)
            size = sum([len((record := records[number]).data) + len(record.partition_key) for number in numbers])
            size += len(numbers) * kinesis.ENVELOPE_SIZE
            if size <= room:
                return stop, size
        for position in range(start, stop):
            record = records[position + 1]
            size = len(record.data) + len(record.partition_key) + kinesis.ENVELOPE_SIZE
            if record.created_at > latest or taken + size > room:
                return position, taken
            taken += size
        return stop, taken

    def records(self, positions: Sequence[int], reader: Reader) -> list[dict[str, Any]]:
        """Return the records as a function receives them."""
        numbers = (
            range(positions.start + 1, positions.stop + 1)
            if isinstance(positions, range)
            else [position + 1 for position in positions]
        )
        return kinesis.records(map(self._records.__getitem__, numbers), self.shard_id, reader, self._region)


class PolledStream:
    """One stream in moto's storage."""

    __slots__ = ("incarnation",)

    def __init__(self, stream: Any) -> None:
        self.incarnation = stream

    def shards(self) -> Sequence[PolledShard]:
        """Return all shards, the oldest first."""
        return [PolledShard(shard, self.incarnation) for shard in self.incarnation.shards.values()]

    def shard(self, shard_id: str) -> PolledShard | None:
        """Return a shard, or None if it does not exist."""
        shard = self.incarnation.shards.get(shard_id)
        return PolledShard(shard, self.incarnation) if shard is not None else None


class MotoStreams:
    """Finds Kinesis streams in moto's storage. Nothing is kept between calls: a reset of moto deletes all streams."""

    def find(self, arn: str) -> PolledStream | None:
        """Return the stream with an ARN, or with a consumer of that ARN; None if either does not exist."""
        parsed = _parse(arn)
        if parsed is None:
            return None
        name, _, consumer = parsed.resource.partition("/")[2].partition("/consumer/")
        stream = backend_of(kinesis_backends, parsed.account_id, parsed.region).streams.get(name)
        if stream is None or (consumer and not has_consumer(stream, parsed.resource)):
            return None
        return PolledStream(stream)


_parse: Final = lru_cache(maxsize=256)(Arn.parse)


def has_consumer(stream: Any, resource: str) -> bool:
    """Whether a consumer is registered; ``resource`` is the part of its ARN after the account.

    In AWS that part ends with the consumer's creation time; moto leaves the time out. Both forms are accepted.
    """
    path, colon, created = resource.partition(":")
    if colon and not created.isdigit():
        return False
    return any(known.consumer_arn.split(":", 5)[5] == path for known in stream.consumers)


def _retention(stream: Any) -> int:
    hours = stream.retention_period_hours
    # moto 5.1 sets this attribute to the stream's name for streams of a CloudFormation template.
    return (hours if isinstance(hours, int) else 24) * 3600 * MICROSECONDS


def _hash_key(partition_key: str) -> int:
    return int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


def install(
    patches: Patches, changed: Callable[[str], None], depth: Callable[[], int], sent: Callable[[str, str], None]
) -> None:
    """Call ``changed(stream_arn)`` whenever a stream may have records to read, and correct moto's resharding.

    ``depth()`` returns the length of the chain of invocations that led to the record that is being put. Streams pass on
    no trace header, so Lambda's loop detection begins a new count behind them.
    """
    sequence_numbers.install(patches)
    _install_puts(patches, changed, depth, sent)
    _install_resharding(patches, changed)
    _install_reads(patches)
    delete_stream = original_of(KinesisBackend, "delete_stream")

    def delete_and_notify(self: Any, *args: Any, **kwargs: Any) -> Any:
        stream = delete_stream(self, *args, **kwargs)
        changed(stream.arn)
        return stream

    patches.set(KinesisBackend, "delete_stream", delete_and_notify)


def _install_puts(
    patches: Patches, changed: Callable[[str], None], depth: Callable[[], int], sent: Callable[[str, str], None]
) -> None:
    put_record = original_of(MotoStream, "put_record")

    def put_and_notify(self: Any, *args: Any, **kwargs: Any) -> Any:
        key, shard_id = put_record(self, *args, **kwargs)
        shard = self.shards[shard_id]
        chain = depth()
        if chain:
            shard.__dict__[_DEPTH] = True
            shard.records[int(key)].__dict__[_DEPTH] = chain
        sequence_number = sequence_numbers.number_record(self, shard, int(key))
        if chain:
            sent(self.arn, f"{shard_id}:{sequence_number}")
        changed(self.arn)
        return sequence_number, shard_id

    patches.set(MotoStream, "put_record", put_and_notify)


def _install_resharding(patches: Patches, changed: Callable[[str], None]) -> None:
    """Splits and merges move no records, and later records go to the open shards."""
    split_shard = original_of(MotoStream, "split_shard")
    merge_shards = original_of(MotoStream, "merge_shards")
    find_shard = original_of(MotoStream, "get_shard_for_key")

    def open_shard_for_key(self: Any, partition_key: Any, explicit_hash_key: Any) -> Any:
        find_shard(self, partition_key, explicit_hash_key)  # It validates the keys.
        hash_key = int(explicit_hash_key) if explicit_hash_key else _hash_key(partition_key)
        for shard in self.shards.values():
            if shard.is_open and shard.starting_hash <= hash_key <= shard.ending_hash:
                return shard
        return None

    def split_and_notify(self: Any, shard_to_split: str, new_starting_hash_key: str) -> None:
        with _without_records(self):
            split_shard(self, shard_to_split, new_starting_hash_key)
        _number_shards(self)
        changed(self.arn)

    def merge_and_notify(self: Any, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        with _without_records(self):
            merge_shards(self, shard_to_merge, adjacent_shard_to_merge)
        _number_shards(self)
        changed(self.arn)

    patches.set(MotoStream, "get_shard_for_key", open_shard_for_key)
    patches.set(MotoStream, "split_shard", split_and_notify)
    patches.set(MotoStream, "merge_shards", merge_and_notify)


def _number_shards(stream: Any) -> None:
    """Give the shards that were closed their last sequence numbers, and then the new ones their first."""
    for shard in stream.shards.values():
        if not shard.is_open:
            sequence_numbers.close(stream, shard)
    for shard in stream.shards.values():
        sequence_numbers.begin(stream, shard)


def _install_reads(patches: Patches) -> None:
    """GetRecords returns retained records only, and deregistering removes the named consumer only."""
    get_records = original_of(KinesisBackend, "get_records")
    deregister = original_of(KinesisBackend, "deregister_stream_consumer")

    def deregister_named(self: Any, stream_arn: Any, consumer_name: Any, consumer_arn: Any) -> None:
        stream = self._find_stream_by_arn(stream_arn) if stream_arn else None
        if stream is None:
            deregister(self, stream_arn, consumer_name, consumer_arn)
        else:  # moto keeps the named consumer, and removes all others.
            stream.consumers = [known for known in stream.consumers if known.consumer_name != consumer_name]

    def get_retained_records(self: Any, stream_arn: Any, shard_iterator: str, limit: Any) -> Any:
        following, records, behind = get_records(self, stream_arn, shard_iterator, limit)
        name = decompose_shard_iterator(shard_iterator)[0]
        stream = self.describe_stream(stream_arn=stream_arn, stream_name=name)
        oldest = unix_time() - _retention(stream) / MICROSECONDS
        return following, [record for record in records if record.created_at > oldest], behind

    patches.set(KinesisBackend, "deregister_stream_consumer", deregister_named)
    patches.set(KinesisBackend, "get_records", get_retained_records)


@contextmanager
def _without_records(stream: Any) -> Iterator[None]:
    """Hide a stream's records while moto reshards it, so that moto moves none of them."""
    hidden = [(shard, shard.records) for shard in stream.shards.values()]
    for shard, _ in hidden:
        shard.records = OrderedDict()
    try:
        yield
    finally:
        for shard, records in hidden:
            shard.records = records


def shift(microseconds: int) -> None:
    """Move the times of all stored records: they were put in real time, and are read in virtual time."""
    for account in kinesis_backends.values():
        for backend in account.values():
            for stream in backend.streams.values():
                for shard in stream.shards.values():
                    for record in shard.records.values():
                        record.created_at += microseconds / MICROSECONDS
                        record.created_at_datetime += timedelta(microseconds=microseconds)
