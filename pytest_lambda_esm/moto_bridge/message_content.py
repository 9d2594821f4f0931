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
    """The fields of a ReceivedMessage that do not depend on its receipt."""
    body, attributes = body_of(message), message.message_attributes
    return (
        body,
        md5(body.encode(), usedforsecurity=False).hexdigest(),
        str(message.sent_timestamp),
        message.sender_id,
        {name: _attribute(value) for name, value in attributes.items()} if attributes else None,
        message.attribute_md5 if attributes else None,
        _system_attributes(message) or None,
        message.lambda_esm_depth or 0,
    )


def _system_attributes(message: Any) -> Mapping[str, str]:
    attributes = {name: _attribute(value)["StringValue"] for name, value in message.system_attributes.items()}
    for name, value in (
        ("SequenceNumber", message.sequence_number),
        ("MessageGroupId", message.group_id),
        ("MessageDeduplicationId", message.deduplication_id),
        ("DeadLetterQueueSourceArn", message.lambda_esm_dead_letter_source),
    ):
        if value is not None:
            attributes[name] = value
    return attributes


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute = {_OLD_NAMES.get(name, name): content for name, content in value.items()}
    binary = attribute.get("BinaryValue")
    if isinstance(binary, str):
        attribute["BinaryValue"] = base64.b64decode(binary)
    return attribute
