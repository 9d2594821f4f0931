"""Pipes of EventBridge: the form of their events, and what reaches a target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.conformance import ACCOUNT, REGION, Fact, Facts, Lab, client

pytest.importorskip("moto.pipes", reason="this moto has no pipes")

FACTS = Facts("Pipes")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipe"


def create_pipe(source: str, target: str, **given: Any) -> None:
    client("pipes").create_pipe(Name="my-pipe", Source=source, Target=target, RoleArn=ROLE, **given)


def send(*bodies: str) -> None:
    for body in bodies:
        client("sqs").send_message(QueueUrl=_url(), MessageBody=body)


def make_queue(name: str = "orders") -> str:
    return str(client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"])


def events(lab: Lab, answer: Any = None) -> list[Any]:
    """The events that a function gets within a minute."""
    function = lab.fake.function("fn", lambda event, context: answer)
    lab.fake.clock.advance(minutes=1)
    return [invocation.event for invocation in function.invocations]


@FACTS("pipe-list", "documented", "A function gets the batch as a list of records, without the member Records.")
def _(lab: Lab) -> None:
    make_queue()
    create_pipe(QUEUE, lab.fake.function("fn").arn)
    send("one", "two")
    [event] = events(lab)
    assert [record["body"] for record in event] == ["one", "two"]
    assert set(event[0]) == {
        *("messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody"),
        *("eventSource", "eventSourceARN", "awsRegion"),
    }


@FACTS("pipe-kinesis", "documented", "Records of Kinesis have all members at the top.")
def _(lab: Lab) -> None:
    client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    start = {"KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON"}}
    create_pipe(STREAM, lab.fake.function("fn").arn, SourceParameters=start)
    client("kinesis").put_record(StreamName="clicks", PartitionKey="k", Data=b"x")
    [[record]] = events(lab)
    assert set(record) == {
        *("kinesisSchemaVersion", "partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp"),
        *("eventSource", "eventVersion", "eventID", "eventName", "invokeIdentityArn", "awsRegion", "eventSourceARN"),
    }


@FACTS("pipe-queue", "documented", "A queue as target gets each record as a message.")
def _(lab: Lab) -> None:
    make_queue()
    url = make_queue("jobs")
    create_pipe(QUEUE, QUEUE.replace("orders", "jobs"))
    send("one", "two")
    lab.fake.clock.run_until_idle()
    messages = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["body"] for message in messages] == ["one", "two"]


@FACTS(
    "pipe-event", "documented", "On an event bus, the source is 'Pipe <name>' and the detail type 'Event from aws:sqs'."
)
def _(lab: Lab) -> None:
    make_queue()
    rules = client("events")
    rules.put_rule(Name="all", EventPattern=json.dumps({"source": ["Pipe my-pipe"]}))
    rules.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": lab.fake.function("fn").arn}])
    create_pipe(QUEUE, f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    send("one")
    [event] = events(lab)
    assert (event["detail-type"], event["detail"]["body"]) == ("Event from aws:sqs", "one")


@FACTS(
    "pipe-failures", "documented", "A function's batchItemFailures count without a setting; other answers are ignored."
)
def _(lab: Lab) -> None:
    make_queue()
    create_pipe(QUEUE, lab.fake.function("fn").arn)
    [identifier] = [client("sqs").send_message(QueueUrl=_url(), MessageBody="one")["MessageId"]]
    send("two")
    assert [len(event) for event in events(lab, {"batchItemFailures": [{"itemIdentifier": identifier}]})] == [2, 1, 1]


@FACTS("pipe-nothing", "documented", "An enrichment that returns an empty list ends the batch, with success.")
def _(lab: Lab) -> None:
    make_queue()
    jobs = make_queue("jobs")
    create_pipe(QUEUE, QUEUE.replace("orders", "jobs"), Enrichment=lab.fake.function("fn").arn)
    send("one")
    assert len(events(lab, [])) == 1
    assert "Messages" not in client("sqs").receive_message(QueueUrl=jobs)
    assert "Messages" not in client("sqs").receive_message(QueueUrl=_url())


@FACTS("pipe-template", "documented", "An input template reads JSON in the body of a message: <$.body.key>.")
def _(lab: Lab) -> None:
    make_queue()
    template = '{"key1": "value1", "key2": <$.body.key>, "pipe": "<aws.pipes.pipe-name>"}'
    create_pipe(QUEUE, lab.fake.function("fn").arn, TargetParameters={"InputTemplate": template})
    send('{"key": [1, 2]}')
    assert events(lab) == [[{"key1": "value1", "key2": [1, 2], "pipe": "my-pipe"}]]


def _url() -> str:
    return str(client("sqs").get_queue_url(QueueName="orders")["QueueUrl"])


@FACTS.parametrize()
def test_fact(lab: Lab, fact: Fact) -> None:
    fact.check(lab)
