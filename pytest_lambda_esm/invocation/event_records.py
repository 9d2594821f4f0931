"""The records of an event, whatever its source, their ids, and their bodies as a handler would parse them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final


def records_of(event: Any) -> list[Any]:
    """Return the records of an event; an empty list for an event that has none, such as the payload of Invoke.

    They are in ``Records``; for Kafka in ``records``, by partition; for Amazon MQ in ``messages`` or
    ``rmqMessagesByQueue``; for Amazon DocumentDB in ``events``.
    """
    return list(_records(event)) if isinstance(event, Mapping) else []


def _records(event: Mapping[str, Any]) -> Iterator[Any]:
    for name in _PLACES:
        found = event.get(name)
        if isinstance(found, list):
            yield from found
        elif isinstance(found, Mapping):
            for part in found.values():
                yield from part if isinstance(part, list) else ()


def ids_of(event: Any) -> list[str]:
    """Return the ids of an event's records as the timeline and fates have them, without those that have none.

    An event of DynamoDB or Amazon DocumentDB does not name the shard, so its ids are without it; RabbitMQ's messages
    have no id of the broker.
    """
    return list(dict.fromkeys(filter(None, map(id_of, records_of(event)))))


def id_of(record: Any) -> str:
    """Return the id of a record of an event; an empty string for one that has none."""
    if not isinstance(record, Mapping):
        return ""
    for path in _IDS:
        value: Any = record
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value:
            return value
    if "offset" in record:
        return f"{record.get('topic')}-{record.get('partition')}:{record['offset']}"
    return str(record["eventID"]) if "kinesis" in record and "eventID" in record else ""


_IDS: Final = (("messageId",), ("messageID",), ("dynamodb", "SequenceNumber"), ("event", "_id", "_data"))
"""Where records of SQS, ActiveMQ, DynamoDB and DocumentDB have their ids."""

_PLACES: Final = ("Records", "records", "messages", "rmqMessagesByQueue", "events")


def body_of(record: Any) -> Any:
    """Return what a record contains, parsed: JSON where it is JSON, else text, else bytes.

    For SQS this is the body, for Kinesis, Kafka and Amazon MQ the decoded data (None for a tombstone of Kafka), for SNS
    the message, for Amazon DocumentDB the change event. For DynamoDB it is the new image as Python values, or else the
    old image, or else the keys. For other records it is the record.
    """
    if not isinstance(record, Mapping):
        return record
    return next((read(record) for member, read in _READERS if member in record), record)


def _plain(member: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda record: _parsed(record[member])


def _encoded(member: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda record: _decoded(record[member])


def _decoded(data: Any) -> Any:
    if not isinstance(data, str):
        return data
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return _parsed(data)
    try:
        return _parsed(raw.decode())
    except UnicodeDecodeError:
        return raw


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def _item(record: Mapping[str, Any]) -> Any:
    from boto3.dynamodb.types import TypeDeserializer  # Imported here, since only DynamoDB needs it.

    change = record["dynamodb"]
    image: Mapping[str, Any] = next(
        (change[member] for member in ("NewImage", "OldImage", "Keys") if member in change), {}
    )
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in image.items()}


_READERS: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], Any]], ...]] = (
    ("body", _plain("body")),
    ("kinesis", lambda record: _decoded(record["kinesis"].get("data"))),
    ("dynamodb", _item),
    ("Sns", lambda record: _parsed(record["Sns"].get("Message"))),
    ("value", _encoded("value")),
    ("data", _encoded("data")),
    ("event", lambda record: record["event"]),
)
"""The member by which a record is recognised, and how its body is read."""
