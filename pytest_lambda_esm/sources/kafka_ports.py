"""What a poller needs from a Kafka cluster: implemented by the embedded broker, ``brokers/kafka/``.

A record is identified by its offset in its partition. Instants are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pytest_lambda_esm.sources.stream_ports import RecordLog

Place: TypeAlias = "tuple[str, int]"
"""A topic and the number of one of its partitions."""


@dataclass(frozen=True, slots=True)
class KafkaKind:
    """What differs between Amazon MSK and self-managed clusters: ``event_source`` is that member of an event."""

    event_source: str


class StoredRecord(Protocol):
    """A record in a partition; ``timestamp`` is milliseconds since the epoch. ``value`` None is a tombstone."""

    @property
    def offset(self) -> int:
        """The record's offset."""
        ...

    @property
    def timestamp(self) -> int:
        """The record's timestamp."""
        ...

    @property
    def key(self) -> bytes | None:
        """The record's key, if it has one."""
        ...

    @property
    def value(self) -> bytes | None:
        """The record's value."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The record's headers, in their order."""
        ...


class KafkaPartition(RecordLog, Protocol):
    """One partition: a sequence of records that only grows; the oldest ones expire."""

    @property
    def topic(self) -> str:
        """The topic."""
        ...

    @property
    def number(self) -> int:
        """The number of the partition."""
        ...

    @property
    def timestamp_type(self) -> str:
        """What timestamps mean: ``CREATE_TIME`` or ``LOG_APPEND_TIME``."""
        ...

    def start(self, now: int) -> int:
        """Return the offset of the first record that has not expired."""
        ...

    def created(self, offset: int) -> int:
        """Return a record's timestamp, as an instant."""
        ...

    def key(self, offset: int) -> str:
        """Return a record's key as readable text."""
        ...

    def size(self, offset: int) -> int:
        """Return how many bytes a record takes in an event."""
        ...

    def depth(self, offsets: Sequence[int]) -> int:
        """Return the length of the longest chain of invocations that led to one of the records."""
        ...

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Return the end of the records from ``start`` on that have arrived by ``now`` and fit into ``room`` bytes.

        The end is an offset, at most ``stop``; the second number is how many bytes the records before it take.
        """
        ...

    def stored(self, offsets: Sequence[int]) -> Sequence[StoredRecord]:
        """Return records by their offsets, expired ones included."""
        ...

    def first_since(self, instant: int) -> int:
        """Return the first offset whose record has this timestamp or a later one; the end if there is none."""
        ...


class GroupMember(Protocol):
    """A consumer in a group."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics that it subscribes to."""
        ...

    def holds(self, place: Place) -> bool:
        """Whether it cannot give up a partition now, because records of it are being processed."""
        ...

    def on_assignment(self) -> None:
        """Called when its partitions have changed."""
        ...


class Membership(Protocol):
    """The members of a group, and which of them reads which partition."""

    def join(self, member: GroupMember) -> None:
        """Add a member, and deal out the partitions."""
        ...

    def leave(self, member: GroupMember) -> None:
        """Remove a member, and deal out its partitions, except for those that it still processes."""
        ...

    def assigned(self, member: GroupMember) -> list[Place]:
        """Return the partitions that a member reads now."""
        ...

    def settle(self) -> None:
        """Deal out the partitions that a member could not give up before."""
        ...


class RegistryReading(Protocol):
    """What a schema registry read from a record's key or value.

    ``condition`` is why it could not, as AWS calls it, and empty if it could; ``about`` describes that. ``source`` are
    the bytes without the header that names the schema, ``json`` is the value as JSON.
    """

    @property
    def condition(self) -> str:
        """``SCHEMA_NOT_FOUND``, ``DESERIALIZATION_ERROR``, or empty."""
        ...

    @property
    def about(self) -> str:
        """What is wrong."""
        ...

    @property
    def data_format(self) -> str:
        """The format of the schema: ``AVRO``, ``PROTOBUF`` or ``JSON``."""
        ...

    @property
    def schema_id(self) -> str:
        """The id of the schema."""
        ...

    @property
    def source(self) -> bytes:
        """The value in its own format."""
        ...

    @property
    def json(self) -> bytes:
        """The value as JSON."""
        ...


class Registry(Protocol):
    """A schema registry."""

    def read(self, data: bytes) -> RegistryReading:
        """Read a record's key or value."""
        ...


class Registries(Protocol):
    """The schema registries, by URL or ARN."""

    def at(self, uri: str) -> Registry:
        """Return a registry."""
        ...

    def problem(self, uri: str, access: Sequence[tuple[str, str]]) -> str | None:
        """Return why a mapping cannot use a registry, one of the keys of ``sources.kafka.REGISTRY_PROBLEMS``, or None.

        ``access`` are the types and the secrets of the mapping's ``AccessConfigs``.
        """
        ...


class ConsumerGroup(Membership, Protocol):
    """One consumer group: a partition has one reader, and a committed offset."""

    def committed(self, place: Place) -> int | None:
        """Return the committed offset of a partition, or None if nothing was committed."""
        ...

    def commit(self, place: Place, offset: int) -> None:
        """Commit an offset."""
        ...


class ShareGroup(Membership, Protocol):
    """One share group: all members read all partitions, and acquire single records."""

    @property
    def reads_from_start(self) -> bool:
        """Whether a new group reads a topic from its start, and not only what arrives later."""
        ...

    @property
    def delivery_limit(self) -> int:
        """How often a record is delivered."""
        ...

    def begin(self, place: Place, first: int) -> int:
        """Read a partition from an offset on, unless the group reads it already. Return where the group began."""
        ...

    def available(self, place: Place) -> Iterator[int]:
        """Return the offsets that can be acquired now or when they arrive, in order."""
        ...

    def acquire(self, place: Place, offsets: Sequence[int]) -> None:
        """Deliver records, whose offsets ascend, to a member."""
        ...

    def acknowledge(self, place: Place, offsets: Iterable[int]) -> None:
        """End acquired records."""
        ...

    def release(self, place: Place, offsets: Iterable[int]) -> list[int]:
        """Give acquired records back. Return those that are archived, because they reached the limit."""
        ...

    def expire(self, place: Place, start: int) -> list[int]:
        """End the records before an offset that nobody has acquired. Return them."""
        ...

    def over(self, place: Place) -> Sequence[int]:
        """Return the offsets of the records that are over."""
        ...

    def lag(self, place: Place) -> int:
        """Return how many records of a partition are not over."""
        ...


class Cluster(Protocol):
    """One cluster."""

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of its brokers, separated by commas."""
        ...

    @property
    def refusal(self) -> str | None:
        """Why it refuses Lambda now, one of the keys of ``sources.kafka.REFUSALS``, or None."""
        ...

    @property
    def registries(self) -> Registries:
        """The schema registries that mappings can use."""
        ...

    def partitions(self, topic: str) -> Sequence[KafkaPartition]:
        """Return the partitions of a topic; none if it does not exist."""
        ...

    def group(self, group_id: str) -> ConsumerGroup:
        """Return a consumer group; it exists as soon as someone asks for it."""
        ...

    def share_group(self, group_id: str) -> ShareGroup:
        """Return a share group; it exists as soon as someone asks for it."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener after each change."""
        ...

    def stop_listening(self, listener: Callable[[], None]) -> None:
        """Call a listener no more."""
        ...


class Clusters(Protocol):
    """Finds clusters by the source of a mapping: an ARN, or bootstrap servers separated by commas."""

    def find(self, source: str) -> Cluster:
        """Return the cluster."""
        ...
