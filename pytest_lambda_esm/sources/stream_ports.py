"""What a poller needs from a stream and its shards: implemented on moto's storage, and in memory for unit tests.

A record is identified by its position in its shard, from 0. It keeps that position forever, even after it has expired.
Instants are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_lambda_esm.filters import DataRules


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom records are rendered: the ARNs of the mapping's source and of the function's role."""

    source_arn: str
    identity_arn: str


def records_event(records: list[dict[str, Any]], _: Reader) -> dict[str, Any]:
    """Return an event whose only member is ``Records``."""
    return {"Records": records}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a mapping from reading its source.

    ``code`` becomes its StateTransitionReason unless it is empty, ``text`` its LastProcessingResult. ``disables``
    means that Lambda disables the mapping, instead of waiting until the trouble is over.
    """

    code: str
    text: str
    disables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamKind:
    """What differs between Kinesis, DynamoDB and DocumentDB streams.

    ``data_rules`` says how records are filtered, ``make_event`` returns an event with some records. ``batch_info`` is
    the member of failure records that describes a batch, ``timespec`` the precision of its timestamps as
    ``datetime.isoformat`` takes it; both are empty where there are no failure destinations.

    ``default_window`` is the batching window, in microseconds, of a mapping whose setting is 0. With
    ``window_waits_for_record`` the window starts with its first record, otherwise when the previous invocation ends.
    ``drops_oversized`` means that a record that is larger than an event may be is dropped. ``expired`` is the trouble
    of a mapping whose next record has expired, None if it skips expired records. ``limits_retries`` says whether a
    mapping can limit the retries and the age of its records. ``longest_timeout`` is that of a function, in seconds, and
    ``bad_function`` the trouble of a mapping whose function has a longer one.
    """

    data_rules: DataRules
    make_event: Callable[[list[dict[str, Any]], Reader], dict[str, Any]] = records_event
    batch_info: str = ""
    timespec: str = ""
    default_window: int = 0
    window_waits_for_record: bool = False
    drops_oversized: bool = False
    expired: Trouble | None = None
    limits_retries: bool = True
    longest_timeout: int | None = None
    bad_function: Trouble | None = None


class RecordLog(Protocol):
    """A sequence of records that only grows: a shard, or a partition of a Kafka topic."""

    @property
    def shard_id(self) -> str:
        """Its id, which begins the ids of its records."""
        ...

    @property
    def end(self) -> int:
        """The position after the last record."""
        ...

    @property
    def retention(self) -> int:
        """The retention period, in microseconds."""
        ...

    def arrival(self, position: int) -> int:
        """Return when a record arrived."""
        ...

    def sequence_number(self, position: int) -> str:
        """Return a record's sequence number or offset as text."""
        ...


class Shard(RecordLog, Protocol):
    """One shard."""

    @property
    def parents(self) -> Sequence[str]:
        """The ids of the shards that have to be read before this one."""
        ...

    @property
    def closed(self) -> bool:
        """Whether no more records will arrive: the shard was split or merged, or the stream has ended."""
        ...

    def key(self, position: int) -> str:
        """Return a record's partition key or item key as readable text."""
        ...

    def hash_fraction(self, position: int) -> float:
        """Return where a record's key falls in the shard's range of hash keys, from 0 to less than 1."""
        ...

    def size(self, position: int) -> int:
        """Return how many bytes a record takes in an event."""
        ...

    def depth(self, positions: Sequence[int]) -> int:
        """Return the length of the longest chain of invocations that led to one of the records.

        Each invocation of a chain wrote the record that triggered the next; 0 if no handler wrote the records.
        """
        ...

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Return the end of the records from ``start`` on that have arrived by ``now`` and fit into ``room`` bytes.

        The end is a position, at most ``stop``; the second number is how many bytes the records before it take.
        """
        ...

    def records(self, positions: Sequence[int], reader: Reader) -> list[dict[str, Any]]:
        """Return the records as a function receives them; each call builds new ones."""
        ...


class Stream(Protocol):
    """One stream."""

    @property
    def incarnation(self) -> object:
        """Equal for the same stream, and different for one that was recreated with the same name."""
        ...

    def shards(self) -> Sequence[Shard]:
        """Return all shards, closed ones included, in the order of their creation."""
        ...

    def shard(self, shard_id: str) -> Shard | None:
        """Return a shard, or None if it does not exist."""
        ...


class Streams(Protocol):
    """Finds streams by the ARN of the stream or of one of its consumers."""

    def find(self, arn: str) -> Stream | None:
        """Return the stream, or None if it or its consumer does not exist."""
        ...


class MappingStreams(Streams, Protocol):
    """The streams as one mapping reads them."""

    def trouble(self) -> Trouble | None:
        """Return what keeps the mapping from reading now, such as credentials that are refused; None if nothing."""
        ...


def stream_arn(source_arn: str) -> str:
    """Return the ARN of a source's stream: the source itself, or the stream that a consumer is registered with."""
    return source_arn.partition("/consumer/")[0]
