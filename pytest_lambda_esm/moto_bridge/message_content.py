"""What of one of moto's messages is the same at each receipt. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from hashlib import md5
from operator import attrgetter
from typing import Any

from moto.sqs.models import Message

from pytest_lambda_esm.sources.queue import Content

body_of: Callable[[Any], str] = attrgetter("_body" if hasattr(Message, "original_body") else "body")
"""A message's body as it was sent: up to moto 5.1 ``body`` is escaped for XML, and ``_body`` is not."""

# moto 5.1 keeps attributes in snake case, with binary values as base64 text; moto 5.2 as the service names them.
_OLD_NAMES = {"data_type": "DataType", "string_value": "StringValue", "binary_value": "BinaryValue"}


def content_of(message: Any) -> Content:
    """The fields of a ReceivedMessage that do not depend on its receipt. What moto has taken in raises nothing here."""
    body = body_of(message)
    attributes = {name: _attribute(value) for name, value in message.message_attributes.items()}
    return (
        body,
        md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
        str(message.sent_timestamp),
        message.sender_id,
        attributes or None,
        _md5_of(attributes) if attributes else None,
        _system_attributes(message) or None,
        message.lambda_esm_depth or 0,
    )


def _system_attributes(message: Any) -> dict[str, str]:
    given = {name: _attribute(value).get("StringValue") for name, value in message.system_attributes.items()}
    if message.group_id is not None:  # moto takes a deduplication id in standard queues, too, where it means nothing.
        given["SequenceNumber"] = message.sequence_number
        given["MessageGroupId"] = message.group_id
        given["MessageDeduplicationId"] = message.deduplication_id
    given["DeadLetterQueueSourceArn"] = message.lambda_esm_dead_letter_source
    return {name: value for name, value in given.items() if value is not None}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute = {_OLD_NAMES.get(name, name): content for name, content in value.items()}
    binary = attribute.get("BinaryValue")
    if isinstance(binary, str):
        attribute["BinaryValue"] = base64.b64decode(binary)
    return attribute


def _md5_of(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """The MD5 of message attributes as the page "Amazon SQS message metadata" tells it.

    moto's own fails over binary attributes that SNS delivers raw (5.2.5).
    """
    digest = md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        binary = attribute.get("BinaryValue")
        kind, value = (_TEXT, str(attribute.get("StringValue") or "").encode()) if binary is None else (_BINARY, binary)
        for part in (name.encode(), str(attribute.get("DataType", "")).encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update(kind + len(value).to_bytes(4, "big") + value)
    return digest.hexdigest()


_TEXT, _BINARY = b"\x01", b"\x02"
