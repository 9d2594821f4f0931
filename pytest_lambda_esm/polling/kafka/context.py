"""What the pollers of one Kafka mapping share."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Members
from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import SKIPPED
from pytest_lambda_esm.polling.kafka.batch import KafkaEvent, Runs
from pytest_lambda_esm.polling.kafka.failures import KafkaDiscarder
from pytest_lambda_esm.polling.kafka.history import PartitionHistory
from pytest_lambda_esm.polling.kafka.schemas import RecordSchemas
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.kafka.wording import ids_of_ends, places
from pytest_lambda_esm.polling.lane_context import LaneContext, LanePolling
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.kafka import records
from pytest_lambda_esm.sources.kafka_ports import Cluster, KafkaPartition
from pytest_lambda_esm.vocabulary import FateName


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPolling(LanePolling):
    """How Kafka is polled. ``pollers`` is how many pollers a mapping on demand has."""

    pollers: int


@dataclass(slots=True, kw_only=True)
class KafkaContext(LaneContext[KafkaSettings]):
    """One mapping, and what its pollers need from the rest of the simulation.

    ``write_log(stream, instant, text)`` writes into the log group of the mapping's function. ``timeout`` returns the
    function's timeout in seconds, or None if the function does not exist. ``histories`` are those of the partitions
    seen so far, by their numbers.
    """

    source: EventSource
    cluster: Cluster
    discarder: KafkaDiscarder
    polling: KafkaPolling
    write_log: Callable[[str, int, str], None]
    timeout: Callable[[Mapping], int | None]
    topic: str = field(init=False)
    group_id: str = field(init=False)
    histories: dict[int, PartitionHistory] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        LaneContext.__post_init__(self)  # A class with slots is made twice, and super() finds the first one.
        settings = self.settings()
        self.topic = settings.topic
        self.group_id = settings.group or self.mapping.uuid

    def read_settings(self, members: Members[str, Any]) -> KafkaSettings:
        """Convert the members of a mapping that are in force."""
        return KafkaSettings.of(members, self.source.data_rules)

    def partition(self, number: int) -> KafkaPartition:
        """Return a partition of the topic."""
        return self.cluster.partitions(self.topic)[number]

    def event(self, runs: Runs, *, raw: bool = False) -> KafkaEvent:
        """Return the builder of an event. It can still build the event after the records have expired.

        ``raw`` is for records that the mapping's schema registry has not accepted: they stay as they are.
        """
        kind = self.source.kafka_kind
        assert kind is not None
        arn = self.mapping._in_force.get("EventSourceArn")
        servers = self.source_arn if arn is None else self.cluster.bootstrap_servers
        schemas = None if raw else self.schemas()
        return KafkaEvent(kind, arn, servers, runs, records if schemas is None else schemas.records)

    def schemas(self) -> RecordSchemas | None:
        """Return what validates the mapping's records, or None without a schema registry."""
        registry = self.settings().registry
        return None if registry is None else RecordSchemas(registry, self.cluster.registries.at(registry.uri))

    def begin(self, partition: KafkaPartition, first: int, about: str) -> None:
        """Note where reading a partition begins; ``about`` says why the records before it are not read."""
        history = self.histories[partition.number] = PartitionHistory(self.mapping.uuid)
        history.end(range(first), SKIPPED, self.clock.instant, about)

    def end(
        self,
        runs: Runs,
        fate: FateName,
        about: str,
        why: Callable[[KafkaPartition], Callable[[int], str]] | None = None,
    ) -> None:
        """Note the final fate of records; ``why`` completes the text for those of a partition by their offsets."""
        if not runs:
            return
        self.journal.add("fate", self.source_arn, f"{places(runs)} {fate}: {about}", ids_of_ends(runs))
        for partition, offsets in runs:
            told = about if why is None else why(partition)
            self.histories[partition.number].end(offsets, fate, self.clock.instant, told)
