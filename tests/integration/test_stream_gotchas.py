"""Pitfalls of streams in production, as a user would test for them: plain boto3 and the fixture."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from pytest_lambda_esm import ClockLimitExceeded, FakeLambda

pytestmark = pytest.mark.lambda_esm(advice="off")

ACCOUNT = "123456789012"
REGION = "us-east-1"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"


def stream(shards: int = 1) -> Any:
    kinesis = boto3.client("kinesis", region_name=REGION)
    kinesis.create_stream(StreamName="clicks", ShardCount=shards)
    return kinesis


def put(kinesis: Any, *names: str, key: str = "key") -> None:
    for name in names:
        kinesis.put_record(StreamName="clicks", Data=name.encode(), PartitionKey=key)


def data(event: dict[str, Any]) -> str:
    return "".join(base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"])


def seen(function: Any) -> list[str]:
    return [data(invocation.event) for invocation in function.invocations]


def map_stream(arn: str = STREAM, **settings: Any) -> str:
    aws_lambda = boto3.client("lambda", region_name=REGION)
    params = {"StartingPosition": "TRIM_HORIZON", **settings}
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="clicks", **params)
    return str(mapping["UUID"])


def queue(name: str) -> tuple[Any, str, dict[str, Any]]:
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return sqs, url, {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}}


def received(sqs: Any, url: str) -> list[dict[str, Any]]:
    return [json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]


def refuse(*bad: str) -> Any:
    def handler(event: dict[str, Any], context: object) -> None:
        text = data(event)
        for name in bad:
            if name in text:
                raise ValueError(f"{name} is bad")

    return handler


# 13
@pytest.mark.parametrize("hours", [24, 48], ids=["default retention", "two days"])
def test_a_poison_record_blocks_its_shard_until_it_expires_and_good_ones_with_it(
    lambda_esm: FakeLambda, hours: int
) -> None:
    kinesis = stream(shards=2)
    if hours > 24:
        kinesis.increase_stream_retention_period(StreamName="clicks", RetentionPeriodHours=hours)
    clicks = lambda_esm.function("clicks", refuse("x"))
    _, url, on_failure = queue("failures")
    uuid = map_stream(BatchSize=1, DestinationConfig=on_failure)
    lambda_esm.clock.advance(5)
    put(kinesis, "x", "g", "h", key="a")  # "a" and "c" fall into different shards.
    put(kinesis, "1", "2", key="b")
    lambda_esm.clock.advance(hours=1)
    assert {"1", "2"} <= set(seen(clicks))
    mapping = lambda_esm.mapping(uuid)
    age = mapping.iterator_age
    lambda_esm.clock.advance(hours=2)
    assert mapping.iterator_age is not None
    assert age is not None
    assert mapping.iterator_age - age == timedelta(hours=2)
    assert "blocked by" in lambda_esm.explain(uuid)
    lambda_esm.clock.advance(hours=hours)
    assert not {"g", "h"} & set(seen(clicks))
    fates = [fate.fate for fate in lambda_esm.fates(uuid_to_arn(mapping))]
    assert sorted(fates) == ["done", "done", "expired", "expired", "expired"]
    assert received(boto3.client("sqs", region_name=REGION), url) == []


def uuid_to_arn(mapping: Any) -> str:
    return str(mapping.source_arn)


# 14
def test_bisecting_does_not_use_up_the_retries(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    clicks = lambda_esm.function("clicks", refuse("4"))
    sqs, url, on_failure = queue("failures")
    put(kinesis, *"01234567")
    map_stream(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1, DestinationConfig=on_failure)
    lambda_esm.clock.run_until_idle()
    assert seen(clicks) == ["01234567", "0123", "4567", "45", "4", "4", "5", "67"]
    (record,) = received(sqs, url)
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert record["requestContext"]["approximateInvokeCount"] == 2


# 15
def test_the_retry_counter_begins_anew_after_a_partial_success(lambda_esm: FakeLambda) -> None:
    kinesis = stream()

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        last = event["Records"][-1]["kinesis"]["sequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": last}]}

    clicks = lambda_esm.function("clicks", handler)
    sqs, url, on_failure = queue("failures")
    put(kinesis, "4", "5", "6")
    map_stream(
        MaximumRetryAttempts=3,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig=on_failure,
    )
    lambda_esm.clock.run_until_idle()
    assert seen(clicks) == ["456", "6", "6", "6", "6"]
    (record,) = received(sqs, url)
    assert record["requestContext"]["approximateInvokeCount"] == 4
    assert record["responseContext"]["functionError"] is None


# 17
def test_the_failure_record_outlives_the_data(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    lambda_esm.function("clicks", refuse("x"))
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="failures")
    sqs, url, on_failure = queue("failures")
    put(kinesis, "x")
    map_stream(MaximumRetryAttempts=0, DestinationConfig=on_failure)
    lambda_esm.function("other", refuse("x"))
    boto3.client("lambda", region_name=REGION).create_event_source_mapping(
        EventSourceArn=STREAM,
        FunctionName="other",
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    )
    lambda_esm.clock.run_until_idle()
    (record,) = received(sqs, url)
    assert "payload" not in record

    def fetch() -> list[bytes]:
        info = record["KinesisBatchInfo"]
        iterator = kinesis.get_shard_iterator(
            StreamName="clicks",
            ShardId=info["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=info["startSequenceNumber"],
        )["ShardIterator"]
        return [found["Data"] for found in kinesis.get_records(ShardIterator=iterator)["Records"]]

    assert fetch() == [b"x"]
    lambda_esm.clock.advance(hours=25)
    assert fetch() == []
    (entry,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    kept = json.loads(s3.get_object(Bucket="failures", Key=entry["Key"])["Body"].read())
    assert data(json.loads(kept["payload"])) == "x"


def test_a_clock_that_does_not_become_idle_names_the_record(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    lambda_esm.function("clicks", refuse("bad"))
    uuid = map_stream()
    put(kinesis, "bad", key="a")
    (record,) = (fate.record for fate in lambda_esm.fates(uuid))
    with pytest.raises(ClockLimitExceeded) as raised:
        lambda_esm.clock.run_until_idle()
    due = "2026-01-01 01:00:08.750000"
    shard, _, number = record.partition(":")
    attempt = f"attempt 68 with record {number} (key 'a') of {shard} in {STREAM}"
    assert f"{due} mapping {uuid}: {attempt}" in str(raised.value)


# 18
@pytest.mark.parametrize(("position", "expected"), [("LATEST", ["b"]), ("TRIM_HORIZON", ["a", "b"])])
def test_latest_misses_what_comes_while_the_mapping_is_created(
    lambda_esm: FakeLambda, position: str, expected: list[str]
) -> None:
    kinesis = stream()
    clicks = lambda_esm.function("clicks", refuse())
    lambda_esm.transitions(creating=60)
    uuid = map_stream(StartingPosition=position)
    lambda_esm.clock.advance(10)
    put(kinesis, "a")
    lambda_esm.clock.advance(60)
    assert lambda_esm.mapping(uuid).state == "Enabled"
    put(kinesis, "b")
    lambda_esm.clock.run_until_idle()
    assert seen(clicks) == expected


# 19
def test_a_mapping_that_is_disabled_longer_than_the_retention_loses_records(lambda_esm: FakeLambda) -> None:
    kinesis, aws_lambda = stream(), boto3.client("lambda", region_name=REGION)
    clicks = lambda_esm.function("clicks", refuse())
    uuid = map_stream()
    lambda_esm.clock.advance(5)
    put(kinesis, "a")
    lambda_esm.clock.run_until_idle()
    aws_lambda.update_event_source_mapping(UUID=uuid, Enabled=False)
    lambda_esm.clock.run_until_idle()
    put(kinesis, "b")
    lambda_esm.clock.advance(hours=20)
    put(kinesis, "c")
    lambda_esm.clock.advance(hours=5)
    assert [fate.fate for fate in lambda_esm.fates(STREAM)] == ["done", "expired", "waiting"]
    aws_lambda.update_event_source_mapping(UUID=uuid, Enabled=True)
    lambda_esm.clock.run_until_idle()
    assert seen(clicks) == ["a", "c"]


@pytest.mark.parametrize(("position", "expected"), [("LATEST", ["a", "c"]), ("TRIM_HORIZON", ["a", "ab", "c"])])
def test_a_mapping_made_anew_does_not_go_on_where_the_old_one_stopped(
    lambda_esm: FakeLambda, position: str, expected: list[str]
) -> None:
    kinesis, aws_lambda = stream(), boto3.client("lambda", region_name=REGION)
    clicks = lambda_esm.function("clicks", refuse())
    uuid = map_stream()
    lambda_esm.clock.advance(5)
    put(kinesis, "a")
    lambda_esm.clock.run_until_idle()
    aws_lambda.delete_event_source_mapping(UUID=uuid)
    lambda_esm.clock.run_until_idle()
    put(kinesis, "b")
    map_stream(StartingPosition=position)
    lambda_esm.clock.run_until_idle()
    put(kinesis, "c")
    lambda_esm.clock.run_until_idle()
    assert seen(clicks) == expected


# 20
def test_parallel_lanes_keep_the_order_of_each_key_only(lambda_esm: FakeLambda) -> None:
    kinesis = stream()

    clicks = lambda_esm.function("clicks", refuse("3"))
    for number in "13579":
        put(kinesis, number, key="a")
        put(kinesis, str(int(number) + 1 if number != "9" else 0), key="b")
    map_stream(ParallelizationFactor=2, BatchSize=1)
    lambda_esm.clock.advance(60)
    of_a = [name for name in seen(clicks) if name in "13579"]
    of_b = [name for name in seen(clicks) if name in "24680"]
    assert of_b == list("24680")
    assert set(of_a) == {"1", "3"}


# 21
def test_a_tumbling_window_without_state_in_the_answer_fails(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    clicks = lambda_esm.function("clicks", lambda event, context: {})
    put(kinesis, "1")
    uuid = map_stream(TumblingWindowInSeconds=60, MaximumRetryAttempts=2)
    lambda_esm.clock.advance(30)
    assert seen(clicks) == ["1", "1", "1"]
    assert lambda_esm.mapping(uuid)._last_result == "PROBLEM: Function call failed"


def test_a_tumbling_window_with_too_much_state_ends_early(lambda_esm: FakeLambda) -> None:
    kinesis = stream()

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        return {"state": {"blob": "x" * (1024 * 1024)} if event["Records"] else {}}

    clicks = lambda_esm.function("clicks", handler)
    put(kinesis, "1", "2")
    map_stream(TumblingWindowInSeconds=60, BatchSize=1)
    lambda_esm.clock.advance(5)
    ends = [invocation.event["isWindowTerminatedEarly"] for invocation in clicks.invocations]
    assert ends == [False, True, False, True]
    assert clicks.invocations[2].event["state"] == {}


def test_the_last_invocation_of_a_window_waits_two_minutes_for_records(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    clicks = lambda_esm.function("clicks", lambda event, context: {"state": event["state"]})
    map_stream(TumblingWindowInSeconds=60)
    lambda_esm.clock.advance(5)
    put(kinesis, "1")
    lambda_esm.clock.advance(55 + 119)
    assert len(clicks.invocations) == 1
    lambda_esm.clock.advance(1)
    assert clicks.invocations[-1].event["isFinalInvokeForWindow"]


def test_a_last_invocation_that_fails_suspends_the_shard(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    healthy: list[bool] = []

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        assert healthy or not event["isFinalInvokeForWindow"]
        return {"state": event["state"]}

    clicks = lambda_esm.function("clicks", handler)
    uuid = map_stream(TumblingWindowInSeconds=60)
    lambda_esm.clock.advance(5)
    put(kinesis, "1")
    lambda_esm.clock.advance(60)
    put(kinesis, "2")
    lambda_esm.clock.advance(600)
    assert "2" not in seen(clicks)
    assert "suspended" in lambda_esm.explain(uuid)
    healthy.append(True)
    lambda_esm.clock.advance(60)
    assert "2" in seen(clicks)


def test_children_of_a_split_shard_begin_their_windows_anew(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    clicks = lambda_esm.function("clicks", lambda event, context: {"state": {"sum": data(event)}})
    map_stream(TumblingWindowInSeconds=900)
    lambda_esm.clock.advance(5)
    put(kinesis, "1")
    lambda_esm.clock.advance(1)
    kinesis.split_shard(StreamName="clicks", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 127))
    put(kinesis, "2")
    lambda_esm.clock.advance(1)
    events = [invocation.event for invocation in clicks.invocations]
    assert [event["isFinalInvokeForWindow"] for event in events] == [False, True, False]
    assert events[2]["state"] == {}
    assert events[2]["shardId"] != "shardId-000000000000"


def test_a_child_waits_for_the_last_invocation_of_its_parents_window(lambda_esm: FakeLambda) -> None:
    kinesis = stream()
    fail = iter([True, True])

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        if event["isFinalInvokeForWindow"] and next(fail, False):
            raise ValueError("not yet")
        return {"state": {}}

    clicks = lambda_esm.function("clicks", handler, timeout=20, duration=10)
    map_stream(TumblingWindowInSeconds=900)
    lambda_esm.clock.advance(5)
    put(kinesis, "1")
    lambda_esm.clock.advance(1)
    kinesis.split_shard(StreamName="clicks", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 127))
    lambda_esm.clock.advance(14)
    put(kinesis, "2")  # The parent's last invocation runs.
    lambda_esm.clock.advance(60)
    kinds = [(each.event["shardId"], each.event["isFinalInvokeForWindow"], each.outcome) for each in clicks.invocations]
    parent = "shardId-000000000000"
    assert kinds[:4] == [(parent, False, "success"), *[(parent, True, "error")] * 2, (parent, True, "success")]
    assert [kind[1] for kind in kinds[4:]] == [False]
    assert clicks.invocations[4].started >= clicks.invocations[3].started + timedelta(seconds=10)


# 22
@pytest.mark.parametrize(
    "pattern",
    [
        {"dynamodb": {"NewImage": {"price": {"N": [{"numeric": [">", 10]}]}}}},
        {"dynamodb": {"NewImage": {"price": [{"exists": True}]}}},
    ],
    ids=["numeric", "exists above the type"],
)
def test_filters_on_tables_that_never_match(lambda_esm: FakeLambda, pattern: dict[str, Any]) -> None:
    table = boto3.client("dynamodb", region_name=REGION)
    arn = table.create_table(
        TableName="prices",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    clicks = lambda_esm.function("clicks", refuse())
    table.put_item(TableName="prices", Item={"id": {"S": "a"}, "price": {"N": "20"}})
    map_stream(arn, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    lambda_esm.clock.run_until_idle()
    assert clicks.invocations == []
    assert [fate.fate for fate in lambda_esm.fates(arn)] == ["filtered out"]


# 16
@pytest.mark.parametrize("age", [3600, -1], ids=["maximum age", "no maximum age"])
def test_retries_are_no_protection_for_a_function_without_concurrency(lambda_esm: FakeLambda, age: int) -> None:
    kinesis = stream()
    clicks = lambda_esm.function("clicks", refuse())
    boto3.client("lambda", region_name=REGION).put_function_concurrency(
        FunctionName="clicks", ReservedConcurrentExecutions=0
    )
    sqs, url, on_failure = queue("failures")
    map_stream(MaximumRetryAttempts=2, MaximumRecordAgeInSeconds=age, DestinationConfig=on_failure)
    lambda_esm.clock.advance(5)
    put(kinesis, "1")
    lambda_esm.clock.advance(3599)
    assert [fate.fate for fate in lambda_esm.fates(STREAM)] == ["waiting"]
    lambda_esm.clock.advance(hours=24)
    assert clicks.invocations == []
    if age == -1:
        assert received(sqs, url) == []
        assert [fate.fate for fate in lambda_esm.fates(STREAM)] == ["expired"]
    else:
        (record,) = received(sqs, url)
        assert record["requestContext"]["condition"] == "RecordAgeExceeded"
        assert "responseContext" not in record
