"""SQS queues, messages and mappings through plain boto3, and handlers for them."""

import json
import re

import boto3


def make_queue(name="orders", *, dead_letter=None, after=None, **attributes):
    """Create a queue and return its URL.

    ``dead_letter`` is the URL of its dead-letter queue, and ``after`` is the maximum receive count.
    """
    sqs = boto3.client("sqs")
    if name.endswith(".fifo"):
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
    if dead_letter is not None:
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": arn_of(dead_letter), "maxReceiveCount": after})
    return sqs.create_queue(QueueName=name, Attributes={key: str(value) for key, value in attributes.items()})[
        "QueueUrl"
    ]


def arn_of(url):
    return boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def send(url, *bodies, group=None, **params):
    """Send messages one by one and return their ids."""
    if group is not None:
        params["MessageGroupId"] = group
    sqs = boto3.client("sqs")
    return [sqs.send_message(QueueUrl=url, MessageBody=body, **params)["MessageId"] for body in bodies]


def send_many(url, count, size=10):
    """Send ``count`` numbered messages in batches."""
    sqs = boto3.client("sqs")
    for first in range(0, count, size):
        numbers = range(first, min(first + size, count))
        sqs.send_message_batch(
            QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": f"message {number}"} for number in numbers]
        )


def subscribe(lambda_esm, url, function="orders", **params):
    """Create a mapping, advance the clock until it is Enabled, and return the fake's Mapping."""
    answer = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=arn_of(url), FunctionName=function, **params
    )
    mapping = lambda_esm.mapping(answer)
    lambda_esm.clock.run_until(lambda: mapping.state == "Enabled")
    return mapping


def counts(url):
    """Return the numbers of visible, in-flight and delayed messages."""
    names = ["", "NotVisible", "Delayed"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(answer[f"ApproximateNumberOfMessages{name}"]) for name in names)


def bodies(invocation):
    return [record["body"] for record in invocation.event["Records"]]


def receive_counts(invocation):
    return [record["attributes"]["ApproximateReceiveCount"] for record in invocation.event["Records"]]


def since(lambda_esm, start):
    """Return the seconds from ``start`` to the beginning of each invocation."""
    return [(invocation.started - start).total_seconds() for invocation in lambda_esm.invocations]


def accept(event, context):
    """A handler that succeeds."""


def refuse(event, context):
    """A handler that always fails."""
    raise ValueError("refused")


def report(*failing):
    """Return a handler that reports the messages with these bodies as failed."""

    def handler(event, context):
        failed = [record["messageId"] for record in event["Records"] if record["body"] in failing]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    return handler


def slug(name):
    """Return the id of a fact for the name of a row: "c.2 null list" becomes c2-null-list."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace(".", "").replace("{}", "empty object")).strip("-")
