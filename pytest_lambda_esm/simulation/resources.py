"""Queues, streams and tables that a fake creates for a test: small objects over boto3 clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.errors import LambdaEsmError

_TRIM_HORIZON: Final = "TRIM_HORIZON"


@dataclass(frozen=True, slots=True)
class SqsMessage:
    """A message in a queue: its ``id``, its ``body``, and how often it was received.

    ``attributes`` are its message attributes as ReceiveMessage shows them.
    """

    id: str
    body: str
    receives: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body, read as JSON. Raises ValueError for other text."""
        return json.loads(self.body)


class Resource:
    """A resource with a name and an ARN, and the client that it is used through."""

    def __init__(self, client: Any, name: str, arn: str) -> None:
        self._client = client
        self._name = name
        self._arn = arn

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._arn}>"

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def arn(self) -> str:
        """The ARN."""
        return self._arn


def queue_arn(client: Any, url: str) -> str:
    """Return the ARN of a queue from its URL, which ends in the account and the name, and the region of its client."""
    account, name = url.split("/")[-2:]
    region = client.meta.region_name
    return f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"


class SqsQueue(Resource):
    """A queue in moto, as ``FakeLambda.queue()`` creates it.

    It is a short form of boto3's calls; the same queue can be used through any client, by its ``url`` or ``arn``.
    """

    def __init__(self, client: Any, name: str, place: tuple[str, str], stored: Any) -> None:
        self._url, arn = place
        super().__init__(client, name, arn)
        self._stored = stored

    @property
    def url(self) -> str:
        """The queue's URL."""
        return self._url

    def send(self, body: object, *, group: str | None = None, delay: int | None = None, **parameters: Any) -> Any:
        """Send a message with SendMessage, and return its response.

        ``body`` is text; anything else is sent as JSON. ``group`` is the MessageGroupId, which a FIFO queue needs, and
        ``delay`` the DelaySeconds; the other ``parameters`` have their names in the API. Raises boto3's errors.
        """
        given = {"MessageGroupId": group, "DelaySeconds": delay}
        text = body if isinstance(body, str) else json.dumps(body)
        stated = {name: value for name, value in given.items() if value is not None}
        return self._client.send_message(QueueUrl=self._url, MessageBody=text, **stated, **parameters)

    @property
    def messages(self) -> list[SqsMessage]:
        """The messages in the queue, in the order in which they were sent, also hidden and delayed ones.

        They are read from moto's storage: no message is received, and no call is made. Raises LambdaEsmError if the
        queue has been deleted.
        """
        __tracebackhide__ = True
        queue = self._stored(self._arn)
        if queue is None:
            raise LambdaEsmError(f"the queue {self._name!r} does not exist any more")
        return [SqsMessage(*message) for message in queue.messages()]


class KinesisStream(Resource):
    """A stream of Kinesis in moto, as ``FakeLambda.stream()`` creates it: a short form of boto3's calls."""

    def put(self, data: object, *, key: str = "key", **parameters: Any) -> Any:
        """Write a record with PutRecord, and return its response.

        ``data`` is bytes or text; anything else is written as JSON. ``key`` is the partition key, which chooses the
        shard; the other ``parameters`` have their names in the API. Raises boto3's errors.
        """
        content = data if isinstance(data, (bytes, str)) else json.dumps(data)
        return self._client.put_record(StreamName=self._name, Data=content, PartitionKey=key, **parameters)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records of all shards, as GetRecords returns them, one shard after the other; it makes these calls."""
        shards = self._client.list_shards(StreamName=self._name)["Shards"]
        return [record for shard in shards for record in self._records_of(shard["ShardId"])]

    def _records_of(self, shard: str) -> list[dict[str, Any]]:
        answer = self._client.get_shard_iterator(StreamName=self._name, ShardId=shard, ShardIteratorType=_TRIM_HORIZON)
        found: list[dict[str, Any]] = []
        while True:
            answer = self._client.get_records(ShardIterator=answer.get("NextShardIterator") or answer["ShardIterator"])
            found += answer["Records"]
            if not answer["Records"] or not answer.get("NextShardIterator"):
                return found


class DynamoDBTable(Resource):
    """A table in moto, as ``FakeLambda.table()`` creates it: a short form of boto3's calls.

    Items are dictionaries of Python values, as boto3's resource ``Table`` has them. A mapping reads the table's stream:
    look-ups and ``connect`` take the table for it.
    """

    def __init__(self, client: Any, name: str, arn: str, stream_arn: str | None) -> None:
        super().__init__(client, name, arn)
        self._stream_arn = stream_arn

    @property
    def stream_arn(self) -> str | None:
        """The ARN of the table's stream, which mappings read; None without a stream."""
        return self._stream_arn

    def put(self, item: Mapping[str, Any], **parameters: Any) -> Any:
        """Write an item with PutItem, and return its response; other ``parameters`` have their names in the API."""
        return self._client.put_item(TableName=self._name, Item=_serialized(item), **parameters)

    def delete(self, key: Mapping[str, Any], **parameters: Any) -> Any:
        """Delete the item with a key with DeleteItem, and return its response."""
        return self._client.delete_item(TableName=self._name, Key=_serialized(key), **parameters)

    @property
    def items(self) -> list[dict[str, Any]]:
        """All items of the table, read with Scan."""
        from boto3.dynamodb.types import TypeDeserializer

        read: Any = TypeDeserializer().deserialize
        pages = self._client.get_paginator("scan").paginate(TableName=self._name)
        return [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]


def _serialized(item: Mapping[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeSerializer

    write: Any = TypeSerializer().serialize
    return {name: write(value) for name, value in item.items()}
