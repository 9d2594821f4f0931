"""Events of SQS mappings, as recorded from AWS: one fact per row."""

import json

import boto3
import pytest

from helpers.conformance import Facts
from helpers.queues import accept, make_queue, refuse, send, slug, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")

FACTS = Facts("SQS: events")

KEYS = ["messageId", "receiptHandle", "body", "attributes", "messageAttributes"]
MORE_KEYS = ["md5OfBody", "eventSource", "eventSourceARN", "awsRegion"]
TITLE = {
    "Title": {"DataType": "String", "StringValue": "The Whistler"},
    "Author": {"DataType": "String", "StringValue": "John Grisham"},
    "WeeksOn": {"DataType": "Number", "StringValue": "6"},
}


def record_of(lambda_esm, *, queue="orders", body="a body", mapping=None, **message):
    """Send one message, and return its record in the function's event."""
    url = make_queue(queue, VisibilityTimeout=60)
    lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url, **(mapping or {}))
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, **message)
    lambda_esm.clock.run_until_idle()
    [record] = lambda_esm.invocations[-1].event["Records"]
    return record


WINDOW = {"MaximumBatchingWindowInSeconds": 1}

RECORDS = [
    (
        "b.1 key order",
        "The members of a record come in this order: messageId, receiptHandle, body, attributes,"
        " messageAttributes, md5OfBody, eventSource, eventSourceARN, awsRegion.",
        {},
        lambda record: list(record),
        [*KEYS, *MORE_KEYS],
    ),
    (
        "b.1 key order with message attributes",
        "md5OfMessageAttributes is between messageAttributes and md5OfBody.",
        {"MessageAttributes": TITLE},
        lambda record: list(record),
        [*KEYS, "md5OfMessageAttributes", *MORE_KEYS],
    ),
    ("b.1 eventSource", "eventSource is aws:sqs.", {}, lambda record: record["eventSource"], "aws:sqs"),
    ("b.1 awsRegion", "awsRegion is the queue's region.", {}, lambda record: record["awsRegion"], "us-east-1"),
    (
        "b.1 eventSourceARN",
        "eventSourceARN is the queue's ARN.",
        {},
        lambda record: record["eventSourceARN"],
        "arn:aws:sqs:us-east-1:123456789012:orders",
    ),
    (
        "b.1 body is the raw text",
        "body is the text that was sent, whatever it is.",
        {"body": '{"a": "é<&>"}'},
        lambda record: record["body"],
        '{"a": "é<&>"}',
    ),
    (
        "b.1 no message attributes",
        "messageAttributes of a message without any is an empty object.",
        {},
        lambda record: record["messageAttributes"],
        {},
    ),
    (
        "b.1 attributes of a standard queue",
        "A standard queue's message has the attributes ApproximateReceiveCount, SentTimestamp, SenderId and"
        " ApproximateFirstReceiveTimestamp, in this order.",
        {},
        lambda record: list(record["attributes"]),
        ["ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"],
    ),
    (
        "b.1 attributes are texts",
        "All values in attributes are strings.",
        {},
        lambda record: {type(v) for v in record["attributes"].values()},
        {str},
    ),
    (
        "b.1 timestamps are milliseconds",
        "Timestamps are milliseconds since the epoch.",
        {},
        lambda record: (len(record["attributes"]["SentTimestamp"]), record["attributes"]["SentTimestamp"][-3:]),
        (13, "000"),
    ),
    (
        "b.1 trace header",
        "AWSTraceHeader follows ApproximateReceiveCount if it was sent.",
        {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2"}}},
        lambda record: [*list(record["attributes"])[:3], record["attributes"]["AWSTraceHeader"]],
        ["ApproximateReceiveCount", "AWSTraceHeader", "SentTimestamp", "Root=1-2"],
    ),
    (
        "b.1 attributes of a FIFO queue",
        "A FIFO queue adds SequenceNumber and MessageGroupId before SenderId, and MessageDeduplicationId after it.",
        {"queue": "orders.fifo", "MessageGroupId": "1"},
        lambda record: list(record["attributes"]),
        [
            "ApproximateReceiveCount",
            "SentTimestamp",
            "SequenceNumber",
            "MessageGroupId",
            "SenderId",
            "MessageDeduplicationId",
            "ApproximateFirstReceiveTimestamp",
        ],
    ),
    (
        "b.1 a message attribute",
        "A message attribute has stringValue, the empty lists stringListValues and binaryListValues, and dataType.",
        {"MessageAttributes": {"a": {"DataType": "String", "StringValue": "v"}}},
        lambda record: record["messageAttributes"],
        {"a": {"stringValue": "v", "stringListValues": [], "binaryListValues": [], "dataType": "String"}},
    ),
    (
        "b.1 a binary message attribute",
        "A binary message attribute has binaryValue, in base64, in place of stringValue.",
        {"MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}},
        lambda record: record["messageAttributes"],
        {"a": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"}},
    ),
    (
        "b.1 data types as sent",
        "dataType is the type that was sent, with its custom label.",
        {
            "MessageAttributes": {
                "n": {"DataType": "Number", "StringValue": "3"},
                "c": {"DataType": "String.custom", "StringValue": "v"},
            }
        },
        lambda record: {name: value["dataType"] for name, value in record["messageAttributes"].items()},
        {"n": "Number", "c": "String.custom"},
    ),
    (
        "b.1 md5 of the documentation's message attributes",
        "md5OfMessageAttributes is SQS's digest of the message attributes.",
        {"MessageAttributes": TITLE},
        lambda record: record["md5OfMessageAttributes"],
        "d25a6aea97eb8f585bfa92d314504a92",
    ),
    (
        "b.1 md5OfMessageAttributes absent, window 0",
        "Without message attributes, md5OfMessageAttributes is absent if the mapping has no batching window.",
        {},
        lambda record: "md5OfMessageAttributes" in record,
        False,
    ),
    (
        "b.1 md5OfMessageAttributes null, window 1",
        "Without message attributes, md5OfMessageAttributes is null if the mapping has a batching window.",
        {"mapping": WINDOW},
        lambda record: record["md5OfMessageAttributes"],
        None,
    ),
    (
        "b.1 key order with a window",
        "The null of a mapping with a batching window is in the usual place.",
        {"mapping": WINDOW},
        lambda record: list(record),
        [*KEYS, "md5OfMessageAttributes", *MORE_KEYS],
    ),
    (
        "b.1 md5 of message attributes, window 1",
        "With message attributes, md5OfMessageAttributes is their digest, whatever the window.",
        {"mapping": WINDOW, "MessageAttributes": TITLE},
        lambda record: record["md5OfMessageAttributes"],
        "d25a6aea97eb8f585bfa92d314504a92",
    ),
    (
        "b.1 md5OfBody",
        "md5OfBody is the digest of the body.",
        {"body": "hello"},
        lambda record: record["md5OfBody"],
        "5d41402abc4b2a76b9719d911017c592",
    ),
]


@pytest.mark.parametrize(("sent", "read", "expected"), [row[2:] for row in RECORDS], ids=[row[0] for row in RECORDS])
def test_record(lambda_esm, sent, read, expected):
    assert read(record_of(lambda_esm, **sent)) == expected


for name, text, *_ in RECORDS:
    FACTS(slug(name), "recorded", text)(test_record)


@FACTS(
    "b1-redelivery",
    "recorded",
    "A message that is delivered again has the same messageId, a new receiptHandle,"
    " ApproximateReceiveCount 2 and the same"
    " ApproximateFirstReceiveTimestamp.",
)
def test_a_redelivery_has_a_new_receipt_handle_and_the_first_time_of_receipt(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(seconds=30)
    [first], [second] = (invocation.event["Records"] for invocation in lambda_esm.invocations)
    assert first["messageId"] == second["messageId"]
    assert first["receiptHandle"] != second["receiptHandle"]
    assert [record["attributes"]["ApproximateReceiveCount"] for record in (first, second)] == ["1", "2"]
    stamps = [record["attributes"]["ApproximateFirstReceiveTimestamp"] for record in (first, second)]
    assert stamps[0] == stamps[1]


@FACTS(
    "b1-dead-letter-source",
    "documented",
    "A message that was moved to a dead-letter queue names its source in the attribute DeadLetterQueueSourceArn.",
)
def test_a_message_out_of_a_dead_letter_queue_names_where_it_comes_from(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1)
    lambda_esm.function("orders", refuse)
    lambda_esm.function("dead", accept)
    subscribe(lambda_esm, url)
    subscribe(lambda_esm, dead, "dead")
    [message_id] = send(url, "a")
    lambda_esm.clock.run_until_idle()
    [record] = lambda_esm.invocations[-1].event["Records"]
    assert record["messageId"] == message_id
    assert record["attributes"]["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:123456789012:orders"
    assert record["attributes"]["ApproximateReceiveCount"] == "2"
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:123456789012:dead"


def test_the_event_is_json(lambda_esm):
    record = record_of(lambda_esm, MessageAttributes={**TITLE, "b": {"DataType": "Binary", "BinaryValue": b"\xff"}})
    assert json.loads(json.dumps(record)) == record
