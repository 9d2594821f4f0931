"""A Kafka cluster and a poller for it without moto, for unit tests; and Kafka through plain boto3, for the others."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from helpers.interference import RaisingInterference
from helpers.memory_stream import START, NoJournal, Outbox, Throttled
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster, Surroundings
from pytest_lambda_esm.clock.virtual import VirtualClock
from pytest_lambda_esm.config import TransitionTimes
from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.mappings.lifecycle import Step
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec
from pytest_lambda_esm.polling.kafka.context import KafkaContext, KafkaPolling
from pytest_lambda_esm.polling.kafka.failures import KafkaDiscarder
from pytest_lambda_esm.polling.kafka.poller import KafkaPoller
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.sources import kafka
from pytest_lambda_esm.timing import MICROSECONDS, Backoff

ARN = "arn:aws:kafka:us-east-1:123456789012:cluster/main/0123-4567"
ACCESS = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:login"}]


def memory_cluster(clock: VirtualClock) -> KafkaCluster:
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


class KafkaSimulation:
    """A mapping on the topic ``orders``. ``handler(event)`` returns or raises; ``duration`` is in seconds."""

    def __init__(
        self, handler: Callable[[dict[str, Any]], Any], *, partitions: int = 1, pollers: int = 1, **settings: Any
    ) -> None:
        self.clock = VirtualClock(START)
        self.cluster = memory_cluster(self.clock)
        self.outbox = Outbox()
        self.handler = handler
        self.duration = 0.0
        self.events: list[dict[str, Any]] = []
        self.attempts: list[int] = []
        self.settings = {
            "BatchSize": 100,
            "Topics": ["orders"],
            "EventSourceArn": ARN,
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "StartingPosition": "TRIM_HORIZON",
            "ProvisionedPollerConfig": {"MinimumPollers": pollers},
            **settings,
        }
        self.mapping = Mapping(
            MappingSpec(
                uuid="uuid",
                arn="arn",
                account_id="123456789012",
                region="us-east-1",
                settings=self.settings,
                user_reason="USER_INITIATED",
            ),
            times=TransitionTimes,
            clock=self.clock,
            on_transition=lambda mapping, transition: None,
        )
        self.mapping.begin(Step("Enabled", "Enabled"))
        if partitions:
            self.cluster.create_topic("orders", partitions)
        interruptions = Interruptions()
        self.poller = KafkaPoller(
            KafkaContext(
                mapping=self.mapping,
                source=kafka.PROVISIONED_MSK,
                cluster=self.cluster,
                deliver=self._deliver,
                clock=self.clock,
                journal=NoJournal(),
                discarder=KafkaDiscarder(self.outbox, lambda: "id", True),
                interference=RaisingInterference(interruptions, lambda step: None),
                interruptions=interruptions,
                polling=KafkaPolling(
                    latency=0,
                    backoff=Backoff(MICROSECONDS // 4, 60 * MICROSECONDS),
                    pollers=1,
                    larger_half="second",
                    loop_depth=1000,
                    read_retry=MICROSECONDS,
                ),
            )
        )

    @property
    def batches(self) -> list[list[str]]:
        return [names_of(event) for event in self.events]

    def put(self, *names: str | bytes, key: str | None = None, partition: int | None = None) -> list[tuple[str, int]]:
        """Produce records, and return their places."""
        made = [self.cluster.produce("orders", name, key=key, partition=partition) for name in names]
        return [(f"{each.topic}-{each.partition}", each.offset) for each in made]

    def update(self, **changes: Any) -> None:
        """Change the mapping's settings immediately."""
        self.settings = {**self.settings, **changes}
        self.mapping.begin(Step("Enabled", "Enabled"), self.settings)
        self.poller.wake()

    def fates(self) -> list[str]:
        return [fate.fate for fate in self.poller.fates()]

    def _deliver(self, mapping: Mapping, event: Any, attempt: int, depth: int) -> Delivery:
        end = self.clock.instant + round(self.duration * MICROSECONDS)
        try:
            made = event()
            result = self.handler(made)
        except Throttled:
            return Delivery(False, self.clock.instant, "f", "throttled", throttled=True)
        except ValueError as error:
            self._note(made, attempt)
            return Delivery(False, end, "f", f"error, {error}", request_id="request")
        self._note(made, attempt)
        return Delivery(True, end, "f", "success", result=result, request_id="request")

    def _note(self, event: dict[str, Any], attempt: int) -> None:
        self.events.append(event)
        self.attempts.append(attempt)


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
