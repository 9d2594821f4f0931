"""Queues, functions and mappings as a user makes them, for the tests of SQS mappings."""

import json
import re

import boto3


def make_queue(name="orders", *, dead_letter=None, after=None, **attributes):
    """Make a queue; ``dead_letter`` names the queue that takes over ``after`` so many receives. Gives its URL."""
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
    """Send messages one by one; gives their ids."""
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
    """Create a mapping and let it become Enabled; gives the fake's Mapping."""
    answer = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=arn_of(url), FunctionName=function, **params
    )
    mapping = lambda_esm.mapping(answer)
    lambda_esm.clock.run_until(lambda: mapping.state == "Enabled")
    return mapping


def counts(url):
    """How many messages are visible, hidden and delayed."""
    names = ["", "NotVisible", "Delayed"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(answer[f"ApproximateNumberOfMessages{name}"]) for name in names)


def bodies(invocation):
    return [record["body"] for record in invocation.event["Records"]]


def receive_counts(invocation):
    return [record["attributes"]["ApproximateReceiveCount"] for record in invocation.event["Records"]]


def since(lambda_esm, start):
    """For each invocation, the seconds from ``start`` to its beginning."""
    return [(invocation.started - start).total_seconds() for invocation in lambda_esm.invocations]


def accept(event, context):
    """A handler that is content with everything."""


def refuse(event, context):
    """A handler that is content with nothing."""
    raise ValueError("refused")


def report(*wanted):
    """A handler that reports the messages with these bodies as failed."""

    def handler(event, context):
        failed = [record["messageId"] for record in event["Records"] if record["body"] in wanted]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    return handler


def slug(name):
    """The id of a fact out of the name of a row: "c.2 null list" is c2-null-list."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace(".", "").replace("{}", "empty object")).strip("-")
