"""The recipes of the how-to page on streams. Each is a test, and the project runs them."""

# [setup]
import base64
import json
from datetime import timedelta

import boto3
import pytest


def make_stream(name="clicks", shards=1):
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    return kinesis, kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]


def make_queue(name):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def data_of(record):
    return base64.b64decode(record["kinesis"]["data"]).decode()


def count_clicks(event, context):
    """The function under test: it can only read JSON."""
    for record in event["Records"]:
        json.loads(data_of(record))


# [/setup]


# [poison]
@pytest.mark.lambda_esm(advice_ignore="ESM114 ESM117")
def test_a_broken_click_is_set_aside_and_the_others_are_counted(lambda_esm):
    kinesis, stream_arn = make_stream()
    queue_url, queue_arn = make_queue("broken-clicks")
    clicks = lambda_esm.function("clicks", count_clicks)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName="clicks",
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    for data in ('{"page": 1}', "not JSON", '{"page": 2}'):
        kinesis.put_record(StreamName="clicks", Data=data.encode(), PartitionKey="visitor")

    lambda_esm.clock.run_until_idle()

    fates = [fate.fate for fate in lambda_esm.fates(stream_arn)]
    assert fates == ["done", "sent to a destination", "done"]
    sizes = [len(invocation.event["Records"]) for invocation in clicks.invocations]
    assert sizes == [3, 1, 2, 1, 1, 1, 1]
    message = boto3.client("sqs").receive_message(QueueUrl=queue_url)["Messages"][0]
    assert json.loads(message["Body"])["KinesisBatchInfo"]["batchSize"] == 1


# [/poison]


# [blocked]
@pytest.mark.lambda_esm(advice_ignore="ESM113")
def test_a_failing_shard_shows_in_the_iterator_age(lambda_esm):
    kinesis, stream_arn = make_stream()
    lambda_esm.function("clicks", count_clicks)
    mapping = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=stream_arn, FunctionName="clicks", StartingPosition="TRIM_HORIZON"
    )
    lambda_esm.clock.run_until_idle()
    kinesis.put_record(StreamName="clicks", Data=b"not JSON", PartitionKey="visitor")

    lambda_esm.clock.advance(hours=6)

    assert lambda_esm.mapping(mapping).iterator_age == timedelta(hours=6)
    assert "is blocked by record" in lambda_esm.explain(mapping["UUID"])


# [/blocked]


# [latest]
@pytest.mark.lambda_esm(advice_ignore="ESM118")
def test_latest_misses_what_comes_while_the_mapping_is_created(lambda_esm):
    kinesis, stream_arn = make_stream()
    clicks = lambda_esm.function("clicks", count_clicks)
    lambda_esm.transitions(creating=60)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=stream_arn, FunctionName="clicks", StartingPosition="LATEST"
    )
    lambda_esm.clock.advance(10)
    kinesis.put_record(StreamName="clicks", Data=b"1", PartitionKey="visitor")
    lambda_esm.clock.advance(60)
    kinesis.put_record(StreamName="clicks", Data=b"2", PartitionKey="visitor")
    lambda_esm.clock.run_until_idle()

    assert [data_of(record) for record in clicks.invocations[0].event["Records"]] == ["2"]
    assert [fate.fate for fate in lambda_esm.fates(stream_arn)] == ["skipped by the starting position", "done"]


# [/latest]


# [split]
def test_the_order_of_a_visitor_survives_a_split(lambda_esm):
    kinesis, stream_arn = make_stream()
    clicks = lambda_esm.function("clicks", count_clicks)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=stream_arn, FunctionName="clicks", StartingPosition="TRIM_HORIZON"
    )
    kinesis.put_record(StreamName="clicks", Data=b"1", PartitionKey="visitor")
    kinesis.split_shard(StreamName="clicks", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    kinesis.put_record(StreamName="clicks", Data=b"2", PartitionKey="visitor")

    lambda_esm.clock.run_until_idle()

    records = [record for invocation in clicks.invocations for record in invocation.event["Records"]]
    assert [data_of(record) for record in records] == ["1", "2"]
    assert records[0]["eventID"].startswith("shardId-000000000000:")
    assert not records[1]["eventID"].startswith("shardId-000000000000:")


# [/split]


# [window]
def test_clicks_are_summed_up_by_the_minute(lambda_esm):
    kinesis, stream_arn = make_stream()

    def sum_up(event, context):
        if event["isFinalInvokeForWindow"]:
            totals.append(event["state"]["clicks"])
        return {"state": {"clicks": event["state"].get("clicks", 0) + len(event["Records"])}}

    totals = []
    lambda_esm.function("clicks", sum_up)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName="clicks",
        StartingPosition="TRIM_HORIZON",
        TumblingWindowInSeconds=60,
    )
    for _ in range(3):
        kinesis.put_record(StreamName="clicks", Data=b"1", PartitionKey="visitor")
        lambda_esm.clock.advance(25)

    lambda_esm.clock.run_until_idle()

    assert totals == [3]


# [/window]
