"""A Kafka cluster, as a test and the pollers see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pytest_lambda_esm.brokers.embedded import EmbeddedSource
from pytest_lambda_esm.brokers.kafka.consumer import ConsumerAccess, GroupMember
from pytest_lambda_esm.brokers.kafka.groups import Group
from pytest_lambda_esm.brokers.kafka.partition import Partition, read
from pytest_lambda_esm.brokers.kafka.partitioner import StickyPartitions, partition_of_key
from pytest_lambda_esm.brokers.kafka.producer import KafkaProducer
from pytest_lambda_esm.brokers.kafka.records import (
    Headers,
    KafkaRecord,
    RecordMetadata,
    key_bytes,
    stored_headers,
    timestamp_of,
    value_bytes,
)
from pytest_lambda_esm.brokers.kafka.registries import SchemaRegistries
from pytest_lambda_esm.brokers.kafka.registry import SchemaRegistry
from pytest_lambda_esm.brokers.kafka.share_groups import DELIVERY_LIMITS, ShareGroup
from pytest_lambda_esm.errors import ConfigurationError, nearest
from pytest_lambda_esm.timing import Span, microseconds

_TOPIC: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_TIMESTAMP_TYPES: Final = ("CREATE_TIME", "LOG_APPEND_TIME")
WEEK: Final = timedelta(days=7)
"""Kafka's default retention (``log.retention.hours=168``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What clusters need from the simulation.

    ``instant()`` is the clock's time and ``now()`` that of the code that runs, both in microseconds since the epoch.
    ``depth()`` is how many invocations, each caused by the one before, led to that code. ``registries`` are the schema
    registries of all clusters. ``sent`` is called with a cluster's name and the id of each new record.
    """

    instant: Callable[[], int]
    now: Callable[[], int]
    depth: Callable[[], int]
    registries: SchemaRegistries = field(default_factory=SchemaRegistries)
    sent: Callable[[str, str], None] = lambda cluster, record: None


@dataclass(slots=True)
class Topic:
    """A topic: its partitions, and where its next record without a key goes."""

    partitions: list[Partition]
    sticky: StickyPartitions = field(default_factory=StickyPartitions)

    def choose(self, key: bytes | None, size: int, instant: int) -> int:
        """Return the partition of a record that states none."""
        if key is not None:
            return partition_of_key(key, len(self.partitions))
        return self.sticky.next(size, instant, len(self.partitions))


class KafkaCluster(EmbeddedSource):
    """A Kafka cluster in memory, made with ``lambda_esm.kafka(...)``; mappings of it are polled.

    It has topics with partitions, consumer and share groups, and retention by time on the virtual clock. Topics are not
    compacted, records have no size limit, and there are no transactions.
    """

    noun = "a cluster"
    refusals = ("authentication", "authorization", "connection", "certificate")

    def __init__(self, arn: str | None, servers: Sequence[str], surroundings: Surroundings) -> None:
        super().__init__()
        self._arn = arn
        self._servers = tuple(servers)
        self._surroundings = surroundings
        self._topics: dict[str, Topic] = {}
        self._groups: dict[str, Group] = {}
        self._share_groups: dict[str, ShareGroup] = {}
        surroundings.registries.listen(self.changed)

    def __repr__(self) -> str:
        return f"<KafkaCluster {self.name}>"

    # --- reading -----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its ARN, or the bootstrap servers of a self-managed cluster: the source of its mappings."""
        return self._arn or self.bootstrap_servers

    @property
    def arn(self) -> str | None:
        """The cluster's ARN, for ``EventSourceArn``; None for a self-managed cluster."""
        return self._arn

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of its brokers, separated by commas, as a client's configuration takes them."""
        return ",".join(self._servers)

    @property
    def topics(self) -> list[str]:
        """The names of its topics, in the order of their creation."""
        return list(self._topics)

    def records(self, topic: str, *, partition: int | None = None, start: int = 0) -> list[KafkaRecord]:
        """Return the records of a topic that have not expired, partition by partition, each in its order.

        ``partition`` and ``start``, an offset, leave out the others. Raises ConfigurationError for an unknown topic.
        """
        __tracebackhide__ = True
        call, now = f"records({topic!r})", self._surroundings.now()
        partitions = self._find(call, topic).partitions
        if partition is not None:
            partitions = [partitions[self._number(call, topic, partition)]]
        return [
            read(each, record)
            for each in partitions
            for record in each.stored(range(max(start, each.start(now)), each.end))
        ]

    def committed(self, group: str) -> dict[str, int]:
        """Return the committed offsets of a consumer group, by ``topic-partition``.

        An offset is that of the next record to read. A partition of which nothing was committed is missing.
        """
        found = self._groups.get(group)
        offsets = found.offsets if found is not None else {}
        return {f"{topic}-{number}": offset for (topic, number), offset in sorted(offsets.items())}

    # --- what the test does ------------------------------------------------------------------------------

    def create_topic(
        self, name: str, partitions: int = 1, *, retention: Span = WEEK, timestamp_type: str = "CREATE_TIME"
    ) -> None:
        """Create a topic; mappings that wait for it begin to poll it.

        ``retention`` is how long records are kept, as seconds or a timedelta. ``timestamp_type`` is ``"CREATE_TIME"``
        or ``"LOG_APPEND_TIME"``, with which the cluster sets the timestamps of records. Raises ConfigurationError for
        a topic that exists and for values that Kafka refuses.
        """
        __tracebackhide__ = True
        call = f"create_topic({name!r})"
        self._check_open(call)
        if not isinstance(name, str) or not _TOPIC.fullmatch(name) or name in (".", ".."):
            raise ConfigurationError(f"{call}: a topic has up to 249 letters, digits, dots, hyphens and underscores")
        if name in self._topics:
            raise ConfigurationError(f"{call}: the topic exists already")
        kept = _checked_retention(call, partitions, retention, timestamp_type)
        self._topics[name] = Topic([Partition(name, number, kept, timestamp_type) for number in range(partitions)])
        for group in self._groups.values():
            group.rebalance()
        self.changed()

    def produce(
        self,
        topic: str,
        value: Any,
        *,
        key: str | bytes | None = None,
        headers: Headers = None,
        partition: int | None = None,
        timestamp: datetime | int | None = None,
    ) -> RecordMetadata:
        """Produce a record, and return where it is.

        ``value`` is bytes, a text, an object that JSON can express, or None for a tombstone. ``headers`` are a mapping
        or pairs. ``timestamp`` is an aware datetime or milliseconds since the epoch, by default now. Without a
        ``partition`` the murmur2 hash of the key chooses it, as Kafka's Java client does; without a key the records of
        one instant stay together, and the next ones go to the next partition. Raises ConfigurationError for an unknown
        topic, a partition that it does not have, and values of other types.
        """
        __tracebackhide__ = True
        call = f"produce({topic!r})"
        self._check_open(call)
        found = self._find(call, topic)
        content, key_content, now = value_bytes(call, value), key_bytes(call, key), self._surroundings.now()
        stored = stored_headers(call, headers)
        created = now // 1000 if timestamp is None else timestamp_of(call, timestamp)
        if partition is not None:
            number = self._number(call, topic, partition)
        else:
            number = found.choose(key_content, len(content or b""), now)
        log = found.partitions[number]
        if log.timestamp_type == "LOG_APPEND_TIME":
            created = now // 1000
        record = log.append(key_content, content, stored, created)
        log.arrived(now, self._surroundings.depth())
        self._surroundings.sent(self.name, f"{topic}-{number}:{record.offset}")
        self.changed()
        return RecordMetadata(topic, number, record.offset, created)

    def producer(self) -> KafkaProducer:
        """Return a producer with the interface of ``confluent_kafka.Producer``."""
        __tracebackhide__ = True
        self._check_open("producer()")
        return KafkaProducer(self)

    def schema_registry(self, uri: str) -> SchemaRegistry:
        """Return the schema registry of a URL, to register schemas in and to encode values with.

        A registry like Confluent's exists from the first call on; it is the same object for all clusters. ``uri`` may
        also be the ARN of a registry of AWS Glue, which must exist in moto. Raises ConfigurationError for anything
        else.
        """
        __tracebackhide__ = True
        call = f"schema_registry({uri!r})"
        self._check_open(call)
        return self._surroundings.registries.get(call, uri)

    def join(self, group: str, *topics: str) -> GroupMember:
        """Return a new member of a consumer group, which takes its share of the partitions.

        Without ``topics`` it reads what the other members of the group read. Raises ConfigurationError for unknown
        topics.
        """
        __tracebackhide__ = True
        call = f"join({group!r})"
        self._check_open(call)
        if not isinstance(group, str) or not group:
            raise ConfigurationError(f"{call}: a consumer group is a text, such as a mapping's UUID")
        for topic in topics:
            self._find(call, topic)
        access = ConsumerAccess(
            group=self.group(group),
            partition=lambda place: self._topics[place[0]].partitions[place[1]],
            check=self._check_open,
            instant=self._surroundings.now,
        )
        return GroupMember(access, topics)

    def configure_share_group(
        self, group: str, *, delivery_limit: int | None = None, from_start: bool | None = None
    ) -> None:
        """Configure a share group, as mappings in queue mode use it.

        ``delivery_limit`` is how often a record is delivered before it is archived, from 2 to 25 and by default 5
        (``share.delivery.count.limit``). ``from_start`` is whether a new group reads a topic from its start, and not
        only what arrives later (``share.auto.offset.reset=earliest``); set it before a mapping polls. Raises
        ConfigurationError for other values.
        """
        __tracebackhide__ = True
        call = f"configure_share_group({group!r})"
        self._check_open(call)
        if not isinstance(group, str) or not group:
            raise ConfigurationError(f"{call}: a share group is a text, such as a mapping's UUID")
        if delivery_limit is not None:
            if isinstance(delivery_limit, bool) or delivery_limit not in DELIVERY_LIMITS:
                raise ConfigurationError(
                    f"{call}: delivery_limit is a whole number from 2 to 25, not {delivery_limit!r}"
                )
            self.share_group(group).delivery_limit = delivery_limit
        if from_start is not None:
            if not isinstance(from_start, bool):
                raise ConfigurationError(f"{call}: from_start is True or False, not {from_start!r}")
            self.share_group(group).reads_from_start = from_start

    # --- for pollers, of this package only ----------------------------------------------------------------

    @property
    def registries(self) -> SchemaRegistries:
        """The schema registries of all clusters.

        :meta private:
        """
        return self._surroundings.registries

    def partitions(self, topic: str) -> Sequence[Partition]:
        """Return the partitions of a topic; none if it does not exist.

        :meta private:
        """
        found = self._topics.get(topic)
        return found.partitions if found is not None else ()

    def group(self, group_id: str) -> Group:
        """Return a consumer group; it exists as soon as someone asks for it.

        :meta private:
        """
        if group_id not in self._groups:
            self._groups[group_id] = Group(group_id, self.partitions)
        return self._groups[group_id]

    def share_group(self, group_id: str) -> ShareGroup:
        """Return a share group; it exists as soon as someone asks for it.

        :meta private:
        """
        if group_id not in self._share_groups:
            self._share_groups[group_id] = ShareGroup(self.partitions, self.changed)
        return self._share_groups[group_id]

    # --- inside ------------------------------------------------------------------------------------------

    def _find(self, call: str, topic: str) -> Topic:
        __tracebackhide__ = True
        found = self._topics.get(topic)
        if found is None:
            known = nearest(topic, self._topics) if self._topics else "It has no topic yet."
            raise ConfigurationError(f"{call}: the cluster has no topic {topic!r}. {known} create_topic makes one.")
        return found

    def _number(self, call: str, topic: str, partition: int) -> int:
        __tracebackhide__ = True
        count = len(self._topics[topic].partitions)
        if not isinstance(partition, int) or isinstance(partition, bool) or not 0 <= partition < count:
            raise ConfigurationError(
                f"{call}: the topic has the partitions 0 to {count - 1}, and no partition {partition!r}"
            )
        return partition


def _checked_retention(call: str, partitions: Any, retention: Any, timestamp_type: Any) -> int:
    """Check the options of a new topic, and return its retention in microseconds. Raises ConfigurationError."""
    __tracebackhide__ = True
    if not isinstance(partitions, int) or isinstance(partitions, bool) or partitions < 1:
        raise ConfigurationError(f"{call}: partitions is a whole number from 1, not {partitions!r}")
    if timestamp_type not in _TIMESTAMP_TYPES:
        raise ConfigurationError(f"{call}: timestamp_type is one of {_TIMESTAMP_TYPES}, not {timestamp_type!r}")
    try:
        return microseconds(retention)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{call}: retention: {error}") from None
