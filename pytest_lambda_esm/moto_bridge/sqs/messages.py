"""The messages of one of moto's queues, kept so that reading and deleting cost the same however deep it is.

moto keeps a plain list and walks all of it for each receive and delete. This table stands in its place and behaves
like that list where moto uses it: iteration in the order of sending, ``append``, ``remove``, length. moto itself
replaces the whole list when it purges; the owner notices and builds a new table.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import md5
from operator import attrgetter
from typing import Any

from moto.sqs.models import Message

from pytest_lambda_esm.moto_bridge.sqs.order import FifoOrder, MessageOrder, StandardOrder
from pytest_lambda_esm.sources.queue_ports import Content

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


class MessageTable:
    """Messages by their ids in the order of sending, and the order in which they are handed out.

    ``heaviest`` is an upper bound: no message here has more bytes in its body and attributes.
    """

    def __init__(self, order: MessageOrder, messages: Iterable[Any] = ()) -> None:
        self.order = order
        self.heaviest = 0
        self._messages: dict[str, Any] = {}
        for message in messages:
            self.append(message)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._messages.values()))

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, message: Any) -> bool:
        return self._messages.get(message.id) is message

    def get(self, message_id: str) -> Any | None:
        """The message with an id, or None."""
        return self._messages.get(message_id)

    def append(self, message: Any) -> None:
        """Add a message that was sent."""
        message.lambda_esm_content = content_of(message)
        self._messages[message.id] = message
        self.order.add(message)
        weight = len(body_of(message)) if not message.message_attributes else _LARGEST
        if weight > self.heaviest:
            self.heaviest = weight

    def delete(self, receipts: Iterable[tuple[str, str]], is_over: Callable[[Any], bool] | None) -> list[Any]:
        """Take out messages by id and the handle of their newest receipt; those that were taken out.

        ``is_over`` tells of a receipt that has ended, so that its message stays.
        """
        messages = self._messages
        deleted: list[Any] = []
        for message_id, receipt_handle in receipts:
            message = messages.get(message_id)
            if message is None or message.receipt_handle != receipt_handle or (is_over and is_over(message)):
                continue
            del messages[message_id]
            deleted.append(message)
        self.order.discard(deleted)
        return deleted

    def remove(self, message: Any) -> None:
        """Take a message out; ValueError where it is not here, as a list does."""
        if message not in self:
            raise ValueError("the message is not in this queue")
        del self._messages[message.id]
        self.order.discard((message,))


_LARGEST = 1024 * 1024


def table_of(queue: Any) -> MessageTable:
    """The message table of one of moto's queues; it takes the place of moto's list when it is first asked for."""
    messages = queue._messages
    if not isinstance(messages, MessageTable):
        order: MessageOrder = FifoOrder() if queue.fifo_queue else StandardOrder()
        messages = queue._messages = MessageTable(order, messages)
    return messages
