"""To which partition a producer sends a record: Kafka's default partitioner of the Java client.

With a key it is the murmur2 hash of the key, so equal keys always have the same partition. Without a key a producer
stays with one partition until its batch is full or sent, and then goes on to the next one.
"""

from __future__ import annotations

from typing import Final

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF
_STICKY_BYTES: Final = 16_384
"""The size of a producer's batch (``batch.size``), after which it takes another partition."""


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash as Kafka's clients compute it, unsigned."""
    length = len(data)
    value = (_SEED ^ length) & _WORD
    whole = length - length % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _FACTOR & _WORD
        word = (word ^ (word >> 24)) * _FACTOR & _WORD
        value = (value * _FACTOR & _WORD) ^ word
    rest = data[whole:]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * _FACTOR & _WORD
    value = (value ^ (value >> 13)) * _FACTOR & _WORD
    return value ^ (value >> 15)


def partition_of_key(key: bytes, partitions: int) -> int:
    """Return the partition of a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class StickyPartitions:
    """The partition of one topic that records without a key go to.

    A batch ends when it has 16,384 bytes, and when time moves: the producer has sent it by then.
    """

    def __init__(self) -> None:
        self._partition = -1
        self._bytes = 0
        self._instant = -1

    def next(self, size: int, instant: int, partitions: int) -> int:
        """Return the partition of a record of ``size`` bytes that is produced at an instant."""
        if self._partition < 0 or instant != self._instant or self._bytes + size > _STICKY_BYTES:
            self._partition = (self._partition + 1) % partitions
            self._bytes, self._instant = 0, instant
        self._bytes += size
        return self._partition
