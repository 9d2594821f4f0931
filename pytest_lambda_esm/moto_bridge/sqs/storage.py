"""Receives, deletes, dead-letters and deduplicates messages of moto's queues.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto's own receive takes time in proportion to the square of a queue's
depth, shows a message only a moment after its visibility timeout has ended, and starves messages of a FIFO group
after a timeout. This module uses the attributes ``_messages``, ``deleted_messages``, ``redrive_policy`` and
``fifo_queue`` of moto's queues. It stores its own data in attributes of moto's messages (``MARKS``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.sqs.messages import id_in, table_of
from pytest_lambda_esm.moto_bridge.sqs.order import visible_from
from pytest_lambda_esm.observe import chains

MARKS: Final = {
    "lambda_esm_depth": None,
    "lambda_esm_dead_letter_source": None,
    "lambda_esm_received_elsewhere": 0,
    "lambda_esm_received_at": 0,
    "lambda_esm_handle": "",
    "lambda_esm_place": None,
    "lambda_esm_content": None,
}
"""Attributes that are added to moto's messages, with their defaults.

``depth`` is the chain of invocations that led to the message's sending (None: not sent yet). ``dead_letter_source`` is
the ARN of the queue from which it was moved, ``received_elsewhere`` its receive count there.

``received_at`` is the time of its last receipt in milliseconds, ``handle`` what all its receipt handles begin with
(empty: it has been in no table yet), ``place`` its place in the queue's order, ``content`` the fields that are the same
at each receipt.
"""

_RECENTLY_GONE: Final = "_lambda_esm_gone"
"""An attribute of moto's queues: messages that left, whose handles :func:`store_handles` has not stored yet."""

DEDUPLICATION_INTERVAL: Final = 5 * 60 * 1000
"""How long a deduplication id counts, in milliseconds, whether or not its message is still in the queue."""

_FIRST_NUMBER: Final = 18_849_496_460_467_696_128
_STEP: Final = 256

Selection: TypeAlias = tuple[list[Any], list[str], list[str]]
"""The messages of one receive, the ids of those moved to the dead-letter queue instead, and the ids of expired ones."""


class Receiver:
    """Receives messages from moto's queues.

    ``new_receipt`` returns a text that tells one receipt from another. A receipt handle consists of the message's id
    in base64 and that text. As in AWS, it shows no UUID.
    """

    def __init__(self, new_receipt: Callable[[], str]) -> None:
        self._new_receipt = new_receipt

    def receive(
        self, queue: Any, limit: int, now: int, visibility: int, admits: Callable[[Any], bool] | None = None
    ) -> Selection:
        """Receive up to ``limit`` messages, and hide them for ``visibility`` seconds from ``now`` (microseconds).

        ``admits`` is called before each receipt. If it returns False, the receive ends and that message stays as it
        was.
        """
        table = table_of(queue)
        received: list[Any] = []
        moved: list[Any] = []
        expired: list[Any] = []
        oldest = now // 1000 - int(queue.message_retention_period) * 1000
        target = dead_letter_target(queue)
        max_receives = int(queue.redrive_policy["maxReceiveCount"]) if target is not None else None
        at, hidden_until = now // 1000, now / 1000 + visibility * 1000
        receipt = self._new_receipt()
        for message in table.order.available(now, limit):
            if message.sent_timestamp <= oldest:
                table.remove(message)
                expired.append(message)
            elif max_receives is not None and _receives_here(message) >= max_receives:
                table.remove(message)
                moved.append(message)
            elif admits is not None and not admits(message):
                break
            else:
                if message.receipt_handle is not None:
                    message._old_receipt_handles.append(message.receipt_handle)
                if not message.approximate_first_receive_timestamp:
                    message.approximate_first_receive_timestamp = at
                message.receipt_handle = f"{message.lambda_esm_handle}{receipt}"
                message.approximate_receive_count += 1
                message.visible_at = hidden_until
                message.lambda_esm_received_at = at
                received.append(message)
                if len(received) >= limit:
                    break
        for message in moved:
            _move(message, queue, target, now // 1000)
        note_gone(queue, expired)
        return received, [message.id for message in moved], [message.id for message in expired]


def dead_letter_target(queue: Any) -> Any | None:
    """Return the dead-letter queue, or None if there is none or it does not allow this queue as a source.

    The redrive policy names it by ARN. Once it is deleted, messages stay where they are and are received again.
    """
    policy = queue.redrive_policy
    arn = Arn.parse(policy["deadLetterTargetArn"]) if policy else None
    if arn is None:
        return None
    target = sqs_backends[arn.account_id][arn.region].queues.get(arn.resource)
    return target if target is not None and target is not queue and _allows(target, queue.queue_arn) else None


def _allows(target: Any, source_arn: str) -> bool:
    value = getattr(target, "redrive_allow_policy", None)
    policy = json.loads(value) if isinstance(value, str) and value else value
    if not policy:
        return True
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source_arn in policy.get("sourceQueueArns", ()))


def delete_received(queue: Any, receipts: Iterable[tuple[Any, ...]], now: int) -> list[str]:
    """Delete messages by id and the handle of their newest receipt, the first two members of each tuple.

    Returns the ids of those that were deleted. A message that has been received again since then stays. In a FIFO
    queue, so does one that is visible again.
    """
    is_over = (lambda message: visible_from(message) <= now) if queue.fifo_queue else None
    deleted = table_of(queue).delete(receipts, is_over)
    note_gone(queue, deleted)
    return [message.id for message in deleted]


def note_gone(queue: Any, messages: Iterable[Any]) -> None:
    """Note that messages have left a queue: they were deleted or purged, or they expired."""
    vars(queue).setdefault(_RECENTLY_GONE, []).extend(messages)


def is_gone(queue: Any, receipt_handle: str) -> bool:
    """Return whether a receipt handle, the newest or an earlier one, belonged to a message that has left the queue."""
    store_handles(queue)
    return receipt_handle in queue.deleted_messages


def store_handles(queue: Any) -> None:
    """Store the receipt handles of messages that have left the queue where moto stores those of deleted ones.

    This is done only when the handles are needed: pollers delete most messages, and hardly any test deletes them again.
    """
    for message in vars(queue).pop(_RECENTLY_GONE, ()):
        queue.deleted_messages.update(message.all_receipt_handles)


def delete_message(queue: Any, message: Any, now: int) -> None:
    """Delete a message. Its receipt handles are stored, since deleting it again is not an error."""
    delete_received(queue, [(message.id, message.receipt_handle)], now)


def has_expired(queue: Any, message: Any, now: int) -> bool:
    """Return whether a message's retention period has ended and nobody holds the message."""
    oldest = now // 1000 - int(queue.message_retention_period) * 1000
    return bool(message.sent_timestamp <= oldest) and visible_from(message) <= now


def has_expired_receipt(queue: Any, message: Any, now: int) -> bool:
    """Return whether a message of a FIFO queue is visible again, so that its receipt is no longer valid."""
    return bool(queue.fifo_queue) and visible_from(message) <= now


def find_by_receipt(queue: Any, receipt_handle: str) -> Any | None:
    """Return the message to which a receipt handle belongs, the newest or an earlier one, or None."""
    table = table_of(queue)
    message = table.get(id_in(receipt_handle))
    if message is not None and message.had_receipt_handle(receipt_handle):
        return message
    return next((other for other in table if other.had_receipt_handle(receipt_handle)), None)


def _receives_here(message: Any) -> int:
    return int(message.approximate_receive_count - message.lambda_esm_received_elsewhere)


def _move(message: Any, source: Any, target: Any, milliseconds: int) -> None:
    """Move a message to a dead-letter queue. It is visible at once, and its receive count continues.

    It keeps its time of sending, from which the retention period counts. A FIFO queue sets a new one, and replaces the
    deduplication id with the message's id (documented). Lambda's loop detection does not stop its delivery from there.
    """
    source.deleted_messages.update(message.all_receipt_handles)
    message.lambda_esm_dead_letter_source = source.queue_arn
    message.lambda_esm_received_elsewhere = message.approximate_receive_count
    message.lambda_esm_depth = chains.untraced(message.lambda_esm_depth or 0)
    message.receipt_handle = None
    message._old_receipt_handles = []
    message.delayed_until = 0.0
    message.visible_at = float(milliseconds)
    if target.fifo_queue:
        message.sent_timestamp = milliseconds
        message.deduplication_id = message.id
    target.add_message(message)


class SentMessages:
    """The recently sent messages of one FIFO queue, for deduplication. Sequence numbers are strings of 20 digits."""

    def __init__(self) -> None:
        self._recent: dict[tuple[str, str], Sent] = {}
        self._number = _FIRST_NUMBER

    def number(self, message: Any) -> None:
        """Set a message's sequence number to the next one."""
        message.sequence_number = str(self._number)
        self._number += _STEP

    def find_original(self, message: Any, scope: str) -> Sent | None:
        """Return the message of which this one is a duplicate. If there is none, remember this one and return None.

        ``scope`` is the queue's DeduplicationScope: ``queue``, or ``messageGroup`` for deduplication ids per group.
        """
        self._forget_before(message.sent_timestamp - DEDUPLICATION_INTERVAL)
        key = (str(message.group_id) if scope == "messageGroup" else "", str(message.deduplication_id))
        earlier = self._recent.get(key)
        if earlier is None:
            self._recent[key] = Sent(message.id, message.sequence_number, message.sent_timestamp)
        return earlier

    def forget_ids(self) -> None:
        """Forget all deduplication ids: the queue was purged."""
        self._recent.clear()

    def _forget_before(self, limit: int) -> None:
        while self._recent:
            oldest = next(iter(self._recent))
            if self._recent[oldest].at > limit:
                return
            del self._recent[oldest]


def sent_messages_of(queue: Any) -> SentMessages:
    """Return the SentMessages of a moto FIFO queue. The first call makes them from the messages in the queue."""
    sent: SentMessages | None = queue.__dict__.get("_lambda_esm_sent")
    if sent is None:
        sent = queue.__dict__["_lambda_esm_sent"] = SentMessages()
        for message in queue._messages:
            sent.number(message)
            sent.find_original(message, queue.deduplication_scope)
    return sent


class Sent(NamedTuple):
    """A message that was sent ``at`` milliseconds since the epoch."""

    message_id: str
    sequence_number: str
    at: int
