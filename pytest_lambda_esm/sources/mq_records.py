"""The records of ActiveMQ and RabbitMQ as functions receive them, with keys in the order of AWS's samples.

Follows the page "Using Lambda with Amazon MQ". What its samples leave open: the expiration is the time to live as the
sender stated it, since the sample shows one; a message of ActiveMQ without one has "0", as JMS does.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.sources.broker_ports import Message, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class MqKind:
    """What differs between the engines for a poller.

    ``consumers`` is how many batches a mapping has in flight at most (documented). ``record`` makes a record of a
    message of a queue that left the broker at an instant; ``event`` makes an event of a broker's ARN, a queue, and
    records.
    """

    consumers: int
    record: Callable[[Queue, Message, int], dict[str, Any]]
    event: Callable[[str, Queue, list[dict[str, Any]]], dict[str, Any]]


def weight(record: Mapping[str, Any]) -> int:
    """Return how many bytes a record takes in an event, with the comma behind it."""
    return len(json.dumps(record)) + 2


# --- ActiveMQ ------------------------------------------------------------------------------------------------


def _activemq_record(queue: Queue, message: Message, out: int) -> dict[str, Any]:
    stated = message.properties
    return {
        "messageID": message.id,
        "messageType": "jms/text-message" if message.is_text else "jms/bytes-message",
        "deliveryMode": stated["delivery_mode"],
        "replyTo": stated.get("reply_to"),
        "type": stated.get("type"),
        "expiration": str(stated["expiration"]),
        "priority": stated["priority"],
        "correlationId": stated.get("correlation_id"),
        "redelivered": message.redelivered,
        "destination": {"physicalName": queue.name},
        "data": b64encode(message.body).decode("ascii"),
        "timestamp": message.arrived // 1000,
        "brokerInTime": message.arrived // 1000,
        "brokerOutTime": out // 1000,
        "properties": dict(message.custom),
    }


def _activemq_event(arn: str, _: Queue, records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"eventSource": "aws:mq", "eventSourceArn": arn, "messages": records}


# --- RabbitMQ ------------------------------------------------------------------------------------------------

_BASIC_PROPERTIES: Final = (
    ("contentType", "content_type"),
    ("contentEncoding", "content_encoding"),
    ("headers", "headers"),
    ("deliveryMode", "delivery_mode"),
    ("priority", "priority"),
    ("correlationId", "correlation_id"),
    ("replyTo", "reply_to"),
    ("expiration", "expiration"),
    ("messageId", "message_id"),
    ("timestamp", "timestamp"),
    ("type", "type"),
    ("userId", "user_id"),
    ("appId", "app_id"),
    ("clusterId", "cluster_id"),
)
_ENCODED: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "headers": lambda headers: {name: _header(value) for name, value in headers.items()},
        "expiration": str,
        "timestamp": lambda seconds: _time_text(datetime.fromtimestamp(seconds, timezone.utc)),
    }
)

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _rabbitmq_record(_: Queue, message: Message, __: int) -> dict[str, Any]:
    stated = message.properties
    properties: dict[str, Any] = {}
    for member, name in _BASIC_PROPERTIES:
        value = stated.get(name)
        properties[member] = _ENCODED[name](value) if value is not None and name in _ENCODED else value
    properties["bodySize"] = len(message.body)
    return {
        "basicProperties": properties,
        "redelivered": message.redelivered,
        "data": b64encode(message.body).decode("ascii"),
    }


def _header(value: Any) -> Any:
    """Return a header's value: texts and bytes are ``{"bytes": [...]}``, since AMQP does not distinguish them."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return {"bytes": [byte - 256 if byte > 127 else byte for byte in value]}
    if isinstance(value, Mapping):
        return {name: _header(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_header(each) for each in value]
    return _time_text(value) if isinstance(value, datetime) else value


def _time_text(moment: datetime) -> str:
    """Return an instant as in AWS's sample: ``Jan 1, 1970, 12:33:41 AM``. Independent of the locale."""
    moment = moment.astimezone(timezone.utc)
    half = "AM" if moment.hour < 12 else "PM"
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}, {moment.hour % 12 or 12}:{moment:%M:%S} {half}"


def _rabbitmq_event(arn: str, queue: Queue, records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"eventSource": "aws:rmq", "eventSourceArn": arn, "rmqMessagesByQueue": {queue.key: records}}


KINDS: Final[Mapping[str, MqKind]] = MappingProxyType(
    {
        "ActiveMQ": MqKind(consumers=5, record=_activemq_record, event=_activemq_event),
        "RabbitMQ": MqKind(consumers=1, record=_rabbitmq_record, event=_rabbitmq_event),
    }
)
"""By the names of the engines."""
