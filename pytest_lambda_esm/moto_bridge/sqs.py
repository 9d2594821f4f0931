"""moto's queues, as the poller reads them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

moto's own receive takes time in proportion to the square of a queue's depth, and shows a message only a moment
after its visibility timeout has ended. This one selects by itself; of a moto queue it touches ``_messages``,
``_pending_messages``, ``deleted_messages``, ``redrive_policy`` and ``dead_letter_queue``.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.models import Message, SQSBackend, sqs_backends
from moto.sqs.models import Queue as MotoQueue

from pytest_lambda_esm.moto_bridge.message_table import MessageTable, visible_from
from pytest_lambda_esm.moto_bridge.patches import Patches
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.queue import Receipt, ReceivedMessage, WaitingMessage


def _table_of(queue: Any) -> MessageTable:
    """The queue's message table; moto replaces the whole list when it deletes or purges, and then a new one is made."""
    messages = queue._messages
    if not isinstance(messages, MessageTable):
        messages = queue._messages = MessageTable(messages)
    return messages


class PolledQueue:
    """One queue in moto's storage, read by a poller."""

    def __init__(self, queue: Any, randomness: random.Random) -> None:
        self._queue = queue
        self._randomness = randomness

    @property
    def visibility_timeout(self) -> int:
        """The queue's visibility timeout in seconds, as it is now."""
        return int(self._queue.visibility_timeout)

    def receive(self, limit: int, now: int) -> Receipt:
        """Receive visible messages; those past their retention or their maximum receive count go elsewhere."""
        table = _table_of(self._queue)
        received: list[ReceivedMessage] = []
        dead_lettered: list[str] = []
        expired: list[str] = []
        oldest = now // 1000 - int(self._queue.message_retention_period) * 1000
        most = self._most_receives()
        hidden_until = now / 1000 + self.visibility_timeout * 1000
        while len(received) < limit and (message := table.take(now)) is not None:
            if message.sent_timestamp <= oldest:
                self._take_out(table, message)
                expired.append(message.id)
            elif most is not None and message.approximate_receive_count >= most:
                self._take_out(table, message)
                self._queue.dead_letter_queue.add_message(message)
                dead_lettered.append(message.id)
            else:
                self._mark_received(message, now // 1000, hidden_until)
                received.append(_received(message))
        return Receipt(received, dead_lettered, expired)

    def pass_over(self, now: int) -> None:
        """Let the message that has been visible longest come after the others that are visible."""
        _table_of(self._queue).pass_over(now)

    def delete(self, messages: Sequence[ReceivedMessage]) -> Sequence[str]:
        """Delete by receipt; a message that has been received again since then stays."""
        table = _table_of(self._queue)
        deleted = []
        for entry in messages:
            message = table.get(entry.message_id)
            if message is not None and message.receipt_handle == entry.receipt_handle:
                self._queue.deleted_messages.update(message.all_receipt_handles)
                self._take_out(table, message)
                deleted.append(entry.message_id)
        return deleted

    def next_visible(self) -> int | None:
        """When the next message is visible, in microseconds since the epoch."""
        return _table_of(self._queue).next_visible()

    def contents(self) -> Sequence[WaitingMessage]:
        """All messages, in the order in which they were sent."""
        return [
            WaitingMessage(message.id, visible_from(message), message.approximate_receive_count)
            for message in _table_of(self._queue)
        ]

    def _most_receives(self) -> int | None:
        if self._queue.dead_letter_queue is None or not self._queue.redrive_policy:
            return None
        return int(self._queue.redrive_policy["maxReceiveCount"])

    def _take_out(self, table: MessageTable, message: Any) -> None:
        table.remove(message)
        self._queue._pending_messages.discard(message)

    def _mark_received(self, message: Any, milliseconds: int, hidden_until: float) -> None:
        if not message.approximate_first_receive_timestamp:
            message.approximate_first_receive_timestamp = milliseconds
        message.approximate_receive_count += 1
        message.visible_at = hidden_until
        message._old_receipt_handles.append(message.receipt_handle)
        message.receipt_handle = base64.b64encode(self._randomness.randbytes(132)).decode()
        self._queue._pending_messages.add(message)


_NONE: Mapping[str, Any] = MappingProxyType({})


def _received(message: Any) -> ReceivedMessage:
    attributes = message.message_attributes
    return ReceivedMessage(
        message_id=message.id,
        receipt_handle=message.receipt_handle,
        # Up to moto 5.1 ``body`` is escaped for XML, and ``original_body`` is what was sent.
        body=getattr(message, "original_body", message.body),
        md5_of_body=message.body_md5,
        sent=message.sent_timestamp,
        first_received=message.approximate_first_receive_timestamp,
        receive_count=message.approximate_receive_count,
        sender_id=message.sender_id,
        message_attributes={name: _attribute(value) for name, value in attributes.items()} if attributes else _NONE,
        md5_of_attributes=message.attribute_md5 if attributes else None,
        system_attributes=_system_attributes(message),
        depth=message.__dict__.get("_lambda_esm_depth", 0),
    )


def _system_attributes(message: Any) -> Mapping[str, str]:
    if not (message.system_attributes or message.group_id or message.sequence_number or message.deduplication_id):
        return _NONE
    attributes = {name: _attribute(value)["StringValue"] for name, value in message.system_attributes.items()}
    if message.sequence_number is not None:
        attributes["SequenceNumber"] = message.sequence_number
    if message.group_id is not None:
        attributes["MessageGroupId"] = message.group_id
    if message.deduplication_id is not None:
        attributes["MessageDeduplicationId"] = message.deduplication_id
    return attributes


# moto 5.1 keeps attributes in snake case, with binary values as base64 text; moto 5.2 as the service names them.
_OLD_NAMES = {"data_type": "DataType", "string_value": "StringValue", "binary_value": "BinaryValue"}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute = {_OLD_NAMES.get(name, name): content for name, content in value.items()}
    binary = attribute.get("BinaryValue")
    if isinstance(binary, str):
        attribute["BinaryValue"] = base64.b64decode(binary)
    return attribute


class MotoQueues:
    """Finds queues in moto's storage. A queue is looked up each time: moto forgets all of them at a reset."""

    def __init__(self, randomness: random.Random) -> None:
        self._randomness = randomness

    def find(self, arn: str) -> PolledQueue | None:
        """The queue with an ARN, or None where it does not exist."""
        parsed = Arn.parse(arn)
        if parsed is None:
            return None
        queue = sqs_backends[parsed.account_id][parsed.region].queues.get(parsed.resource)
        return PolledQueue(queue, self._randomness) if queue is not None else None


def listen(patches: Patches, changed: Callable[[str], None], depth: Callable[[], int]) -> None:
    """Have ``changed(queue_arn)`` called whenever a queue may have something to receive earlier than before.

    ``depth()`` tells how many invocations, each caused by the one before, led to a message that is being sent.
    moto's own delivery to Lambda sits at the end of ``Queue.add_message``; it finds nothing to do, since no mapping
    is ever attached to a queue while the fake is active.
    """
    add_message = MotoQueue.add_message
    change_visibility = SQSBackend.change_message_visibility
    set_attributes = MotoQueue._set_attributes

    def add_and_tell(self: Any, message: Any) -> None:
        _table_of(self)
        message.__dict__.setdefault("_lambda_esm_depth", depth())
        add_message(self, message)
        changed(self.queue_arn)

    def change_and_tell(self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        change_visibility(self, queue_name, receipt_handle, visibility_timeout)
        queue = self.get_queue(queue_name)
        table = _table_of(queue)
        for message in table:
            if message.had_receipt_handle(receipt_handle):
                table.moved(message)
        changed(queue.queue_arn)

    def set_and_tell(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        set_attributes(self, attributes, now)
        if hasattr(self, "queue_arn"):
            changed(self.queue_arn)

    patches.set(MotoQueue, "add_message", add_and_tell)
    patches.set(Message, "visible", property(_is_visible))
    patches.set(SQSBackend, "change_message_visibility", change_and_tell)
    patches.set(MotoQueue, "_set_attributes", set_and_tell)
    patches.then(_give_lists_back)


def _is_visible(message: Any) -> bool:
    """Whether clients may receive a message: from the very end of its visibility timeout on.

    moto's own answer is no at that instant, and while time stands still it would remain so. Half a microsecond
    allows for what floating point loses.
    """
    return bool(unix_time_millis() >= message.visible_at - 0.0005)


def shift(microseconds: int) -> None:
    """Move the times of all messages there are: they were sent in real time, and live on in virtual time."""
    milliseconds = microseconds // 1000
    for account in sqs_backends.values():
        for backend in account.values():
            for queue in backend.queues.values():
                for message in queue._messages:
                    message.sent_timestamp += milliseconds
                    if message.delayed_until:
                        message.delayed_until += milliseconds
                    if message.visible_at:
                        message.visible_at += milliseconds
                    if message.approximate_first_receive_timestamp:
                        message.approximate_first_receive_timestamp += milliseconds


def _give_lists_back() -> None:
    for account in sqs_backends.values():
        for backend in account.values():
            for queue in backend.queues.values():
                queue._messages = list(queue._messages)
