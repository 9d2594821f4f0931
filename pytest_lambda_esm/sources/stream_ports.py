"""What a poller needs of a stream and its shards. Real streams live in moto's storage; unit tests bring their own.

A record is known by its position: shards number theirs from 0, and a position stays a record's own for ever, also
after the record has expired. Instants are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_lambda_esm.filters import DataRules


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom records are rendered: the ARN of the mapping's source, and of the role that its function runs as."""

    source_arn: str
    identity_arn: str


@dataclass(frozen=True, slots=True)
class StreamKind:
    """What differs between the kinds of streams.

    ``data_rules`` says how records are filtered, ``batch_info`` the member of failure records that describes a
    batch, ``timespec`` the precision of its timestamps as ``datetime.isoformat`` takes it.
    """

    data_rules: DataRules
    batch_info: str
    timespec: str


class Shard(Protocol):
    """One shard: a sequence of records that only grows."""

    @property
    def shard_id(self) -> str:
        """The shard's id."""
        ...

    @property
    def parents(self) -> Sequence[str]:
        """The ids of the shards whose records come before those of this one."""
        ...

    @property
    def closed(self) -> bool:
        """Whether no record will follow: it was split, merged, or its stream has ended."""
        ...

    @property
    def end(self) -> int:
        """The position after the last record."""
        ...

    @property
    def retention(self) -> int:
        """How long records are kept, in microseconds."""
        ...

    def arrival(self, position: int) -> int:
        """When a record arrived."""
        ...

    def sequence_number(self, position: int) -> str:
        """A record's sequence number."""
        ...

    def key(self, position: int) -> str:
        """A record's partition key or item key, for people."""
        ...

    def spread(self, position: int) -> float:
        """Where a record's key falls in the shard's range of hash keys, from 0 to less than 1."""
        ...

    def size(self, position: int) -> int:
        """How many bytes a record takes in an event."""
        ...

    def depth(self, positions: Sequence[int]) -> int:
        """How many invocations, each caused by the one before, led to records at the most; 0 outside of handlers."""
        ...

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Up to where the records from ``start`` on have arrived by ``now`` and fit into ``room`` bytes.

        A position, at most ``stop``, and how many bytes the records before it take.
        """
        ...

    def records(self, positions: Sequence[int], reader: Reader) -> list[dict[str, Any]]:
        """The records as a function receives them, made anew each time."""
        ...


class Stream(Protocol):
    """One stream."""

    @property
    def incarnation(self) -> object:
        """Equal for the same stream, and not for one that was made again under the same name."""
        ...

    def shards(self) -> Sequence[Shard]:
        """All shards, also those that are closed, in the order of their making."""
        ...

    def shard(self, shard_id: str) -> Shard | None:
        """One shard, or None."""
        ...


class Streams(Protocol):
    """Finds streams by the ARN of the stream or of one of its consumers."""

    def find(self, arn: str) -> Stream | None:
        """The stream, or None where it or its consumer does not exist."""
        ...


def stream_arn(source_arn: str) -> str:
    """The ARN of the stream behind a source: the source itself, or the stream that a consumer is registered with."""
    return source_arn.partition("/consumer/")[0]
