"""What the pollers of one Kafka mapping share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import SKIPPED
from pytest_lambda_esm.polling.kafka.batch import KafkaEvent, Runs
from pytest_lambda_esm.polling.kafka.failures import KafkaDiscarder
from pytest_lambda_esm.polling.kafka.history import PartitionHistory
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.kafka.wording import ids_of_ends, places
from pytest_lambda_esm.polling.ports import Deliver
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.kafka_ports import Cluster, ConsumerGroup, KafkaPartition
from pytest_lambda_esm.timing import Backoff

_BEFORE_START: Final = "it arrived before the starting position"
_COMMITTED: Final = "the consumer group had committed it before"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPolling:
    """How Kafka is polled. All spans are microseconds.

    ``latency`` is from a record's arrival until it is read, ``read_retry`` until a failed read is retried. ``pollers``
    is how many pollers a mapping on demand has. ``larger_half`` of a split batch is ``"first"`` or ``"second"``.
    ``loop_depth`` is the longest chain of invocations that each write the record that triggers the next.
    """

    latency: int
    backoff: Backoff
    pollers: int
    larger_half: str
    loop_depth: int
    read_retry: int


@dataclass(slots=True, kw_only=True)
class KafkaContext:
    """One mapping, and what its pollers need from the rest of the simulation.

    ``histories`` are those of the partitions seen so far, by their numbers.
    """

    mapping: Mapping
    source: EventSource
    cluster: Cluster
    clock: Clock
    journal: Journal
    deliver: Deliver
    discarder: KafkaDiscarder
    interference: PollerFaults
    interruptions: Interruptions
    polling: KafkaPolling
    source_arn: str = field(init=False)
    topic: str = field(init=False)
    group: ConsumerGroup = field(init=False)
    histories: dict[int, PartitionHistory] = field(init=False, default_factory=dict)
    _read_settings: tuple[Any, KafkaSettings | None] = field(init=False, default=(None, None))

    def __post_init__(self) -> None:
        settings = self.settings()
        self.source_arn = self.mapping.source_arn
        self.topic = settings.topic
        self.group = self.cluster.group(settings.group or self.mapping.uuid)

    def settings(self) -> KafkaSettings:
        """Return the mapping's current settings: the same object until they change.

        Do not keep them longer than a step of a poller, since the mapping may be updated between two steps.
        """
        current = self.mapping.in_force
        source, settings = self._read_settings
        if settings is None or source is not current:
            settings = KafkaSettings.of(current, self.source.data_rules)
            self._read_settings = (current, settings)
        return settings

    def partition(self, number: int) -> KafkaPartition:
        """Return a partition of the topic."""
        return self.cluster.partitions(self.topic)[number]

    def event(self, runs: Runs) -> KafkaEvent:
        """Return the builder of an event. It can still build the event after the records have expired."""
        kind = self.source.kafka_kind
        assert kind is not None
        arn = self.mapping.in_force.get("EventSourceArn")
        return KafkaEvent(kind, arn, self.source_arn if arn is None else self.cluster.bootstrap_servers, runs)

    def begin(self, partition: KafkaPartition, start: int) -> None:
        """Note where reading a partition begins: at the group's committed offset if there is one, else at ``start``."""
        if partition.number in self.histories:
            return
        history = self.histories[partition.number] = PartitionHistory(self.mapping.uuid)
        committed = self.group.committed((self.topic, partition.number))
        first, about = (start, _BEFORE_START) if committed is None else (min(committed, partition.end), _COMMITTED)
        history.end(range(first), SKIPPED, self.clock.instant, about)
        settings = self.settings()
        if committed is not None and committed != start and settings.group is not None:
            self.journal.advice.give(
                "ESM132", self.mapping.uuid, group=settings.group, position=settings.starting_position
            )

    def end(self, runs: Runs, fate: str, about: str) -> None:
        """Note the final fate of records."""
        if not runs:
            return
        self.journal.add("fate", self.source_arn, f"{places(runs)} {fate}: {about}", ids_of_ends(runs))
        for partition, offsets in runs:
            self.histories[partition.number].end(offsets, fate, self.clock.instant, about)
