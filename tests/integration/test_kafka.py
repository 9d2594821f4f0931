"""Kafka as a user tests it: the fixture's clusters, and mappings through boto3."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from helpers.kafka import (
    ACCESS,
    ARN,
    PROVISIONED,
    accept,
    batches,
    names_of,
    needs_topics_as_destinations,
    refuse_bad,
    subscribe,
)
from pytest_lambda_esm import ConfigurationError, FakeLambda, FaultError, LambdaEsmError, NotActive


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        yield fake


# --- which cluster -------------------------------------------------------------------------------------------


def test_a_name_makes_a_cluster_in_moto(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    (found,) = fake.client("kafka").list_clusters()["ClusterInfoList"]
    assert (found["ClusterName"], found["ClusterArn"]) == ("main", cluster.arn)
    assert fake.kafka("main") is cluster
    assert fake.kafka(str(cluster.arn)) is cluster


def test_a_cluster_that_code_under_test_created_is_the_same(fake: FakeLambda) -> None:
    client = fake.client("kafka")
    group = {"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-1"]}
    first = client.create_cluster(
        ClusterName="one", KafkaVersion="3.6.0", NumberOfBrokerNodes=1, BrokerNodeGroupInfo=group
    )
    assert fake.kafka("one").arn == first["ClusterArn"]
    described = client.describe_cluster(ClusterArn=first["ClusterArn"])
    assert fake.kafka(first) is fake.kafka(described) is fake.kafka("one")
    second = client.create_cluster_v2(ClusterName="two", Serverless={"VpcConfigs": [{"SubnetIds": ["subnet-1"]}]})
    cluster = fake.kafka(second["ClusterArn"])
    cluster.create_topic("orders")
    cluster.produce("orders", "1")
    subscribe(fake, cluster, accept)
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"]]


def test_a_cluster_in_another_region(fake: FakeLambda) -> None:
    cluster = fake.kafka("main", region="eu-west-1")
    assert ":eu-west-1:" in str(cluster.arn)
    assert fake.kafka("main") is not cluster


def test_self_managed_clusters_are_the_same_if_they_share_a_server(fake: FakeLambda) -> None:
    cluster = fake.kafka("kafka-1:9092,kafka-2:9092")
    assert fake.kafka(["kafka-2:9092"]) is cluster
    assert fake.kafka(["kafka-3:9092"]) is not cluster
    assert (cluster.arn, cluster.bootstrap_servers) == (None, "kafka-1:9092,kafka-2:9092")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("no name!", "is given by its ARN, the response"),
        ("", "is given by its ARN, the response"),
        (None, "is given by its ARN, the response"),
        (3, "is given by its ARN, the response"),
        (b"kafka:9092", "is given by its ARN, the response"),
        ({"BrokerArn": "x"}, "is given by its ARN, the response"),
        ({"ClusterArn": "arn:aws:sqs:us-east-1:123456789012:queue"}, "not the ARN of a cluster"),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "not the ARN of a cluster"),
        ("arn:aws:kafka:us-east-1:123456789012:topic/a/b", "not the ARN of a cluster"),
        ("arn:aws:kafka:us-east-7:123456789012:cluster/a/b", "there is no region 'us-east-7'"),
        ("kafka:port", "is not a bootstrap server"),
        ([], "at least one bootstrap server"),
        ([1], "is not a bootstrap server"),
    ],
)
def test_what_is_no_cluster_is_refused(fake: FakeLambda, given: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        fake.kafka(given)
    assert text in str(refused.value)


def test_a_closed_fake_refuses(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    fake.__exit__(None, None, None)
    with pytest.raises(NotActive, match="its fake is closed"):
        cluster.produce("orders", "x")
    with pytest.raises(NotActive):
        fake.kafka("main")


def test_a_sweep_begins_each_run_with_empty_clusters(fake: FakeLambda) -> None:
    held = None
    for run in fake.sweep(operations=["CreateEventSourceMapping"], errors=["ServiceException"]):
        with run:
            cluster = fake.kafka("kafka:9092")
            assert cluster is not held
            if held is not None:
                with pytest.raises(NotActive, match="has been restarted"):
                    held.produce("orders", "x")
            held = cluster
            assert cluster.topics == []
            cluster.create_topic("orders")
            cluster.produce("orders", "x")
            fake.function("consumer", accept)
            client = fake.client("lambda")
            endpoints = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:9092"]}}
            for _ in range(5):
                try:
                    client.create_event_source_mapping(
                        FunctionName="consumer",
                        SelfManagedEventSource=endpoints,
                        Topics=["orders"],
                        SourceAccessConfigurations=ACCESS,
                    )
                except client.exceptions.ServiceException:
                    continue
                break
            fake.clock.run_until_idle()
            assert batches(fake) == [["x"]]


def test_moto_reset_empties_the_clusters_of_its_regions(fake: FakeLambda) -> None:
    from moto.core.models import reset_model_data  # noqa: F401 - what moto's own reset calls
    from moto.moto_api._internal import moto_api_backend

    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    subscribe(fake, cluster, accept)
    moto_api_backend.reset()
    with pytest.raises(NotActive, match="before moto was reset"):
        cluster.produce("orders", "x")


# --- polling -------------------------------------------------------------------------------------------------


def test_a_handler_may_produce(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    cluster.create_topic("bills")

    def forward(event: dict[str, Any], context: object) -> None:
        for name in names_of(event):
            cluster.producer().produce("bills", name)

    cluster.produce("orders", "1")
    subscribe(fake, cluster, forward)
    fake.clock.run_until_idle()
    assert [record.value for record in cluster.records("bills")] == [b"1"]


def test_a_function_that_feeds_its_own_topic_is_stopped(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    subscribe(fake, cluster, lambda event, context: cluster.produce("orders", "again") and None)
    cluster.produce("orders", "first")
    with pytest.raises(LambdaEsmError, match="feeds its own source"):
        fake.clock.run_until_idle()


def test_two_mappings_have_groups_of_their_own(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    first = subscribe(fake, cluster, accept)
    fake.function("other", refuse_bad)
    second = fake.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn, FunctionName="other", Topics=["orders"], StartingPosition="TRIM_HORIZON"
    )
    fake.clock.advance(5)
    cluster.produce("orders", "bad")
    fake.clock.advance(10)
    assert cluster.committed(first) == {"orders-0": 1}
    assert cluster.committed(second["UUID"]) == {}
    assert [fate.fate for fate in fake.fates(str(cluster.arn))] == ["done", "waiting"]
    assert [fate.fate for fate in fake.fates(first)] == ["done"]


def test_disabling_keeps_the_place_and_deleting_does_not(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    uuid = subscribe(fake, cluster, accept)
    client = fake.client("lambda")
    cluster.produce("orders", "1")
    fake.clock.run_until_idle()
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.run_until_idle()
    cluster.produce("orders", "2")
    fake.clock.advance(60)
    assert batches(fake) == [["1"]]
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["2"]]
    client.delete_event_source_mapping(UUID=uuid)
    fake.clock.run_until_idle()
    subscribe(fake, cluster, accept)
    fake.clock.run_until_idle()
    assert batches(fake)[2:] == [["1", "2"]]


def test_faults_strike_the_steps_of_the_poller(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    cluster.create_topic("failures")
    fake.faults.add("poller.Read", "throttled")
    fake.faults.add("poller.Invoke", "throttled")
    fake.faults.add("poller.Checkpoint", "late")
    uuid = subscribe(fake, cluster, accept)
    cluster.produce("orders", "1")
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["1"]]
    metrics = fake.mapping(uuid).metrics
    assert (metrics["PollingErrorCount"], metrics["CommitErrorCount"]) == (1, 1)
    assert [fate.fate for fate in fake.fates(uuid)] == ["done"]


def test_a_refused_failure_record_is_lost(fake: FakeLambda) -> None:
    needs_topics_as_destinations(fake)
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    cluster.create_topic("failures")
    destination = {"OnFailure": {"Destination": "kafka://failures"}}
    uuid = subscribe(fake, cluster, refuse_bad, **PROVISIONED, MaximumRetryAttempts=0, DestinationConfig=destination)
    fake.faults.add("poller.Send", "refused", match={"Destination": "kafka://failures"})
    cluster.produce("orders", "bad")
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates(uuid)] == ["discarded"]
    assert cluster.records("failures") == []


def test_weather_delivers_kafka_records_more_than_once(fake: FakeLambda) -> None:
    fake.__exit__(None, None, None)
    with FakeLambda(region="us-east-1", advice="off", weather={"duplicates": 1.0}) as stormy:
        cluster = stormy.kafka("main")
        cluster.create_topic("orders")
        subscribe(stormy, cluster, accept)
        cluster.produce("orders", "1")
        stormy.clock.run_until_idle()
        assert batches(stormy) == [["1"], ["1"]]


def test_explain_names_what_waits(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders", 2)
    uuid = subscribe(fake, cluster, accept)
    cluster.produce("orders", "1", partition=1, key="k")
    fake.clock.advance(0)
    assert "1 record of orders-1 waits, starting with record orders-1:0 (key k)" in fake.explain(uuid)
    member = cluster.join(uuid)
    assert member.assignment == [("orders", 1)]
    assert "orders-1: another member of the consumer group reads the partition" in fake.explain(uuid)
    (fate,) = fake.fates(uuid)
    assert (fate.fate, fate.detail) == ("waiting", "another member of the consumer group reads the partition")


def test_offset_lag_and_iterator_age(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders", 2)
    uuid = subscribe(fake, cluster, refuse_bad)
    mapping = fake.mapping(uuid)
    assert mapping.offset_lag == {"orders-0": 0, "orders-1": 0}
    for name in ("bad", "behind", "it"):
        cluster.produce("orders", name, partition=0)
    fake.clock.advance(100)
    assert mapping.offset_lag == {"orders-0": 3, "orders-1": 0}
    assert (mapping.metrics["MaxOffsetLag"], mapping.metrics["SumOffsetLag"]) == (3, 3)
    assert mapping.iterator_age is not None
    assert mapping.iterator_age.total_seconds() == 100


def test_more_pollers_on_demand_by_a_setting(fake: FakeLambda) -> None:
    fake.__exit__(None, None, None)
    with FakeLambda(region="us-east-1", advice="off", kafka_pollers=5) as other:
        cluster = other.kafka("main")
        cluster.create_topic("orders", 2)
        cluster.produce("orders", "bad", partition=0)
        cluster.produce("orders", "good", partition=1)
        subscribe(other, cluster, refuse_bad)
        other.clock.advance(10)
        assert ["good"] in batches(other)


def test_limits_of_2020_poll_a_cluster(fake: FakeLambda) -> None:
    fake.__exit__(None, None, None)
    with FakeLambda(region="us-east-1", advice="off", limits="2020") as old:
        cluster = old.kafka(ARN)
        cluster.create_topic("orders")
        for number in range(150):
            cluster.produce("orders", str(number))
        uuid = subscribe(old, cluster, accept)
        old.clock.advance(0)
        assert [len(batch) for batch in batches(old)] == [100, 50]
        answer = old.client("lambda").get_event_source_mapping(UUID=uuid)
        assert (answer["BatchSize"], answer["Topics"]) == (100, ["orders"])
        assert not {"StartingPosition", "AmazonManagedKafkaEventSourceConfig"} & set(answer)


# --- real libraries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["main", "kafka:9092"])
def test_powertools_reads_the_events(fake: FakeLambda, given: str) -> None:
    data_classes = pytest.importorskip("aws_lambda_powertools.utilities.data_classes")
    cluster = fake.kafka(given)
    cluster.create_topic("orders")
    cluster.produce("orders", {"n": 1}, key="k", headers={"trace": b"\xff\x00a"})
    subscribe(fake, cluster, accept)
    fake.clock.run_until_idle()
    event = data_classes.KafkaEvent(fake.invocations[0].event)
    (record,) = event.records
    assert (record.json_value, record.decoded_key) == ({"n": 1}, b"k")
    assert record.decoded_headers["TRACE"] == b"\xff\x00a"
    assert event.decoded_bootstrap_servers == cluster.bootstrap_servers.split(",")
    assert event.event_source_arn == cluster.arn


@pytest.mark.parametrize(
    ("given", "model"), [("main", "KafkaMskEventModel"), ("kafka:9092", "KafkaSelfManagedEventModel")]
)
def test_the_models_of_powertools_read_the_events(fake: FakeLambda, given: str, model: str) -> None:
    if find_spec("aws_lambda_powertools") is None or find_spec("pydantic") is None:
        pytest.skip("needs aws-lambda-powertools[parser]")
    cluster = fake.kafka(given)
    cluster.create_topic("orders")
    cluster.produce("orders", {"n": 1}, key="k", headers={"trace": "abc"})
    subscribe(fake, cluster, accept)
    fake.clock.run_until_idle()
    # In another process: a plain freeze_time of a later test would import the rest of the lazy module, and fail.
    script = (
        f"import sys; from aws_lambda_powertools.utilities.parser.models import {model};"
        f'(record,) = {model}.model_validate_json(sys.stdin.read()).records["orders-0"];'
        "print([record.value, record.key, record.headers])"
    )
    event = json.dumps(fake.invocations[0].event)
    done = subprocess.run([sys.executable, "-c", script], input=event, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(['{"n": 1}', b"k", [{"trace": b"abc"}]])


def test_a_cluster_that_is_made_before_a_sweep_is_refused(fake: FakeLambda) -> None:
    fake.kafka("kafka:9092")
    with pytest.raises(FaultError, match="Kafka cluster 'kafka:9092'"):
        next(iter(fake.sweep()))


def test_fates_of_a_cluster_that_no_mapping_reads(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    assert fake.fates(str(cluster.arn)) == []
    cluster.create_topic("orders", retention=60)
    cluster.create_topic("bills")
    cluster.produce("orders", "1")
    cluster.produce("bills", "2")
    fake.clock.advance(60)
    fates = {fate.record: (fate.fate, fate.detail) for fate in fake.fates(str(cluster.arn))}
    assert fates["bills-0:0"] == ("waiting", "no mapping reads the topic")
    assert fates["orders-0:0"][0] == "expired"


def test_fates_of_a_self_managed_cluster_by_one_of_its_servers(fake: FakeLambda) -> None:
    cluster = fake.kafka("kafka-1:9092,kafka-2:9092")
    cluster.create_topic("orders")
    cluster.produce("orders", "1")
    endpoints = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka-2:9092"]}}
    subscribe(fake, cluster, accept, SelfManagedEventSource=endpoints)
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates("kafka-2:9092")] == ["done"]
    assert [fate.fate for fate in fake.fates(cluster.bootstrap_servers)] == ["done"]


def test_fates_of_an_unknown_cluster_are_refused(fake: FakeLambda) -> None:
    fake.kafka("main")
    with pytest.raises(LambdaEsmError, match="there is no"):
        fake.fates(ARN)


def test_an_update_keeps_the_reason_why_a_mapping_does_not_poll(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    uuid = subscribe(fake, cluster, accept)
    client = fake.client("lambda")
    cluster.refuse("authentication")
    fake.clock.advance(1)
    client.update_event_source_mapping(UUID=uuid, BatchSize=10)
    fake.clock.run_until_idle()
    assert client.get_event_source_mapping(UUID=uuid)["StateTransitionReason"] == "EVENT_SOURCE_AUTHN_ERROR"
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.run_until_idle()
    cluster.accept()
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    answer = client.get_event_source_mapping(UUID=uuid)
    assert (answer["StateTransitionReason"], answer["LastProcessingResult"]) == ("USER_INITIATED", "OK")


def test_a_reason_that_the_test_forces_stays(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    uuid = subscribe(fake, cluster, accept)
    fake.mapping(uuid).force("Enabled", reason="FUNCTION_CONFIG_NOT_VALID", result="PROBLEM: x")
    fake.clock.run_until_idle()
    assert fake.mapping(uuid).history[-1].reason == "FUNCTION_CONFIG_NOT_VALID"
    assert fake.mapping(uuid)._last_result == "PROBLEM: x"


def test_polling_goes_on_after_an_exception_that_is_for_the_test(fake: FakeLambda) -> None:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    interrupts = [KeyboardInterrupt()]

    def handler(event: dict[str, Any], context: object) -> None:
        if interrupts:
            raise interrupts.pop()

    uuid = subscribe(fake, cluster, handler)
    cluster.produce("orders", "1")
    with pytest.raises(KeyboardInterrupt):
        fake.clock.run_until_idle()
    assert cluster.committed(uuid) == {}
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates(uuid)] == ["done"]
    assert cluster.committed(uuid) == {"orders-0": 1}


def test_the_source_of_a_self_managed_cluster_is_its_servers(fake: FakeLambda) -> None:
    fake.function("fn")
    created = fake.client("lambda").create_event_source_mapping(
        FunctionName="fn",
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000", "kafka:2000"]}},
        Topics=["topic"],
        SourceAccessConfigurations=ACCESS,
    )
    mapping = fake.mapping(created)
    assert mapping.source_arn == "kafka:1000,kafka:2000"
    assert repr(mapping) == f"<Mapping {mapping.uuid} Creating kafka:1000,kafka:2000 -> {mapping.function_arn}>"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["bad"], "1 record of kafka:cluster/main/0123-4567 was discarded: "),
        (["bad", "bad"], "2 records of kafka:cluster/main/0123-4567 were discarded: "),
    ],
)
def test_explain_says_what_was_discarded(fake: FakeLambda, values: list[str], text: str) -> None:
    cluster = fake.kafka(ARN)
    cluster.create_topic("orders")
    subscribe(fake, cluster, refuse_bad, MaximumRetryAttempts=0, **PROVISIONED)
    for value in values:
        cluster.produce("orders", value)
    fake.clock.run_until_idle()
    assert text in fake.explain()
