"""The messages of one moto queue, stored so that reading and deleting cost the same however many there are.

moto keeps a plain list, and walks all of it for each receive and delete. The MessageTable replaces that list, and
behaves like it where moto uses it: iteration in the order of sending, ``append``, ``remove``, length. moto replaces
the whole list when it purges a queue; :func:`table_of` notices that and builds a new table.
"""

from __future__ import annotations

import base64
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import md5
from operator import attrgetter
from typing import Any, Final

from moto.sqs.models import Message

from pytest_lambda_esm.moto_bridge.sqs.order import FifoOrder, MessageOrder, StandardOrder
from pytest_lambda_esm.sources.queue_ports import Content

body_of: Callable[[Any], str] = attrgetter("_body" if hasattr(Message, "original_body") else "body")
"""A message's body as it was sent. Up to moto 5.1 ``body`` is escaped for XML, and ``_body`` is not."""

_PREFIX: Final = "AQEB"
_ID_LENGTH: Final = 48
"""The length of a message's id as base64."""

_LARGEST: Final = 1024 * 1024
"""The maximum size of a message in bytes."""

# moto 5.1 stores attributes in snake case, and binary values as base64 text; moto 5.2 stores them as SQS names them.
_OLD_NAMES: Final = {"data_type": "DataType", "string_value": "StringValue", "binary_value": "BinaryValue"}

_TEXT, _BINARY = b"\x01", b"\x02"


class MessageTable:
    """Messages by id, in the order of sending, and the order in which they are received.

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
        """Return the message with this id, or None."""
        return self._messages.get(message_id)

    def append(self, message: Any) -> None:
        """Add a message that was sent."""
        message.lambda_esm_content = content_of(message)
        if not message.lambda_esm_handle:
            message.lambda_esm_handle = _beginning_of_handles(message.id)
            # Set here, not at the first receipt: an object that gets an attribute which earlier objects of its class do
            # not have also gets a dictionary of its own, which the garbage collector traverses.
            message.lambda_esm_received_at = 0
        self._messages[message.id] = message
        self.order.add(message)
        weight = len(body_of(message)) if not message.message_attributes else _LARGEST
        if weight > self.heaviest:
            self.heaviest = weight

    def delete(self, receipts: Iterable[tuple[Any, ...]], is_over: Callable[[Any], bool] | None) -> list[Any]:
        """Delete messages by id and the handle of their newest receipt, the first two members of each tuple.

        Returns those that were deleted. A message for which ``is_over`` returns True stays: its receipt has ended.
        """
        messages = self._messages
        deleted: list[Any] = []
        for receipt in receipts:
            message = messages.get(receipt[0])
            if message is None or message.receipt_handle != receipt[1] or (is_over and is_over(message)):
                continue
            del messages[receipt[0]]
            deleted.append(message)
        self.order.discard(deleted)
        return deleted

    def remove(self, message: Any) -> None:
        """Remove a message. Like a list, raises ValueError if it is not here."""
        if message not in self:
            raise ValueError("the message is not in this queue")
        del self._messages[message.id]
        self.order.discard((message,))


def table_of(queue: Any) -> MessageTable:
    """Return the message table of a moto queue. The first call puts it in the place of moto's list."""
    messages = queue._messages
    if not isinstance(messages, MessageTable):
        order: MessageOrder = FifoOrder() if queue.fifo_queue else StandardOrder()
        messages = queue._messages = MessageTable(order, messages)
    return messages


def _beginning_of_handles(message_id: str) -> str:
    """Return what all receipt handles of a message begin with: its id in base64, so that no handle shows a UUID."""
    return _PREFIX + b2a_base64(message_id.encode(), newline=False).decode()


def id_in(receipt_handle: str) -> str:
    """Return the message id in a receipt handle, and an empty string for a handle of moto's own."""
    try:
        return a2b_base64(receipt_handle[len(_PREFIX) :][:_ID_LENGTH]).decode()
    except ValueError:
        return ""


def content_of(message: Any) -> Content:
    """Return the fields of a ReceivedMessage that do not depend on its receipt.

    Raises nothing for a message that moto has accepted.
    """
    body = body_of(message)
    attributes = attributes_of(message)
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


def attributes_of(message: Any) -> dict[str, Any]:
    """Return the message attributes of a message, by their names in the API."""
    return {name: _attribute(value) for name, value in message.message_attributes.items()}


def _system_attributes(message: Any) -> dict[str, str]:
    attributes = {name: _attribute(value).get("StringValue") for name, value in message.system_attributes.items()}
    if message.group_id is not None:  # moto accepts a deduplication id in standard queues too, where it has no meaning.
        attributes["SequenceNumber"] = message.sequence_number
        attributes["MessageGroupId"] = message.group_id
        attributes["MessageDeduplicationId"] = message.deduplication_id
    attributes["DeadLetterQueueSourceArn"] = message.lambda_esm_dead_letter_source
    return {name: value for name, value in attributes.items() if value is not None}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute = {_OLD_NAMES.get(name, name): content for name, content in value.items()}
    binary = attribute.get("BinaryValue")
    if isinstance(binary, str):
        attribute["BinaryValue"] = base64.b64decode(binary)
    return attribute


def _md5_of(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the MD5 of message attributes as the page "Amazon SQS message metadata" defines it.

    moto's own fails for binary attributes that SNS delivers raw (5.2.5).
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
