"""How Kafka mappings poll, retry, split and give up, and the events and failure records that they send.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.kafka import ARN, PROVISIONED, QUEUE, failures, ids_of, names_of, needs_queue_mode, subscribe
from helpers.streams import ACCOUNT, REGION, Destination
from pytest_lambda_esm import FakeLambda, KafkaCluster

FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:consumer"
START = 1_767_225_600_000
TO_A_TOPIC = {"OnFailure": {"Destination": "kafka://failures"}}
REPORTS = {**PROVISIONED, "FunctionResponseTypes": ["ReportBatchItemFailures"]}

FACTS = Facts("Kafka: events and polling")


class Handler:
    """A handler that keeps each event, fails if a record's value is bad, and else returns what is next."""

    def __init__(self, *bad: str, answers: Any = ()) -> None:
        self.bad = set(bad)
        self.answers = iter(answers)
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any], context: object) -> Any:
        self.events.append(event)
        if self.bad & set(names_of(event)):
            raise ValueError("bad")
        return next(self.answers, None)

    @property
    def batches(self) -> list[list[str]]:
        return [names_of(event) for event in self.events]


@pytest.fixture
def cluster(fake: FakeLambda) -> KafkaCluster:
    cluster = fake.kafka(ARN)
    cluster.create_topic("orders", 2)
    return cluster


@pytest.fixture
def destination(fake: FakeLambda) -> Destination:
    return Destination(fake)


def produce(cluster: KafkaCluster, *names: str, partition: int = 0) -> None:
    for name in names:
        cluster.produce("orders", name, partition=partition)


def take_time(fake: FakeLambda, handler: Handler, seconds: float) -> None:
    """Have the function run for some time."""
    fake.client("lambda").update_function_configuration(FunctionName="consumer", Timeout=120)
    fake.function("consumer", handler, duration=seconds)


# --- events --------------------------------------------------------------------------------------------------


@FACTS("b5-msk-event", "documented", "An event of Amazon MSK has the records of each partition by topic-partition.")
def test_msk_event_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    cluster.produce("orders", "Hello, this is a test.", key="recordKey", headers={"headerKey": "headerValue"})
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    number = cluster.records("orders")[0].partition
    expected = {
        "eventSource": "aws:kafka",
        "eventSourceArn": ARN,
        "bootstrapServers": cluster.bootstrap_servers,
        "records": {
            f"orders-{number}": [
                {
                    "topic": "orders",
                    "partition": number,
                    "offset": 0,
                    "timestamp": START,
                    "timestampType": "CREATE_TIME",
                    "key": "cmVjb3JkS2V5",
                    "value": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                    "headers": [{"headerKey": [104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101]}],
                }
            ]
        },
    }
    assert json.dumps(handler.events[0]) == json.dumps(expected)


@FACTS("b5-self-managed-event", "documented", "An event of self-managed Kafka has no ARN and another event source.")
def test_self_managed_event_documented(fake: FakeLambda) -> None:
    cluster = fake.kafka(["abc.xyz.com:9092", "def.xyz.com:9092"])
    cluster.create_topic("orders")
    handler = Handler()
    produce(cluster, "1")
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    (event,) = handler.events
    assert list(event) == ["eventSource", "bootstrapServers", "records"]
    assert (event["eventSource"], event["bootstrapServers"]) == (
        "SelfManagedKafka",
        "abc.xyz.com:9092,def.xyz.com:9092",
    )


@FACTS("b5-bytes", "documented", "The bytes of a header are signed, as in Java.")
def test_signed_bytes_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    cluster.produce("orders", "x", partition=0, headers=[("h", b"\x00\x7f\x80\xff"), ("h", b"")])
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    assert handler.events[0]["records"]["orders-0"][0]["headers"] == [{"h": [0, 127, -128, -1]}, {"h": []}]


@FACTS("b5-no-key", "documented", "A record without a key has no member key, and a tombstone no member value.")
def test_no_key_and_no_value_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    cluster.produce("orders", None, partition=0)
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    record = handler.events[0]["records"]["orders-0"][0]
    assert list(record) == ["topic", "partition", "offset", "timestamp", "timestampType", "headers"]


@FACTS("b5-append-time", "documented", "A topic can have the times at which the cluster appended its records.")
def test_append_time_documented(fake: FakeLambda) -> None:
    cluster = fake.kafka(ARN)
    cluster.create_topic("orders", timestamp_type="LOG_APPEND_TIME")
    cluster.produce("orders", "x", timestamp=1)
    handler = Handler()
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    record = handler.events[0]["records"]["orders-0"][0]
    assert (record["timestamp"], record["timestampType"]) == (START, "LOG_APPEND_TIME")


# --- batches -------------------------------------------------------------------------------------------------


@FACTS("c5-mixed", "documented", "A batch can have records of several partitions, in order within each.")
def test_mixed_partitions_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    produce(cluster, "1", "2", partition=0)
    produce(cluster, "a", "b", partition=1)
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    assert [ids_of(event) for event in handler.events] == [
        [("orders-0", 0), ("orders-0", 1), ("orders-1", 0), ("orders-1", 1)]
    ]


@FACTS("c5-window", "documented", "Without a batching window, Lambda collects records for 500 ms.")
def test_default_window_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    subscribe(fake, cluster, handler)
    fake.clock.advance(10)
    produce(cluster, "1")
    fake.clock.advance(0.4)
    produce(cluster, "2")
    fake.clock.advance(0.099)
    assert handler.batches == []
    fake.clock.advance(0.001)
    assert handler.batches == [["1", "2"]]


@FACTS("c5-batch-size", "documented", "A full batch does not wait for the window; 100 records are the default.")
def test_batch_size_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    subscribe(fake, cluster, handler, MaximumBatchingWindowInSeconds=300)
    produce(cluster, *map(str, range(150)))
    fake.clock.advance(0)
    assert [len(batch) for batch in handler.batches] == [100]
    fake.clock.advance(300)
    assert [len(batch) for batch in handler.batches] == [100, 50]


@FACTS("c5-pieces", "documented", "A large batch arrives in pieces of at most 6 MB.")
def test_six_megabytes_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    produce(cluster, *["x" * 500_000] * 20)
    subscribe(fake, cluster, handler, BatchSize=10_000)
    fake.clock.run_until_idle()
    assert [len(batch) for batch in handler.batches] == [9, 9, 2]
    assert max(len(json.dumps(event)) for event in handler.events) <= 6 * 1024 * 1024


@FACTS("c5-commit", "documented", "Offsets are committed when the batch has succeeded, and not before.")
def test_commit_after_success_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    during = []
    fake.function("consumer", duration=2)
    handler = Handler()
    uuid = subscribe(fake, cluster, handler)
    fake.function("consumer").takes(2)
    produce(cluster, "1", "2")
    fake.clock.advance(1)
    during.append(cluster.committed(uuid))
    fake.clock.advance(2)
    assert (during, cluster.committed(uuid)) == ([{}], {"orders-0": 2})


@FACTS("c5-filtered", "documented", "Records that no filter matches are committed with the batch.")
def test_filtered_records_are_committed_with_the_batch_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler("bad")
    filters = {"Filters": [{"Pattern": '{"value": ["good", "bad"]}'}]}
    uuid = subscribe(fake, cluster, handler, FilterCriteria=filters)
    produce(cluster, "other", "bad", "other")
    fake.clock.advance(10)
    assert cluster.committed(uuid) == {}
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert cluster.committed(uuid) == {"orders-0": 3}
    assert handler.batches[-1] == ["bad"]
    assert [fate.fate for fate in fake.fates(uuid)].count("filtered out") == 2


FORMS = {
    "json-for-json": ('{"n": 1}', '{"value": {"n": [1]}}', True),
    "other-json-for-json": ('{"n": 2}', '{"value": {"n": [1]}}', False),
    "text-for-text": ("good", '{"value": ["good"]}', True),
    "other-text-for-text": ("other", '{"value": ["good"]}', False),
    "text-for-json": ("good", '{"value": {"n": [1]}}', True),
    "json-for-text": ('{"n": 1}', '{"value": ["good"]}', True),
    "no-text": (b"\xff", '{"value": ["good"]}', True),
    "no-text-and-other-metadata": (b"\xff", '{"value": ["good"], "topic": ["bills"]}', False),
}


@FACTS(
    "c5-filter-forms",
    "documented",
    "A value of another form than the pattern passes, unless metadata does not match.",
)
@pytest.mark.parametrize(("value", "pattern", "passes"), FORMS.values(), ids=[f"{form}-documented" for form in FORMS])
def test_filters(fake: FakeLambda, cluster: KafkaCluster, value: Any, pattern: str, passes: bool) -> None:
    handler = Handler()
    cluster.produce("orders", value)
    uuid = subscribe(fake, cluster, lambda event, context: None, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    fake.clock.run_until_idle()
    assert bool(fake.invocations) == passes
    assert sum(cluster.committed(uuid).values()) == 1
    assert handler.events == []


# --- positions and groups ------------------------------------------------------------------------------------


@FACTS("c5-positions", "documented", "A mapping starts at the oldest record, at new ones, or at a time.")
@pytest.mark.parametrize(
    ("position", "expected"),
    [("TRIM_HORIZON", ["1", "2", "3"]), ("AT_TIMESTAMP", ["2", "3"]), ("LATEST", ["3"])],
    ids=lambda value: f"{value}-documented" if isinstance(value, str) else None,
)
def test_positions(fake: FakeLambda, cluster: KafkaCluster, position: str, expected: list[str]) -> None:
    produce(cluster, "1")
    fake.clock.advance(10)
    at = fake.clock.now
    produce(cluster, "2")
    fake.clock.advance(10)
    timestamp = {"StartingPositionTimestamp": at} if position == "AT_TIMESTAMP" else {}
    handler = Handler()
    uuid = subscribe(fake, cluster, handler, StartingPosition=position, **timestamp)
    produce(cluster, "3")
    fake.clock.run_until_idle()
    assert [name for batch in handler.batches for name in batch] == expected
    skipped = [fate for fate in fake.fates(uuid) if fate.fate == "skipped by the starting position"]
    assert len(skipped) == 3 - len(expected)


@FACTS("b5-trim-horizon", "recorded", "A mapping of self-managed Kafka without a position starts at the oldest record.")
def test_self_managed_default_recorded(fake: FakeLambda) -> None:
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders")
    produce(cluster, "1")
    handler = Handler()
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@FACTS("c5-group", "documented", "The offsets of an existing consumer group count, and not the starting position.")
@pytest.mark.parametrize("position", ["TRIM_HORIZON", "LATEST"], ids=lambda position: f"{position}-documented")
def test_an_existing_group_beats_the_position(fake: FakeLambda, cluster: KafkaCluster, position: str) -> None:
    produce(cluster, "1", "2", "3")
    other = cluster.join("billing", "orders")
    other.poll(1)
    other.commit()
    other.leave()
    handler = Handler()
    config = {"ConsumerGroupId": "billing"}
    subscribe(fake, cluster, handler, StartingPosition=position, AmazonManagedKafkaEventSourceConfig=config)
    fake.clock.run_until_idle()
    assert handler.batches == [["2", "3"]]


@FACTS("c5-group-default", "documented", "Without a consumer group, it is the mapping's UUID.")
def test_group_defaults_to_the_uuid_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe(fake, cluster, Handler())
    produce(cluster, "1")
    fake.clock.run_until_idle()
    assert cluster.committed(uuid) == {"orders-0": 1}


@FACTS("c5-group-share", "documented", "Other members of the group take a share of the partitions.")
def test_other_members_take_their_share_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    uuid = subscribe(fake, cluster, handler)
    other = cluster.join(uuid)
    produce(cluster, "1", partition=0)
    produce(cluster, "2", partition=1)
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]
    assert [record.value for record in other.poll()] == [b"2"]
    other.leave()
    fake.clock.run_until_idle()
    assert handler.batches == [["1"], ["2"]]


# --- failures ------------------------------------------------------------------------------------------------


@FACTS("c5-whole-batch", "documented", "On demand, a failed batch is retried as a whole until it succeeds.")
def test_whole_batch_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler("bad")
    uuid = subscribe(fake, cluster, handler)
    produce(cluster, "1", "bad")
    fake.clock.advance(3600)
    produce(cluster, "behind")
    assert len(handler.batches) > 50
    assert {tuple(batch) for batch in handler.batches} == {("1", "bad")}
    assert fake.mapping(uuid)._last_result == "PROBLEM: Function call failed"
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert handler.batches[-2:] == [["1", "bad"], ["behind"]]
    assert fake.mapping(uuid)._last_result == "OK"


@FACTS("c5-expiry", "documented", "On demand, a failed batch is retried until its records expire.")
def test_expiry_documented(fake: FakeLambda) -> None:
    cluster = fake.kafka(ARN)
    cluster.create_topic("orders", retention=timedelta(minutes=5))
    handler = Handler("bad")
    uuid = subscribe(fake, cluster, handler)
    produce(cluster, "bad")
    fake.clock.run_until_idle()
    assert [(fate.fate, fate.at.minute) for fate in fake.fates(uuid)] == [("expired", 5)]
    assert cluster.committed(uuid) == {"orders-0": 1}


@FACTS("c5-retries", "documented", "With provisioned pollers, MaximumRetryAttempts N sends a batch N + 1 times.")
@pytest.mark.parametrize("retries", [0, 1, 3], ids=lambda count: f"{count}-documented")
def test_retries(fake: FakeLambda, cluster: KafkaCluster, destination: Destination, retries: int) -> None:
    handler = Handler("bad")
    settings = {**PROVISIONED, "MaximumRetryAttempts": retries, "DestinationConfig": destination.config}
    subscribe(fake, cluster, handler, **settings)
    produce(cluster, "bad")
    fake.clock.run_until_idle()
    assert len(handler.batches) == retries + 1
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == retries + 1


@FACTS("c5-ten-retries", "documented", "Endless retries with a failure destination are ten.")
@pytest.mark.parametrize("mode", ["provisioned", "on-demand"])
def test_ten_retries(fake: FakeLambda, cluster: KafkaCluster, destination: Destination, mode: str) -> None:
    handler = Handler("bad")
    pollers = PROVISIONED if mode == "provisioned" else {}
    subscribe(fake, cluster, handler, **pollers, DestinationConfig=destination.config)
    produce(cluster, "bad")
    fake.clock.run_until_idle()
    assert len(handler.batches) == 11
    (record,) = destination.records()
    assert record["requestContext"]["approximateInvokeCount"] == 11


@FACTS("c5-bisect", "documented", "A failed batch is split in two, which uses up no retry.")
def test_bisect_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler("bad")
    settings = {**PROVISIONED, "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1}
    uuid = subscribe(fake, cluster, handler, **settings)
    produce(cluster, "1", "2", partition=0)
    produce(cluster, "bad", "3", partition=1)
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "bad", "3"], ["1", "2"], ["bad", "3"], ["bad"], ["bad"], ["3"]]
    assert [fate.record for fate in fake.fates(uuid) if fate.fate == "discarded"] == ["orders-1:0"]


@FACTS("c5-age", "documented", "Records that are older than MaximumRecordAgeInSeconds are discarded.")
def test_age_documented(fake: FakeLambda, cluster: KafkaCluster, destination: Destination) -> None:
    handler = Handler()
    produce(cluster, "old")
    fake.clock.advance(61)
    produce(cluster, "new")
    settings = {**PROVISIONED, "MaximumRecordAgeInSeconds": 60, "DestinationConfig": destination.config}
    subscribe(fake, cluster, handler, **settings)
    fake.clock.run_until_idle()
    assert handler.batches == [["new"]]
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in record


@FACTS("c5-reported", "documented", "From the first reported offset of each partition on, records come again.")
def test_reported_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler(answers=[failures(("orders-0", 1))])
    uuid = subscribe(fake, cluster, handler, **REPORTS)
    produce(cluster, "1", "2", "3", partition=0)
    produce(cluster, "a", partition=1)
    fake.clock.advance(0.5)
    assert cluster.committed(uuid) == {"orders-0": 1, "orders-1": 1}
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3", "a"], ["2", "3"]]


@FACTS("c5-reported-none", "documented", "An empty answer, null and an empty list mean success.")
@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}], ids=lambda answer: f"{answer}-documented")
def test_nothing_reported(fake: FakeLambda, cluster: KafkaCluster, answer: Any) -> None:
    handler = Handler(answers=[answer])
    subscribe(fake, cluster, handler, **REPORTS)
    produce(cluster, "1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@FACTS("c5-reported-unknown", "documented", "A partition or an offset that is not in the batch fails the whole batch.")
@pytest.mark.parametrize(
    "place", [("orders-1", 0), ("orders-0", 2), ("orders", 0)], ids=lambda place: f"{place}-documented"
)
def test_unknown_reported(fake: FakeLambda, cluster: KafkaCluster, place: tuple[str, int]) -> None:
    handler = Handler(answers=[failures(("orders-0", 1), place)])
    subscribe(fake, cluster, handler, **REPORTS)
    produce(cluster, "1", "2")
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"]] * 2


# --- queue mode ----------------------------------------------------------------------------------------------


@pytest.fixture
def shared(fake: FakeLambda) -> KafkaCluster:
    needs_queue_mode(fake)
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders", 2)
    return cluster


@FACTS("b6-queue-limit", "documented", "In queue mode a failed record comes again until the broker's limit of five.")
def test_queue_limit_documented(fake: FakeLambda, shared: KafkaCluster) -> None:
    handler = Handler("bad")
    uuid = subscribe(fake, shared, handler, **QUEUE)
    produce(shared, "bad")
    fake.clock.run_until_idle()
    assert handler.batches == [["bad"]] * 5
    assert [fate.fate for fate in fake.fates(fake.mapping(uuid))] == ["discarded"]


@FACTS("b6-queue-start", "documented", "A new share group reads what arrives after it: Kafka's default.")
def test_queue_start_documented(fake: FakeLambda, shared: KafkaCluster) -> None:
    handler = Handler()
    produce(shared, "before")
    subscribe(fake, shared, handler, **QUEUE)
    produce(shared, "after")
    fake.clock.run_until_idle()
    assert handler.batches == [["after"]]


@FACTS("b6-queue-shares", "documented", "Several pollers process records of one partition at the same time.")
def test_queue_shares_documented(fake: FakeLambda, shared: KafkaCluster) -> None:
    handler = Handler()
    subscribe(fake, shared, handler, **QUEUE, ProvisionedPollerConfig={"MinimumPollers": 3}, BatchSize=1)
    take_time(fake, handler, 10)
    produce(shared, "1", "2", "3", "4")
    fake.clock.advance(9)
    assert handler.batches == [["1"], ["2"], ["3"]]
    fake.clock.run_until_idle()
    assert handler.batches[3:] == [["4"]]


@FACTS("b6-queue-retries", "documented", "In queue mode MaximumRetryAttempts of provisioned pollers is 0 by default.")
def test_queue_retries_documented(fake: FakeLambda, shared: KafkaCluster, destination: Destination) -> None:
    handler = Handler("bad")
    subscribe(fake, shared, handler, **QUEUE, **PROVISIONED, DestinationConfig=destination.config)
    produce(shared, "bad")
    fake.clock.run_until_idle()
    (record,) = destination.records()
    assert record["requestContext"]["approximateInvokeCount"] == 1


@FACTS(
    "b6-queue-destination", "chosen", "A failure destination gets what the poller gives up; the broker keeps nothing."
)
def test_queue_destination_chosen(fake: FakeLambda, shared: KafkaCluster, destination: Destination) -> None:
    handler = Handler("bad")
    config = {"MaximumRetryAttempts": 2, "DestinationConfig": destination.config}
    uuid = subscribe(fake, shared, handler, **QUEUE, **PROVISIONED, **config)
    produce(shared, "bad", "behind")
    fake.clock.run_until_idle()
    assert handler.batches == [["bad", "behind"]] * 3
    (record,) = destination.records()
    assert record["KafkaBatchInfo"]["batchSize"] == 2
    assert {fate.fate for fate in fake.fates(fake.mapping(uuid))} == {"sent to a destination"}


@FACTS(
    "b6-queue-report", "chosen", "In queue mode only the reported records come again, as they are released one by one."
)
def test_queue_report_chosen(fake: FakeLambda, shared: KafkaCluster) -> None:
    handler = Handler(answers=[failures(("orders-0", 1))])
    subscribe(fake, shared, handler, **QUEUE, **REPORTS)
    produce(shared, "1", "2", "3")
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3"], ["2"]]


@FACTS("b6-queue-lock", "chosen", "No record comes again while the function runs: the lock of 30 seconds is renewed.")
def test_queue_lock_chosen(fake: FakeLambda, shared: KafkaCluster) -> None:
    handler = Handler()
    subscribe(fake, shared, handler, **QUEUE, ProvisionedPollerConfig={"MinimumPollers": 2})
    take_time(fake, handler, 100)
    produce(shared, "1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


# --- the number of pollers -----------------------------------------------------------------------------------


@FACTS("b6-pollers-follow-lag", "chosen", "Provisioned pollers follow the lag (documented); they double each minute.")
def test_pollers_follow_the_lag_chosen(fake: FakeLambda) -> None:
    cluster = fake.kafka(ARN)
    cluster.create_topic("orders", 8)
    handler = Handler()
    pollers = {"MinimumPollers": 1, "MaximumPollers": 3}
    uuid = subscribe(fake, cluster, handler, BatchSize=1, ProvisionedPollerConfig=pollers)
    take_time(fake, handler, 10)
    mapping = fake.mapping(uuid)
    for partition in range(8):
        produce(cluster, *map(str, range(8)), partition=partition)
    seen = []
    for _ in range(3):
        seen.append(mapping.metrics["ProvisionedPollers"])
        fake.clock.advance(60)
    assert seen == [1, 2, 3]
    fake.clock.run_until_idle()
    fake.clock.advance(180)
    assert mapping.metrics["ProvisionedPollers"] == 1
    assert len(handler.batches) == 64


# --- the log of a mapping ------------------------------------------------------------------------------------


def logged(fake: FakeLambda, uuid: str) -> list[dict[str, Any]]:
    """Return what a mapping has written into the log group of its function."""
    given = {"logGroupName": "/aws/lambda/consumer", "logStreamName": f"2026/01/01/{uuid}"}
    return [json.loads(event["message"]) for event in fake.client("logs").get_log_events(**given)["events"]]


def common(uuid: str, level: str, kind: str, timestamp: int) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": timestamp,
        "resourceArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}",
        "eventSourceArn": ARN,
        "eventProcessorId": f"{uuid}/0",
        "logLevel": level,
    }


def subscribe_with_log(fake: FakeLambda, cluster: KafkaCluster, level: str) -> str:
    fake_client = fake.client("lambda")
    if "LoggingConfig" not in fake_client.meta.service_model.shape_for("CreateEventSourceMappingRequest").members:
        pytest.skip("the installed botocore has no LoggingConfig of mappings")
    return subscribe(fake, cluster, Handler(), **PROVISIONED, LoggingConfig={"SystemLogLevel": level})


@FACTS("b6-log-warn", "documented", "WARN: what went wrong is in the log group of the function when it happens.")
def test_log_warn_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe_with_log(fake, cluster, "WARN")
    cluster.refuse("authentication")
    fake.clock.advance(1)
    error = {
        "errorMessage": "SASL authentication failed",
        "errorCode": "org.apache.kafka.common.errors.SaslAuthenticationException",
    }
    expected = {**common(uuid, "WARN", "ESM_PROCESSING_EVENT", START + 5_000), "error": error}
    assert json.dumps(logged(fake, uuid)) == json.dumps([expected])


@FACTS("b6-log-info", "documented", "INFO: also the configuration of each consumer, when it is built or changed.")
def test_log_info_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe_with_log(fake, cluster, "INFO")
    connection = {
        "brokerEndpoints": cluster.bootstrap_servers,
        "consumerId": f"{uuid}-0",
        "topics": ["orders"],
        "consumerGroupId": uuid,
        "securityProtocol": "SASL_SSL",
        "saslMechanism": "AWS_MSK_IAM",
        "totalPartitionCount": 2,
        "assignedPartitionCount": 2,
        "partitionsAssignmentGeneration": 1,
        "assignedPartitions": ["orders-0", "orders-1"],
    }
    expected = {**common(uuid, "INFO", "POLLER_STATUS_EVENT", START + 5_000), "kafkaEventSourceConnection": connection}
    assert json.dumps(logged(fake, uuid)) == json.dumps([expected])


@FACTS("b6-log-debug", "documented", "DEBUG: also the offsets of each partition, each minute.")
def test_log_debug_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe_with_log(fake, cluster, "DEBUG")
    produce(cluster, "1", "2", partition=1)
    fake.clock.advance(60)
    offsets = {"partition": "orders-1", "endOffset": 2, "consumedOffset": 1, "processedOffset": 1, "committedOffset": 2}
    expected = {**common(uuid, "DEBUG", "KAFKA_STATUS_EVENT", START + 65_000), "kafkaPartitionOffsets": offsets}
    _, _, last = logged(fake, uuid)
    assert json.dumps(last) == json.dumps(expected)


# --- failure destinations ------------------------------------------------------------------------------------


def discard(fake: FakeLambda, cluster: KafkaCluster, config: dict[str, Any]) -> str:
    """Discard two records of one partition and one of another, three seconds after the start, and return the UUID."""
    uuid = subscribe(fake, cluster, Handler("bad"), **PROVISIONED, MaximumRetryAttempts=0, DestinationConfig=config)
    produce(cluster, "bad", "2", partition=0)
    fake.clock.advance(0.25)
    cluster.produce("orders", "3", key="k", partition=1)
    fake.clock.run_until_idle()
    return uuid


def batch_info(cluster: KafkaCluster, size: int) -> dict[str, Any]:
    return {
        "batchSize": 3,
        "eventSourceArn": ARN,
        "bootstrapServers": cluster.bootstrap_servers,
        "payloadSize": size,
        "recordsInfo": {
            "orders-0": {
                "firstRecordOffset": "0",
                "lastRecordOffset": "1",
                "firstRecordTimestamp": "2026-01-01T00:00:05.000Z",
                "lastRecordTimestamp": "2026-01-01T00:00:05.000Z",
            },
            "orders-1": {
                "firstRecordOffset": "0",
                "lastRecordOffset": "0",
                "firstRecordTimestamp": "2026-01-01T00:00:05.250Z",
                "lastRecordTimestamp": "2026-01-01T00:00:05.250Z",
            },
        },
    }


def failure_record(fake: FakeLambda, cluster: KafkaCluster) -> dict[str, Any]:
    (invocation,) = fake.invocations
    return {
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": FUNCTION_ARN,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:05.500Z",
        "KafkaBatchInfo": batch_info(cluster, len(json.dumps(invocation.event, separators=(",", ":")))),
    }


@FACTS("c5-queue", "documented", "A queue gets a failure record with the offsets and timestamps of each partition.")
def test_queue_documented(fake: FakeLambda, cluster: KafkaCluster, destination: Destination) -> None:
    discard(fake, cluster, destination.config)
    assert json.dumps(destination.records()) == json.dumps([failure_record(fake, cluster)])


@FACTS("c5-topic-of-sns", "documented", "A topic of SNS gets the same failure record as a queue.")
def test_sns_documented(fake: FakeLambda, cluster: KafkaCluster, destination: Destination) -> None:
    sns = fake.client("sns")
    topic = sns.create_topic(Name="failures")["TopicArn"]
    queue = destination.config["OnFailure"]["Destination"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    discard(fake, cluster, {"OnFailure": {"Destination": topic}})
    assert destination.records() == [failure_record(fake, cluster)]


@FACTS("c5-bucket", "documented", "A bucket gets the failure record with the whole event as JSON text.")
def test_bucket_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    s3 = fake.client("s3")
    s3.create_bucket(Bucket="failures")
    uuid = discard(fake, cluster, {"OnFailure": {"Destination": "arn:aws:s3:::failures"}})
    (found,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    assert found["Key"].startswith(f"aws/lambda/{uuid}/orders-0/2026/01/01/2026-01-01T00.00.05-")
    body = json.loads(s3.get_object(Bucket="failures", Key=found["Key"])["Body"].read())
    assert json.loads(body.pop("payload")) == fake.invocations[0].event
    assert body == failure_record(fake, cluster)


@FACTS("c5-kafka-topic", "documented", "A topic of the same cluster gets a message for each record, with its key.")
def test_kafka_topic_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    if "kafka" not in repr(fake.client("lambda").meta.service_model.shape_for("DestinationArn").metadata):
        pytest.skip("the installed botocore has no destinations in Kafka")
    cluster.create_topic("failures")
    discard(fake, cluster, TO_A_TOPIC)
    messages = cluster.records("failures")
    assert [message.key for message in messages] == [None, None, b"k"]
    assert [message.json()["KafkaBatchInfo"]["recordInfo"]["offset"] for message in messages] == ["0", "1", "0"]
    event = fake.invocations[0].event
    payload = {**event, "records": {"orders-1": event["records"]["orders-1"]}}
    record = failure_record(fake, cluster)
    record["requestContext"].update(functionArn=f"{FUNCTION_ARN}:$LATEST", condition="RetriesExhausted")
    record["KafkaBatchInfo"] = {
        "batchSize": 1,
        "eventSourceArn": ARN,
        "bootstrapServers": cluster.bootstrap_servers,
        "payloadSize": len(json.dumps(payload, separators=(",", ":"))),
        "recordInfo": {"offset": "0", "timestamp": "2026-01-01T00:00:05.250Z"},
    }
    assert json.dumps(messages[2].json()) == json.dumps({**record, "payload": payload})


@FACTS("c5-other-topic", "chosen", "A mapping's own topic is no failure destination (documented); the text is ours.")
def test_the_same_topic_is_refused_chosen(fake: FakeLambda, cluster: KafkaCluster) -> None:
    client = fake.client("lambda")
    if "kafka" not in repr(client.meta.service_model.shape_for("DestinationArn").metadata):
        pytest.skip("the installed botocore has no destinations in Kafka")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="kafka://orders must not be a topic"):
        subscribe(
            fake, cluster, Handler(), **PROVISIONED, DestinationConfig={"OnFailure": {"Destination": "kafka://orders"}}
        )


@FACTS("c5-oversized", "documented", "A record over 6 MB goes to the destination, and the records behind it go on.")
def test_oversized_documented(fake: FakeLambda, cluster: KafkaCluster, destination: Destination) -> None:
    handler = Handler()
    uuid = subscribe(fake, cluster, handler, DestinationConfig=destination.config)
    produce(cluster, "x" * 5_000_000, "small")
    fake.clock.run_until_idle()
    assert handler.batches == [["small"]]
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == "MaximumPayloadSizeExceeded"
    assert record["responseContext"] is None
    assert cluster.committed(uuid) == {"orders-0": 2}


# --- states --------------------------------------------------------------------------------------------------

REFUSALS = {
    "authentication": ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: SASL authentication failed"),
    "authorization": ("EVENT_SOURCE_AUTHZ_ERROR", "PROBLEM: Cluster failed to authorize Lambda"),
    "certificate": ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Provided certificate or private key is invalid"),
    "connection": (
        "ESM_CONFIG_NOT_VALID",
        "PROBLEM: Connection error. Please check your event source connection configuration.",
    ),
}


@FACTS(
    "a4-refusals", "documented", "StateTransitionReason and LastProcessingResult show that a cluster refuses Lambda."
)
@pytest.mark.parametrize("reason", REFUSALS, ids=lambda reason: f"{reason}-documented")
def test_refusals(fake: FakeLambda, cluster: KafkaCluster, reason: str) -> None:
    handler = Handler()
    uuid = subscribe(fake, cluster, handler)
    cluster.refuse(reason)
    produce(cluster, "1")
    fake.clock.advance(60)
    answer = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    assert (answer["StateTransitionReason"], answer["LastProcessingResult"]) == REFUSALS[reason]
    assert (answer["State"], handler.batches) == ("Enabled", [])
    cluster.accept()
    fake.clock.run_until_idle()
    answer = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    assert (answer["StateTransitionReason"], answer["LastProcessingResult"]) == ("USER_INITIATED", "OK")
    assert handler.batches == [["1"]]


@FACTS("a4-no-topic", "chosen", "The mapping shows that its topic is missing (the text is ours), and reads it later.")
def test_no_topic_chosen(fake: FakeLambda) -> None:
    cluster = fake.kafka(ARN)
    handler = Handler()
    uuid = subscribe(fake, cluster, handler, StartingPosition="LATEST")
    answer = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    assert (answer["StateTransitionReason"], answer["LastProcessingResult"]) == (
        "ESM_CONFIG_NOT_VALID",
        "PROBLEM: Topic not found",
    )
    cluster.create_topic("orders")
    produce(cluster, "1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@FACTS("b5-timestamps", "documented", "Timestamps are milliseconds, those of the producer.")
def test_timestamps_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    at = datetime(2025, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc)
    handler = Handler()
    cluster.produce("orders", "x", partition=0, timestamp=at)
    subscribe(fake, cluster, handler)
    fake.clock.run_until_idle()
    assert handler.events[0]["records"]["orders-0"][0]["timestamp"] == START - 1


@FACTS("a4-function-timeout", "documented", "The function behind a cluster has a timeout of at most 14 minutes.")
def test_function_timeout_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    handler = Handler()
    uuid = subscribe(fake, cluster, handler)
    fake.client("lambda").update_function_configuration(FunctionName="consumer", Timeout=841)
    produce(cluster, "1")
    fake.clock.advance(10)
    shown = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    assert (shown["State"], shown["StateTransitionReason"]) == ("Enabled", "FUNCTION_CONFIG_NOT_VALID")
    assert handler.batches == []
    assert "840 seconds" in fake.explain(uuid)
    fake.client("lambda").update_function_configuration(FunctionName="consumer", Timeout=840)
    produce(cluster, "2")
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"]]


@FACTS("c5-throttles", "documented", "A throttled batch has not reached the function, so it uses up no retry.")
def test_throttles_documented(fake: FakeLambda, cluster: KafkaCluster, destination: Destination) -> None:
    handler = Handler()
    settings = {**PROVISIONED, "MaximumRetryAttempts": 1, "DestinationConfig": destination.config}
    subscribe(fake, cluster, handler, **settings)
    client = fake.client("lambda")
    client.put_function_concurrency(FunctionName="consumer", ReservedConcurrentExecutions=0)
    produce(cluster, "1")
    fake.clock.advance(3600)
    assert (handler.batches, destination.records()) == ([], [])
    client.delete_function_concurrency(FunctionName="consumer")
    fake.clock.run_until_idle()
    assert (handler.batches, destination.records()) == ([["1"]], [])


@FACTS("c5-destination-fails", "documented", "A failure record that cannot be delivered is counted, and is lost.")
def test_destination_fails_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing"
    handler = Handler("bad")
    settings = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": missing}}}
    uuid = subscribe(fake, cluster, handler, BatchSize=1, **PROVISIONED, **settings)
    produce(cluster, "bad", "next")
    fake.clock.run_until_idle()
    assert handler.batches == [["bad"], ["next"]]
    metrics = fake.mapping(uuid).metrics
    assert (metrics["OnFailureDestinationDeliveryErrorCount"], metrics["DroppedEventCount"]) == (1, 1)
