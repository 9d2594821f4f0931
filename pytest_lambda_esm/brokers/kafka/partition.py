"""One partition of a topic: an append-only log. The position of a record is its offset, and it keeps it forever."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from pytest_lambda_esm.brokers.kafka.records import KafkaRecord, StoredHeaders, StoredRecord

_ENVELOPE_SIZE: Final = 130
"""About how many bytes of an event a record takes in addition to its topic, key, value and headers."""


class Partition:
    """The records of one partition. Instants are microseconds since the epoch, ``retention`` is microseconds.

    Expired records cannot be read any more; they stay stored, so that an event that has them can be built again.
    """

    def __init__(self, topic: str, number: int, retention: int, timestamp_type: str) -> None:
        self.topic: Final = topic
        self.number: Final = number
        self.shard_id: Final = f"{topic}-{number}"
        self.retention: Final = retention
        self.timestamp_type: Final = timestamp_type
        self._records: list[StoredRecord] = []
        self._arrivals: list[int] = []
        self._size_before = [0]
        self._depths: dict[int, int] = {}

    @property
    def end(self) -> int:
        """The offset after the last record."""
        return len(self._records)

    def start(self, now: int) -> int:
        """Return the offset of the first record whose retention has not ended."""
        return bisect_right(self._arrivals, now - self.retention)

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: StoredHeaders,
        timestamp: int,
    ) -> StoredRecord:
        """Store a record and return it; :meth:`arrived` completes it."""
        record = StoredRecord(len(self._records), timestamp, key, value, headers)
        self._records.append(record)
        self._size_before.append(self._size_before[-1] + self._event_size(record))
        return record

    def arrived(self, instant: int, depth: int) -> None:
        """Note when the last record arrived, and how many invocations led to it.

        A handler's own time may be ahead of the clock. A record is never readable before the one in front of it.
        """
        if self._arrivals and instant < self._arrivals[-1]:
            instant = self._arrivals[-1]
        self._arrivals.append(instant)
        if depth:
            self._depths[len(self._arrivals) - 1] = depth

    def arrival(self, offset: int) -> int:
        """Return when a record arrived."""
        return self._arrivals[offset]

    def created(self, offset: int) -> int:
        """Return a record's timestamp, as an instant."""
        return self._records[offset].timestamp * 1000

    def sequence_number(self, offset: int) -> str:
        """Return a record's offset as text."""
        return str(offset)

    def key(self, offset: int) -> str:
        """Return a record's key as readable text."""
        key = self._records[offset].key
        return "none" if key is None else key.decode("utf-8", "backslashreplace")

    def size(self, offset: int) -> int:
        """Return about how many bytes a record takes in an event."""
        return self._size_before[offset + 1] - self._size_before[offset]

    def depth(self, offsets: Sequence[int]) -> int:
        """Return the length of the longest chain of invocations that led to one of the records."""
        if not self._depths:
            return 0
        return max((self._depths.get(offset, 0) for offset in offsets), default=0)

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Return the end of the records from ``start`` on that have arrived by ``now`` and fit into ``room`` bytes.

        The end is an offset, at most ``stop``; the second number is how many bytes the records before it take.
        """
        before = self._size_before
        end = stop if stop and self._arrivals[stop - 1] <= now else bisect_right(self._arrivals, now, start, stop)
        if before[end] - before[start] > room:
            end = bisect_right(before, before[start] + room, start, end + 1) - 1
        return end, before[end] - before[start]

    def stored(self, offsets: Sequence[int]) -> Sequence[StoredRecord]:
        """Return records by their offsets."""
        if isinstance(offsets, range):
            return self._records[offsets.start : offsets.stop]
        return [self._records[offset] for offset in offsets]

    def first_since(self, instant: int) -> int:
        """Return the first offset whose record has this timestamp or a later one; the end if there is none."""
        milliseconds = -(-instant // 1000)
        return next((record.offset for record in self._records if record.timestamp >= milliseconds), self.end)

    def _event_size(self, record: StoredRecord) -> int:
        size = _ENVELOPE_SIZE + len(self.topic)
        for data in (record.key, record.value):
            if data is not None:
                size += 12 + (len(data) + 2) // 3 * 4
        for name, value in record.headers:
            size += len(name) + 8 + 4 * len(value or b"")
        return size


def read(partition: Partition, record: StoredRecord) -> KafkaRecord:
    """Return a stored record as a consumer reads it."""
    offset, timestamp, key, value, headers = record
    return KafkaRecord(partition.topic, partition.number, offset, timestamp, key, value, headers)
