"""What a test reads of an invocation's event and of its error: records, bodies, traceback."""

import json

import boto3
import pytest

from pytest_lambda_esm import raises
from pytest_lambda_esm.invocation.event_records import body_of, records_of


@pytest.fixture
def orders(lambda_esm):
    return lambda_esm.function("orders", lambda event, context: None)


def subscribe(arn, **parameters):
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders", **parameters)


def test_messages(lambda_esm, orders):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    subscribe("arn:aws:sqs:us-east-1:123456789012:q")
    for body in ('{"id": 1}', "plain"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    lambda_esm.clock.run_until_idle()
    [invocation] = orders.invocations
    assert invocation.bodies == [{"id": 1}, "plain"]
    assert [record["body"] for record in invocation.records] == ['{"id": 1}', "plain"]
    invocation.records[0]["body"] = "changed"
    assert invocation.records[0]["body"] == '{"id": 1}'


def test_records_of_streams_and_kafka(lambda_esm, orders):
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    subscribe("arn:aws:kinesis:us-east-1:123456789012:stream/s", StartingPosition="TRIM_HORIZON")
    for data in (b'{"id": 1}', b"\xff"):
        kinesis.put_record(StreamName="s", Data=data, PartitionKey="p")
    cluster = lambda_esm.kafka("main")
    cluster.create_topic("orders")
    subscribe(cluster.arn, Topics=["orders"], StartingPosition="TRIM_HORIZON")
    cluster.produce("orders", '{"id": 2}')
    lambda_esm.clock.run_until_idle()
    bodies = [body for invocation in orders.invocations for body in invocation.bodies]
    assert len(bodies) == 3
    assert {"id": 1} in bodies
    assert b"\xff" in bodies
    assert {"id": 2} in bodies


def test_items(lambda_esm, orders):
    dynamodb = boto3.client("dynamodb")
    arn = dynamodb.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    subscribe(arn, StartingPosition="TRIM_HORIZON")
    dynamodb.put_item(TableName="items", Item={"id": {"S": "a"}, "paid": {"BOOL": True}, "tags": {"L": [{"N": "1"}]}})
    dynamodb.delete_item(TableName="items", Key={"id": {"S": "a"}})
    lambda_esm.clock.run_until_idle()
    item = {"id": "a", "paid": True, "tags": [1]}
    assert [body for invocation in orders.invocations for body in invocation.bodies] == [item, item]


OTHERS = [
    ({"Records": [{"Sns": {"Message": '{"id": 1}'}}]}, [{"id": 1}]),
    ({"Records": [{"s3": {"bucket": {"name": "b"}}}]}, [{"s3": {"bucket": {"name": "b"}}}]),
    ({"messages": [{"data": "eyJpZCI6IDF9"}]}, [{"id": 1}]),
    ({"rmqMessagesByQueue": {"q::/": [{"data": "eA=="}]}}, ["x"]),
    ({"events": [{"event": {"operationType": "insert"}}]}, [{"operationType": "insert"}]),
    ({"records": {"t-0": [{"topic": "t", "value": "MQ=="}], "t-1": [{"topic": "t", "value": None}]}}, [1, None]),
    ({"Records": [{"dynamodb": {"Keys": {"id": {"S": "a"}}}}]}, [{"id": "a"}]),
    ({"Records": [{"body": "\x1b[31m"}]}, ["\x1b[31m"]),
    ({"Records": "none", "detail": {}}, []),
    (["a list"], []),
    ("a text", []),
]


@pytest.mark.parametrize(("event", "bodies"), OTHERS)
def test_events_of_other_services(event, bodies):
    assert [body_of(record) for record in records_of(event)] == bodies


def test_an_event_that_is_no_batch(orders):
    boto3.client("lambda").invoke(FunctionName="orders", Payload=json.dumps({"id": 1}))
    assert orders.invocations[0].records == orders.invocations[0].bodies == []


def fail(event, context):
    raise KeyError("\x1b[31m")


def test_a_traceback(lambda_esm):
    orders = lambda_esm.function("orders", fail)
    client = boto3.client("lambda")
    client.invoke(FunctionName="orders")
    orders.script(raises(ValueError("scripted")))
    client.invoke(FunctionName="orders")
    lambda_esm.function("orders", lambda event, context: None)
    client.invoke(FunctionName="orders")
    first, second, third = orders.invocations
    assert first.traceback.startswith("Traceback (most recent call last):\n  File ")
    assert 'in fail\n    raise KeyError("\\x1b[31m")\nKeyError: ' in first.traceback
    assert "\x1b" not in first.traceback
    assert second.traceback == "ValueError: scripted"
    assert third.traceback == ""
