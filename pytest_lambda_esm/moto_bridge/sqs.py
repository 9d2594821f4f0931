"""moto's queues, as the poller reads them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import md5
from operator import itemgetter
from typing import Any

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.moto_bridge.backends import backend_of
from pytest_lambda_esm.moto_bridge.group_order import GroupOrder
from pytest_lambda_esm.moto_bridge.message_table import body_of, table_of
from pytest_lambda_esm.moto_bridge.queue_storage import (
    dead_letter_target,
    delete_received,
    select,
)
from pytest_lambda_esm.moto_bridge.visibility_order import visible_from
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.queue import BlockedGroup, Receipt, ReceivedMessage, WaitingMessage

_ID_AND_HANDLE = itemgetter(0, 1)
_WORST = 6
_WORST_METADATA = 1_000
_LIGHT = 6_000_000
"""Below this many bytes a batch needs no weighing: each character may take six as JSON, beside the metadata."""


class PolledQueue:
    """One queue in moto's storage, read by a poller."""

    __slots__ = ("_queue", "_randomness")

    def __init__(self, queue: Any, randomness: random.Random) -> None:
        self._queue = queue
        self._randomness = randomness

    @property
    def visibility_timeout(self) -> int:
        """The queue's visibility timeout in seconds, as it is now."""
        return int(self._queue.visibility_timeout)

    @property
    def missing_dead_letter_target(self) -> str | None:
        """The ARN of a dead-letter queue that takes nothing from this queue, None where there is none."""
        policy = self._queue.redrive_policy
        return str(policy["deadLetterTargetArn"]) if policy and dead_letter_target(self._queue) is None else None

    def receive(
        self, limit: int, now: int, admits: Callable[[str, Mapping[str, Any]], bool] | None, visibility: int
    ) -> Receipt:
        """Receive visible messages; those past their retention or their maximum receive count go elsewhere."""
        asks = None
        if admits is not None and limit * (_WORST * table_of(self._queue).heaviest + _WORST_METADATA) > _LIGHT:
            asks = lambda message: admits(body_of(message), message.message_attributes)  # noqa: E731
        found = select(self._queue, limit, now, visibility, asks, self._randomness)
        return Receipt(_received(found.messages), found.dead_lettered, found.expired)

    def pass_over(self, now: int) -> None:
        """Let the message that has been visible longest come after the others that are visible."""
        table_of(self._queue).order.pass_over(now)

    def delete(self, messages: Sequence[ReceivedMessage], now: int) -> Sequence[str]:
        """Delete by receipt; a message that has been received again since then stays."""
        return delete_received(self._queue, map(_ID_AND_HANDLE, messages), now)

    def held_until(self, message: ReceivedMessage) -> int | None:
        """When a received message becomes visible again; None where its receipt is not the newest any more."""
        found = table_of(self._queue).get(message.message_id)
        if found is None or found.receipt_handle != message.receipt_handle:
            return None
        return visible_from(found)

    def next_visible(self) -> int | None:
        """When the next message is visible, in microseconds since the epoch."""
        return table_of(self._queue).order.next_visible()

    def contents(self) -> Sequence[WaitingMessage]:
        """All messages, in the order in which they were sent."""
        retention = int(self._queue.message_retention_period) * 1000
        return [
            WaitingMessage(
                message.id,
                visible_from(message),
                message.approximate_receive_count,
                (message.sent_timestamp + retention) * 1000,
                message.group_id if self._queue.fifo_queue else None,
            )
            for message in table_of(self._queue)
        ]

    def blocked(self, now: int) -> Sequence[BlockedGroup]:
        """The groups of a FIFO queue that are closed now."""
        order = table_of(self._queue).order
        if not isinstance(order, GroupOrder):
            return ()
        return [
            BlockedGroup(group, message.id, visible_from(message), message.approximate_receive_count, waiting)
            for group, message, waiting in order.blocked(now)
        ]


_new = tuple.__new__
"""Makes a named tuple of a tuple. This is done for each message, and the class's own call takes twice the time."""


def _received(messages: Sequence[Any]) -> list[ReceivedMessage]:
    received = []
    for message in messages:
        body = body_of(message)
        attributes = message.message_attributes
        plain = not message.system_attributes and message.group_id is None is message.lambda_esm_dead_letter_source
        fields = (
            message.id,
            message.receipt_handle,
            body,
            md5(body.encode(), usedforsecurity=False).hexdigest(),
            message.sent_timestamp,
            message.approximate_first_receive_timestamp,
            message.approximate_receive_count,
            message.sender_id,
            {name: _attribute(value) for name, value in attributes.items()} if attributes else None,
            message.attribute_md5 if attributes else None,
            None if plain else _system_attributes(message),
            message.lambda_esm_depth or 0,
        )
        received.append(_new(ReceivedMessage, fields))
    return received


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
        parsed = _parse(arn)
        if parsed is None:
            return None
        queue = backend_of(sqs_backends, parsed.account_id, parsed.region).queues.get(parsed.resource)
        return PolledQueue(queue, self._randomness) if queue is not None else None


_parse = lru_cache(maxsize=256)(Arn.parse)


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
