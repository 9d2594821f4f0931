"""Queue mode of self-managed Kafka as a user tests it, through boto3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.kafka import QUEUE, accept, batches, needs_queue_mode, refuse_bad, subscribe
from pytest_lambda_esm import FakeLambda, KafkaCluster


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        needs_queue_mode(fake)
        yield fake


@pytest.fixture
def cluster(fake: FakeLambda) -> KafkaCluster:
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders")
    return cluster


def fates(fake: FakeLambda, uuid: str) -> dict[str, str]:
    return {fate.record: fate.fate for fate in fake.fates(fake.mapping(uuid))}


def test_the_events_are_those_of_a_self_managed_cluster(fake: FakeLambda, cluster: KafkaCluster) -> None:
    subscribe(fake, cluster, accept, **QUEUE)
    cluster.produce("orders", "1", key="k")
    fake.clock.run_until_idle()
    (invocation,) = fake.invocations
    assert (invocation.event["eventSource"], invocation.event["bootstrapServers"]) == ("SelfManagedKafka", "kafka:9092")
    assert invocation.event["records"]["orders-0"][0]["offset"] == 0


def test_a_mapping_with_provisioned_pollers_becomes_one_on_demand(fake: FakeLambda, cluster: KafkaCluster) -> None:
    pollers = {"ProvisionedPollerConfig": {"MinimumPollers": 2}}
    uuid = subscribe(fake, cluster, accept, **QUEUE, **pollers)
    assert fake.mapping(uuid).metrics["ProvisionedPollers"] == 2
    fake.client("lambda").update_event_source_mapping(UUID=uuid, ProvisionedPollerConfig={})
    fake.clock.advance(5)
    assert fake.mapping(uuid).metrics["ProvisionedPollers"] == 0
    cluster.produce("orders", "1")
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"]]


def test_disabling_releases_what_waits(fake: FakeLambda, cluster: KafkaCluster) -> None:
    pollers = {"ProvisionedPollerConfig": {"MinimumPollers": 1}, "MaximumRetryAttempts": 9}
    uuid = subscribe(fake, cluster, refuse_bad, **QUEUE, **pollers)
    cluster.produce("orders", "bad")
    fake.clock.advance(1)
    assert "blocked by record orders-0:0" in fake.explain(uuid)
    client = fake.client("lambda")
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.advance(60)
    assert fates(fake, uuid) == {"orders-0:0": "waiting"}
    fake.function("consumer", accept)
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert fates(fake, uuid) == {"orders-0:0": "done"}


def test_two_mappings_have_groups_of_their_own(fake: FakeLambda, cluster: KafkaCluster) -> None:
    first = subscribe(fake, cluster, accept, **QUEUE)
    fake.function("other", accept)
    second = subscribe(fake, cluster, accept, **QUEUE, FunctionName="other")
    cluster.produce("orders", "1")
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["1"]]
    assert fates(fake, first) == fates(fake, second) == {"orders-0:0": "done"}


def test_a_new_mapping_goes_on_with_its_group(fake: FakeLambda, cluster: KafkaCluster) -> None:
    config = {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue", "ConsumerGroupId": "shared"}}
    first = subscribe(fake, cluster, accept, **config)
    cluster.produce("orders", "1")
    fake.clock.run_until_idle()
    fake.client("lambda").delete_event_source_mapping(UUID=first)
    fake.clock.advance(60)
    cluster.produce("orders", "2")
    second = subscribe(fake, cluster, accept, **config)
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["2"]]
    assert fates(fake, first) == {"orders-0:0": "done"}
    assert fates(fake, second) == {"orders-0:0": "read by another consumer", "orders-0:1": "done"}
    assert fake.mapping(second).offset_lag == {"orders-0": 0}


def test_faults_strike_the_steps_of_the_poller(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe(fake, cluster, accept, **QUEUE)
    fake.faults.add("poller.Read", "throttled")
    fake.faults.add("poller.Invoke", "throttled")
    fake.faults.add("poller.Checkpoint", "late")
    cluster.produce("orders", "1")
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["1"]]
    metrics = fake.mapping(uuid).metrics
    assert (metrics["PollingErrorCount"], metrics["CommitErrorCount"], metrics["CommittedEventCount"]) == (1, 1, 1)


def test_a_closed_fake_leaves_nothing(fake: FakeLambda, cluster: KafkaCluster) -> None:
    cluster.configure_share_group("group", delivery_limit=2)
    fake.__exit__(None, None, None)
    with FakeLambda(region="us-east-1", advice="off") as other:
        again = other.kafka("kafka:9092")
        again.create_topic("orders")
        subscribe(
            other, again, refuse_bad, SelfManagedKafkaEventSourceConfig={**QUEUE["SelfManagedKafkaEventSourceConfig"]}
        )
        again.produce("orders", "bad")
        other.clock.run_until_idle()
        assert batches(other) == [["bad"]] * 5
