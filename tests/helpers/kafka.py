"""A Kafka cluster and a poller for it without moto, for unit tests; and Kafka through plain boto3, for the others."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from helpers.simulation import LANES, Answer, PolledMapping
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster, Surroundings
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.mappings.lifecycle import Step
from pytest_lambda_esm.polling.kafka.context import KafkaContext, KafkaPolling
from pytest_lambda_esm.polling.kafka.failures import KafkaDiscarder
from pytest_lambda_esm.polling.kafka.poller import KafkaPoller
from pytest_lambda_esm.sources import kafka

ARN = "arn:aws:kafka:us-east-1:123456789012:cluster/main/0123-4567"
ACCESS = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:login"}]


def memory_cluster(clock: EventClock) -> KafkaCluster:
    """Return a cluster on a clock; nothing that it stores was written by a handler."""
    instant = lambda: clock.instant  # noqa: E731 - twice the same, and nowhere else
    return KafkaCluster(ARN, ["b-1:9092", "b-2:9092"], Surroundings(instant=instant, now=instant, depth=lambda: 0))


def names_of(event: dict[str, Any]) -> list[str]:
    """Return the values of an event's records, partition by partition."""
    return [
        base64.b64decode(record.get("value", "")).decode()
        for records in event["records"].values()
        for record in records
    ]


def ids_of(event: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the places of an event's records: the partition as an event names it, and the offset."""
    return [(place, record["offset"]) for place, records in event["records"].items() for record in records]


def failures(*places: tuple[str, int]) -> dict[str, Any]:
    """Return a partial batch response that names these records."""
    identifiers = [{"partition": partition, "offset": offset} for partition, offset in places]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def poison(event: dict[str, Any]) -> dict[tuple[str, int], int]:
    """Return how often each record of an event is to fail, as its value says."""
    return {
        (place, record["offset"]): json.loads(base64.b64decode(record["value"]))["failures"]
        for place, records in event["records"].items()
        for record in records
    }


def place_of(record: str) -> tuple[str, int]:
    """Return the place of a record from its name in a fate."""
    name, _, offset = record.rpartition(":")
    return name, int(offset)


QUEUE = {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}}
"""Consumes the topic with a share group."""


def refuse(*bad: str) -> Any:
    """Return a handler of a simulation that fails if one of these is among the values of its event."""

    def handler(event: dict[str, Any]) -> None:
        if set(bad) & set(names_of(event)):
            raise ValueError("bad")

    return handler


class KafkaSimulation(PolledMapping):
    """A mapping on the topic ``orders``."""

    def __init__(self, handler: Answer, *, partitions: int = 1, pollers: int = 1, **settings: Any) -> None:
        members = {"BatchSize": 100, "Topics": ["orders"], "EventSourceArn": ARN}
        provisioned = {"ProvisionedPollerConfig": {"MinimumPollers": pollers}}
        super().__init__(handler, {**members, **provisioned, **settings}, "USER_INITIATED")
        self.mapping._begin(Step("Enabled", "Enabled"))
        self.cluster = memory_cluster(self.clock)
        self.log: list[tuple[str, dict[str, Any]]] = []
        if partitions:
            self.cluster.create_topic("orders", partitions)
        self.poller = KafkaPoller(
            KafkaContext(
                source=kafka.PROVISIONED_MSK,
                cluster=self.cluster,
                discarder=KafkaDiscarder(self.outbox, lambda: "id", True),
                polling=KafkaPolling(pollers=1, **LANES),
                write_log=lambda stream, instant, text: self.log.append((stream, json.loads(text))),
                timeout=lambda mapping: None,
                **self.context_members,
            )
        )

    @property
    def batches(self) -> list[list[str]]:
        return [names_of(event) for event in self.events]

    def put(self, *names: str | bytes, key: str | None = None, partition: int | None = None) -> list[tuple[str, int]]:
        """Produce records, and return their places."""
        made = [self.cluster.produce("orders", name, key=key, partition=partition) for name in names]
        return [(f"{each.topic}-{each.partition}", each.offset) for each in made]


# --- through boto3 -------------------------------------------------------------------------------------------


def subscribe(fake: FakeLambda, cluster: KafkaCluster, handler: Any, **params: Any) -> str:
    """Create a function and a mapping of the topic ``orders``, wait until it polls, and return its UUID."""
    fake.function("consumer", handler)
    source: dict[str, Any] = {"EventSourceArn": cluster.arn, "StartingPosition": "TRIM_HORIZON"}
    if cluster.arn is None:
        servers = cluster.bootstrap_servers.split(",")
        endpoints = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}
        source = {"SelfManagedEventSource": endpoints, "SourceAccessConfigurations": ACCESS}
    members = {"FunctionName": "consumer", "Topics": ["orders"], **source, **params}
    created = fake.client("lambda").create_event_source_mapping(**members)
    fake.clock.advance(5)
    return str(created["UUID"])


PROVISIONED = {"ProvisionedPollerConfig": {"MinimumPollers": 1}}
"""With one provisioned poller, which the error handling controls need."""


def accept(event: dict[str, Any], context: object) -> None:
    """A handler that succeeds."""


def refuse_bad(event: dict[str, Any], context: object) -> None:
    """A handler that fails if one of its records is ``bad``."""
    if "bad" in names_of(event):
        raise ValueError("bad")


def batches(fake: FakeLambda) -> list[list[str]]:
    """Return the values of each invocation's records."""
    return [names_of(invocation.event) for invocation in fake.invocations]


def needs_topics_as_destinations(fake: FakeLambda) -> None:
    """Skip a test whose botocore is older than topics as destinations of failures."""
    pattern = fake.client("lambda").meta.service_model.shape_for("DestinationArn").metadata["pattern"]
    if "kafka" not in pattern:
        pytest.skip("the installed botocore knows no topics as destinations")


def needs_queue_mode(fake: FakeLambda) -> None:
    """Skip a test whose botocore is older than queue mode."""
    model = fake.client("lambda").meta.service_model.shape_for("SelfManagedKafkaEventSourceConfig")
    if "ConsumptionMode" not in model.members:
        pytest.skip("the installed botocore has no ConsumptionMode")
