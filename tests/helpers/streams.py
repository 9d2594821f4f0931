"""Kinesis and DynamoDB streams through plain boto3, with one interface for both."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from pytest_lambda_esm import FakeLambda

ACCOUNT = "123456789012"
REGION = "us-east-1"


class KinesisSource:
    """A Kinesis stream. A record's name is its data."""

    batch_info = "KinesisBatchInfo"

    def __init__(self, fake: FakeLambda, shards: int = 1, name: str = "events") -> None:
        self.client = fake.client("kinesis")
        self.client.create_stream(StreamName=name, ShardCount=shards)
        self.name = name
        self.arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"

    def put(self, *names: str, key: str | None = None) -> list[str]:
        """Put records and return their sequence numbers."""
        return [
            self.client.put_record(StreamName=self.name, Data=name.encode(), PartitionKey=key or name)["SequenceNumber"]
            for name in names
        ]

    @staticmethod
    def names(event: dict[str, Any]) -> list[str]:
        return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]

    @staticmethod
    def sequence_number(record: dict[str, Any]) -> str:
        return record["kinesis"]["sequenceNumber"]


class TableSource:
    """A DynamoDB table with a stream. A record's name is its item's key."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self, fake: FakeLambda, name: str = "items", view: str = "NEW_AND_OLD_IMAGES") -> None:
        self.client = fake.client("dynamodb")
        self.name = name
        table = self.client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        )
        self.arn = table["TableDescription"]["LatestStreamArn"]

    def put(self, *names: str) -> list[str]:
        """Put items and return their keys."""
        for name in names:
            self.client.put_item(TableName=self.name, Item={"id": {"S": name}})
        return list(names)

    @staticmethod
    def names(event: dict[str, Any]) -> list[str]:
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]

    @staticmethod
    def sequence_number(record: dict[str, Any]) -> str:
        return record["dynamodb"]["SequenceNumber"]


Source = KinesisSource | TableSource
SOURCES: dict[str, Callable[[FakeLambda], Source]] = {"kinesis": KinesisSource, "dynamodb": TableSource}


class Handler:
    """A handler that keeps the names of each batch, then calls ``act(event, names)`` and returns its result."""

    def __init__(self, source: Any, act: Callable[[dict[str, Any], list[str]], Any] | None = None) -> None:
        self.source = source
        self.act = act
        self.batches: list[list[str]] = []

    def __call__(self, event: dict[str, Any], context: object) -> Any:
        names = self.source.names(event)
        self.batches.append(names)
        return self.act(event, names) if self.act else None


def poison(*bad: str) -> Callable[[dict[str, Any], list[str]], Any]:
    """Return an ``act`` that raises if one of these records is in the batch."""

    def act(event: dict[str, Any], names: list[str]) -> None:
        for name in bad:
            if name in names:
                raise ValueError(f"{name} is bad")

    return act


def subscribe(fake: FakeLambda, source: Any, handler: Any, **params: Any) -> str:
    """Map a function named ``consumer`` to the source, wait until it is Enabled, and return the mapping's UUID."""
    fake.function("consumer", handler)
    settings = {"StartingPosition": "TRIM_HORIZON", **params}
    mapping = fake.client("lambda").create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName="consumer", **settings
    )
    fake.clock.run_until(lambda: fake.mapping(mapping).state == "Enabled")
    return mapping["UUID"]


class Destination:
    """A queue that receives failure records."""

    def __init__(self, fake: FakeLambda) -> None:
        self.client = fake.client("sqs")
        self.url = self.client.create_queue(QueueName="failures")["QueueUrl"]
        self.config = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failures"}}

    def records(self) -> list[dict[str, Any]]:
        """Receive and delete the records that are in the queue."""
        messages = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]
