"""Sequence numbers of Kinesis records as AWS makes them: 56 digits, growing over the whole stream.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto numbers the records of each shard 1, 2, 3 and so on. Those numbers
remain the keys of its storage and the contents of its iterators; a record's attribute ``sequence_number`` holds the
number that clients and functions see. The layout is that of AWS's numbers: the version, the time of the stream, the
position in the stream, the time of the record, the shard.
"""

from __future__ import annotations

from typing import Any, Final

from moto.core.utils import unix_time
from moto.kinesis.models import KinesisBackend, Shard, Stream, kinesis_backends

from pytest_lambda_esm.patching import Patches, original_of

_COUNT: Final = "_lambda_esm_count"
"""An attribute of moto's streams: how many numbers have been assigned."""

_CREATED: Final = "_lambda_esm_created"
_RANGE: Final = "_lambda_esm_range"
"""An attribute of moto's shards: the first number, and the last one of a closed shard."""

_AWS_NUMBERS: Final = 1 << 185
"""The lowest number of AWS. Smaller ones are moto's own, which a client may have kept from before the fake."""

_SECONDS: Final = (1 << 36) - 1


def new_number(stream: Any, shard: Any) -> str:
    """Return the next sequence number of a stream, for a record that is put into a shard now."""
    own = vars(stream)
    now = int(unix_time()) & _SECONDS
    created = own.setdefault(_CREATED, now)
    count = own[_COUNT] = own.get(_COUNT, 0) + 1
    return str(int(f"2{created:09x}0{count:016x}00{now:09x}{shard._shard_id:08x}2", 16))


def number_record(stream: Any, shard: Any, key: int) -> str:
    """Give a record its sequence number, and return that; ``key`` is moto's own number."""
    number = shard.records[key].sequence_number = new_number(stream, shard)
    return number


def begin(stream: Any, shard: Any) -> None:
    """Give a shard its first sequence number unless it has one."""
    if _RANGE not in vars(shard):
        vars(shard)[_RANGE] = (new_number(stream, shard), None)


def close(stream: Any, shard: Any) -> None:
    """Give a shard that was split or merged its last sequence number."""
    first, last = vars(shard)[_RANGE]
    vars(shard)[_RANGE] = (first, last or new_number(stream, shard))


def install(patches: Patches) -> None:
    """Number all existing records, and translate the numbers that clients name, until the patches are undone."""
    describe = original_of(Shard, "to_json")
    iterator = original_of(KinesisBackend, "get_shard_iterator")
    init_shards = original_of(Stream, "init_shards")

    def init_and_begin(self: Any, shard_count: int) -> None:
        init_shards(self, shard_count)
        for shard in self.shards.values():
            begin(self, shard)

    def describe_with_range(self: Any) -> dict[str, Any]:
        description: dict[str, Any] = describe(self)
        first, last = vars(self)[_RANGE]
        description["SequenceNumberRange"]["StartingSequenceNumber"] = first
        if last is not None:
            description["SequenceNumberRange"]["EndingSequenceNumber"] = last
        return description

    def key_at(self: Any, at_timestamp: float) -> int:
        return next((key for key in reversed(self.records) if self.records[key].created_at < at_timestamp), 0)

    def translated(
        self: Any,
        stream_arn: Any,
        stream_name: Any,
        shard_id: str,
        shard_iterator_type: str,
        starting_sequence_number: Any,
        at_timestamp: Any,
    ) -> str:
        shard = self.describe_stream(stream_arn=stream_arn, stream_name=stream_name).shards.get(shard_id)
        if shard is not None and starting_sequence_number and "SEQUENCE_NUMBER" in shard_iterator_type:
            number = int(starting_sequence_number)
            if number >= _AWS_NUMBERS:
                starting_sequence_number = _key_of(shard, number, shard_iterator_type)
        return str(
            iterator(
                self, stream_arn, stream_name, shard_id, shard_iterator_type, starting_sequence_number, at_timestamp
            )
        )

    patches.set(Stream, "init_shards", init_and_begin)
    patches.set(Shard, "to_json", describe_with_range)
    patches.set(Shard, "get_sequence_number_at", key_at)
    patches.set(KinesisBackend, "get_shard_iterator", translated)
    _number_all()
    patches.then(_restore_all)


def _key_of(shard: Any, number: int, iterator_type: str) -> int:
    """Return moto's own number for the record with a sequence number, or for the place where it would be."""
    before = sum(1 for record in shard.records.values() if int(record.sequence_number) < number)
    present = before < len(shard.records) and int(shard.records[before + 1].sequence_number) == number
    return before + 1 if present or iterator_type == "AT_SEQUENCE_NUMBER" else before


def _streams() -> list[Any]:
    return [
        stream for each in kinesis_backends.values() for backend in each.values() for stream in backend.streams.values()
    ]


def _number_all() -> None:
    """Number the records that were put before the fake began, a parent's before those of its children."""
    for stream in _streams():
        for shard in stream.shards.values():
            begin(stream, shard)
            for key in shard.records:
                number_record(stream, shard, key)
            if not shard.is_open:
                close(stream, shard)


def _restore_all() -> None:
    for stream in _streams():
        for name in (_COUNT, _CREATED):
            vars(stream).pop(name, None)
        for shard in stream.shards.values():
            vars(shard).pop(_RANGE, None)
            for key, record in shard.records.items():
                record.sequence_number = key
