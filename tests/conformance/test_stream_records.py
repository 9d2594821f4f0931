"""The events of stream mappings, key by key, as real functions received them.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.streams import REGION, Handler, KinesisSource, TableSource, subscribe
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.sources import dynamodb

FACTS = Facts("Streams: records")


def events(fake: FakeLambda) -> list[dict[str, Any]]:
    fake.clock.run_until_idle()
    return [invocation.event for invocation in fake.invocations]


def changes(fake: FakeLambda) -> list[dict[str, Any]]:
    return [record for event in events(fake) for record in event["Records"]]


# --- Kinesis ---------------------------------------------------------------------------------------------------


@FACTS("b2-record", "recorded", "A Kinesis record, key by key.")
def test_kinesis_record_recorded(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    subscribe(fake, source, Handler(source))
    fake.clock.advance(0.456789)
    (number,) = source.put("hello", key="key")
    (event,) = events(fake)
    role = fake.client("lambda").get_function_configuration(FunctionName="consumer")["Role"]
    expected = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "key",
            "sequenceNumber": number,
            "data": "aGVsbG8=",
            "approximateArrivalTimestamp": 1767225605.457,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": REGION,
        "eventSourceARN": source.arn,
    }
    assert event == {"Records": [expected]}
    assert list(event["Records"][0]) == list(expected)
    assert list(event["Records"][0]["kinesis"]) == list(expected["kinesis"])


@FACTS("b2-data", "recorded", "Data of any bytes is base64.")
def test_kinesis_data_of_any_bytes_is_base64_recorded(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    subscribe(fake, source, lambda event, context: None)
    source.client.put_record(StreamName=source.name, Data=b"\x00\xff\xfe", PartitionKey="k")
    assert changes(fake)[0]["kinesis"]["data"] == "AP/+"


@FACTS("b2-consumer", "documented", "Records that come through a consumer carry the consumer's ARN.")
def test_records_of_a_consumer_carry_the_consumers_arn_documented(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    consumer = source.client.register_stream_consumer(StreamARN=source.arn, ConsumerName="fan-out")["Consumer"]
    stream_arn, source.arn = source.arn, consumer["ConsumerARN"]
    handler = Handler(source)
    subscribe(fake, source, handler)
    source.put("1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]
    assert changes(fake)[0]["eventSourceARN"] == consumer["ConsumerARN"]
    assert [fate.fate for fate in fake.fates(stream_arn)] == ["done"]


@FACTS("b2-consumer-gone", "documented", "A mapping on a deregistered consumer stops reading.")
def test_a_mapping_on_a_consumer_that_is_gone_reads_no_more_documented(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    consumer = source.client.register_stream_consumer(StreamARN=source.arn, ConsumerName="fan-out")["Consumer"]
    stream_arn, source.arn = source.arn, consumer["ConsumerARN"]
    handler = Handler(source)
    subscribe(fake, source, handler)
    source.client.deregister_stream_consumer(StreamARN=stream_arn, ConsumerName="fan-out")
    source.put("1")
    fake.clock.run_until_idle()
    assert handler.batches == []


# --- DynamoDB --------------------------------------------------------------------------------------------------


@FACTS("b3-record", "recorded", "A DynamoDB record, key by key; eventVersion is 1.1.")
def test_dynamodb_record_recorded(fake: FakeLambda) -> None:
    source = TableSource(fake)
    subscribe(fake, source, Handler(source))
    fake.clock.advance(0.5)
    source.client.put_item(TableName=source.name, Item={"id": {"S": "a"}, "price": {"N": "42"}})
    (record,) = changes(fake)
    assert re.fullmatch("[0-9a-f]{32}", record["eventID"])
    expected = {
        "eventID": record["eventID"],
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225605.0,
            "Keys": {"id": {"S": "a"}},
            "NewImage": {"id": {"S": "a"}, "price": {"N": "42"}},
            "SequenceNumber": record["dynamodb"]["SequenceNumber"],
            # "id" and "a" twice, and "price" with a number of two digits.
            "SizeBytes": 3 + 3 + 5 + 2,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": source.arn,
    }
    assert record == expected
    assert list(record) == list(expected)
    assert list(record["dynamodb"]) == list(expected["dynamodb"])


@FACTS("b3-region", "recorded", "awsRegion is the table's own.")
def test_the_region_of_dynamodb_records_is_their_own_recorded() -> None:
    with FakeLambda(region="eu-west-1", advice="off") as fake:
        source = TableSource(fake)
        subscribe(fake, source, Handler(source))
        source.put("a")
        assert changes(fake)[0]["awsRegion"] == "eu-west-1"


@FACTS("b3-views", "documented", "NewImage and OldImage follow the view type and the kind of change.")
@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", [(), (), ()]),
        ("NEW_IMAGE", [("NewImage",), ("NewImage",), ()]),
        ("OLD_IMAGE", [(), ("OldImage",), ("OldImage",)]),
        ("NEW_AND_OLD_IMAGES", [("NewImage",), ("NewImage", "OldImage"), ("OldImage",)]),
    ],
    ids=lambda value: f"{value}-documented" if isinstance(value, str) else "",
)
def test_images_follow_the_view_type(fake: FakeLambda, view: str, images: list[tuple[str, ...]]) -> None:
    source = TableSource(fake, view=view)
    subscribe(fake, source, Handler(source))
    for version in ("1", "2"):
        source.client.put_item(TableName=source.name, Item={"id": {"S": "a"}, "version": {"N": version}})
    source.client.delete_item(TableName=source.name, Key={"id": {"S": "a"}})
    records = changes(fake)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [tuple(name for name in record["dynamodb"] if name.endswith("Image")) for record in records] == images


@FACTS("b3-upsert", "documented", "An update that creates an item writes one INSERT with the whole item.")
def test_an_update_that_makes_an_item_is_one_insert_with_all_of_it_documented(fake: FakeLambda) -> None:
    source = TableSource(fake)
    subscribe(fake, source, Handler(source))
    source.client.update_item(
        TableName=source.name,
        Key={"id": {"S": "a"}},
        UpdateExpression="SET price = :price",
        ExpressionAttributeValues={":price": {"N": "1"}},
    )
    (record,) = changes(fake)
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "price": {"N": "1"}}


@FACTS("b3-no-change", "recorded", "A write that changes nothing writes no record.")
@pytest.mark.parametrize("way", ["put", "update"], ids=lambda way: f"{way}-recorded")
def test_a_write_that_changes_nothing_writes_no_record(fake: FakeLambda, way: str) -> None:
    source = TableSource(fake)
    subscribe(fake, source, Handler(source))
    source.client.put_item(TableName=source.name, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    if way == "put":
        source.client.put_item(TableName=source.name, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    else:
        source.client.update_item(
            TableName=source.name,
            Key={"id": {"S": "a"}},
            UpdateExpression="SET n = :n",
            ExpressionAttributeValues={":n": {"N": "1"}},
        )
    assert [record["eventName"] for record in changes(fake)] == ["INSERT"]


@FACTS("b3-binary", "recorded", "Binary values are base64 text.")
def test_binary_values_are_base64_text_recorded(fake: FakeLambda) -> None:
    source = TableSource(fake)
    subscribe(fake, source, Handler(source))
    item = {
        "id": {"S": "a"},
        "data": {"B": b"foobar"},
        "more": {"BS": [b"foo"]},
        "deep": {"M": {"list": {"L": [{"B": b"bar"}, {"BOOL": True}, {"NULL": True}]}}},
    }
    source.client.put_item(TableName=source.name, Item=item)
    (record,) = changes(fake)
    assert record["dynamodb"]["NewImage"] == {
        "id": {"S": "a"},
        "data": {"B": "Zm9vYmFy"},
        "more": {"BS": ["Zm9v"]},
        "deep": {"M": {"list": {"L": [{"B": "YmFy"}, {"BOOL": True}, {"NULL": True}]}}},
    }


SIZES: list[tuple[dict[str, Any], int]] = [
    ({"a": {"S": "ä"}}, 1 + 2),
    ({"a": {"N": "42"}}, 1 + 2),
    ({"a": {"N": "-1234.5"}}, 1 + 1 + 3 + 1),
    ({"a": {"B": b"1234"}}, 1 + 4),
    ({"a": {"BOOL": True}, "b": {"NULL": True}}, 4),
    ({"a": {"SS": ["x", "yz"]}}, 1 + 3),
    ({"a": {"L": [{"S": "x"}]}}, 1 + 3 + 1 + 1),
    ({"a": {"M": {"k": {"S": "x"}}}}, 1 + 3 + 1 + 2),
]


@FACTS("b3-sizes", "documented", "SizeBytes counts names and values of keys and images.")
@pytest.mark.parametrize(("item", "size"), [pytest.param(*row, id=f"{row[0]}-documented") for row in SIZES])
def test_sizes_of_attributes(item: dict[str, Any], size: int) -> None:
    assert dynamodb.size_of(item) == size


@FACTS("b3-same-in-the-api", "documented", "A record has the same members in GetRecords as in the function's event.")
def test_records_of_the_streams_api_are_those_of_the_event_documented(fake: FakeLambda) -> None:
    source = TableSource(fake)
    subscribe(fake, source, Handler(source))
    item = {"id": {"S": "a"}, "number": {"N": "1.50"}}
    source.client.put_item(TableName=source.name, Item=item)
    source.client.put_item(TableName=source.name, Item={**item, "number": {"N": "2"}})
    source.client.delete_item(TableName=source.name, Key={"id": {"S": "a"}})
    fake.clock.run_until_idle()
    streams = fake.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=source.arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=source.arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    read = streams.get_records(ShardIterator=iterator)["Records"]
    received = [record for invocation in fake.invocations for record in invocation.event["Records"]]
    assert len(read) == len(received) == 3
    for one, other in zip(read, received, strict=True):
        one["dynamodb"]["ApproximateCreationDateTime"] = one["dynamodb"]["ApproximateCreationDateTime"].timestamp()
        assert {**one, "eventSourceARN": source.arn} == other


@FACTS("b3-time-to-live", "recorded", "An item deleted by its time to live has a userIdentity.")
def test_an_item_deleted_by_its_time_to_live_says_so_recorded(fake: FakeLambda) -> None:
    source = TableSource(fake)
    subscribe(fake, source, Handler(source))
    expiry = {"Enabled": True, "AttributeName": "expires"}
    source.client.update_time_to_live(TableName=source.name, TimeToLiveSpecification=expiry)
    second = int(fake.clock.now.timestamp()) + 60
    source.client.put_item(TableName=source.name, Item={"id": {"S": "a"}, "expires": {"N": str(second)}})
    fake.clock.advance(60)
    (record,) = fake.invocations[-1].event["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["dynamodb"]["OldImage"] == {"id": {"S": "a"}, "expires": {"N": str(second)}}
    assert record["dynamodb"]["ApproximateCreationDateTime"] == second
    assert record["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert list(record)[-2:] == ["userIdentity", "eventSourceARN"]


@FACTS("b3-disabled", "documented", "Writes after the stream was disabled are not read.")
def test_writes_to_a_table_whose_stream_was_disabled_are_not_read_documented(fake: FakeLambda) -> None:
    source = TableSource(fake)
    handler = Handler(source)
    subscribe(fake, source, handler)
    source.put("a")
    source.client.update_table(TableName=source.name, StreamSpecification={"StreamEnabled": False})
    source.put("b")
    fake.clock.run_until_idle()
    assert handler.batches == [["a"]]


# --- tumbling windows --------------------------------------------------------------------------------------------


@FACTS("b4-event", "documented", "The event of a tumbling window, key by key; the last one has no records.")
def test_the_event_of_a_tumbling_window_documented(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    subscribe(fake, source, lambda event, context: {"state": {"n": len(event["Records"])}}, TumblingWindowInSeconds=120)
    fake.clock.advance(seconds=60)
    source.put("1")
    fake.clock.run_until_idle()
    first, final = (invocation.event for invocation in fake.invocations)
    assert list(first) == [
        "Records",
        "window",
        "state",
        "shardId",
        "eventSourceARN",
        "isFinalInvokeForWindow",
        "isWindowTerminatedEarly",
    ]
    assert first["window"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:02:00Z"}
    assert first["state"] == {}
    assert first["shardId"] == "shardId-000000000000"
    assert first["eventSourceARN"] == source.arn
    assert (first["isFinalInvokeForWindow"], first["isWindowTerminatedEarly"]) == (False, False)
    assert final == {**first, "Records": [], "state": {"n": 1}, "isFinalInvokeForWindow": True}
