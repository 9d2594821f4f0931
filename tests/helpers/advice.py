"""Queues, streams, topics, functions and mappings for tests of advice, through plain boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3

from pytest_lambda_esm import FakeLambda

REGION, ACCOUNT = "us-east-1", "123456789012"
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def aws_lambda() -> Any:
    return boto3.client("lambda", region_name=REGION)


def queue(name: str = "orders", *, dead_letters: int | None = None, **attributes: str) -> tuple[str, str]:
    """Create a queue, whose messages go to a dead-letter queue at a receive count; return its URL and ARN."""
    sqs = boto3.client("sqs", region_name=REGION)
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    if dead_letters is not None:
        _, target = queue(f"dead-{name}")
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": dead_letters})
    url = sqs.create_queue(QueueName=name, Attributes={**fifo, **attributes})["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def send(url: str, *bodies: str, **parameters: str) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    for number, body in enumerate(bodies):
        given = {**parameters, "MessageDeduplicationId": f"{body}-{number}"} if parameters else {}
        sqs.send_message(QueueUrl=url, MessageBody=body, **given)


def connect(arn: str, function: str = "orders", **settings: Any) -> str:
    created = aws_lambda().create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **settings)
    return str(created["UUID"])


def stream(name: str = "clicks") -> str:
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName=name, ShardCount=1)
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def put(*values: str) -> None:
    kinesis = boto3.client("kinesis", region_name=REGION)
    for value in values:
        kinesis.put_record(StreamName="clicks", Data=value.encode(), PartitionKey="key")


def read_stream(fake: FakeLambda, handler: Any, *values: str, **settings: Any) -> str:
    """Map a stream with some records, and return the mapping's UUID."""
    fake.function("clicks", handler)
    arn = stream()
    put(*values)
    return connect(arn, "clicks", **{"StartingPosition": "TRIM_HORIZON", **settings})


def fails(event: Any, context: Any) -> None:
    raise ValueError("always")


def works(event: Any, context: Any) -> None:
    pass


def report(*ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": each} for each in ids]}


def reserve(function: str, count: int) -> None:
    aws_lambda().put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=count)


def kafka(fake: FakeLambda) -> Any:
    fake.function("orders", works)
    cluster = fake.kafka(f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/shop/abc")
    cluster.create_topic("orders", partitions=1)
    return cluster


def connect_kafka(cluster: Any, **settings: Any) -> str:
    arn = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/shop/abc"
    return connect(arn, Topics=["orders"], **{"StartingPosition": "TRIM_HORIZON", **settings})


def codes(fake: FakeLambda) -> list[str]:
    return [advice.code for advice in fake.take_advice()]
