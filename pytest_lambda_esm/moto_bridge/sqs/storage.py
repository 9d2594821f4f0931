"""Receiving from moto's queues, deleting, and moving to dead-letter queues, by our own selection.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto's own receive takes time in proportion to the square of a queue's
depth, shows a message only a moment after its visibility timeout has ended, and starves messages of a FIFO group
after a timeout. Of a moto queue this touches ``_messages``, ``deleted_messages``, ``redrive_policy`` and
``fifo_queue``; what it has to remember of a message stands in attributes of the
message (``MARKS``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.sqs.messages import table_of
from pytest_lambda_esm.moto_bridge.sqs.order import visible_from

MARKS: Final = {
    "lambda_esm_depth": None,
    "lambda_esm_dead_letter_source": None,
    "lambda_esm_received_elsewhere": 0,
    "lambda_esm_received_at": 0,
    "lambda_esm_place": None,
    "lambda_esm_content": None,
}
"""What is remembered of a message, as attributes of moto's messages, with their defaults.

``depth`` is how many invocations led to its sending (None: not sent yet), ``dead_letter_source`` the ARN of the queue
it was moved from, ``received_elsewhere`` its receive count there, ``received_at`` its last receipt in milliseconds,
``place`` where it stands in the order of its queue, ``content`` what is the same at each receipt.
"""

_LATELY_DELETED: Final = "_lambda_esm_deleted"
"""An attribute of moto's queues: deleted messages whose handles :func:`keep_handles` has yet to keep."""

_PREFIX: Final = "AQEB"
_ID_LENGTH: Final = 36


Selection: TypeAlias = tuple[list[Any], list[str], list[str]]
"""What one receive found: messages handed out, ids of those moved to the dead-letter queue, and expired ones."""


class Receiver:
    """Receives messages from moto's queues.

    ``new_receipt`` returns a text that tells one receipt from another; a receipt handle is made of it and the message's
    id.
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
        expired: list[str] = []
        oldest = now // 1000 - int(queue.message_retention_period) * 1000
        target = dead_letter_target(queue)
        most = int(queue.redrive_policy["maxReceiveCount"]) if target is not None else None
        at, hidden_until = now // 1000, now / 1000 + visibility * 1000
        receipt = self._new_receipt()
        for message in table.order.available(now, limit):
            if message.sent_timestamp <= oldest:
                table.remove(message)
                expired.append(message.id)
            elif most is not None and _received_here(message) >= most:
                table.remove(message)
                moved.append(message)
            elif admits is not None and not admits(message):
                break
            else:
                if message.receipt_handle is not None:
                    message._old_receipt_handles.append(message.receipt_handle)
                if not message.approximate_first_receive_timestamp:
                    message.approximate_first_receive_timestamp = at
                # The message's id stands in front, so that a handle finds its message.
                message.receipt_handle = f"{_PREFIX}{message.id}{receipt}"
                message.approximate_receive_count += 1
                message.visible_at = hidden_until
                message.lambda_esm_received_at = at
                received.append(message)
                if len(received) >= limit:
                    break
        for message in moved:
            _move(message, queue, target, now // 1000)
        return received, [message.id for message in moved], expired


def dead_letter_target(queue: Any) -> Any | None:
    """The queue that takes messages received too often; None where there is none, or it does not allow that.

    SQS names it by its ARN: once it is deleted, messages stay where they are and are received again.
    """
    policy = queue.redrive_policy
    arn = Arn.parse(policy["deadLetterTargetArn"]) if policy else None
    if arn is None:
        return None
    target = sqs_backends[arn.account_id][arn.region].queues.get(arn.resource)
    return target if target is not None and target is not queue and _allows(target, queue.queue_arn) else None


def _allows(target: Any, source_arn: str) -> bool:
    given = getattr(target, "redrive_allow_policy", None)
    policy = json.loads(given) if isinstance(given, str) and given else given
    if not policy:
        return True
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source_arn in policy.get("sourceQueueArns", ()))


def delete_received(queue: Any, receipts: Iterable[tuple[str, str]], now: int) -> list[str]:
    """Delete messages by id and the receipt handle of their newest receipt; the ids of those that were deleted.

    A message that has been received again since then stays. In a FIFO queue a receipt ends with its visibility.
    """
    is_over = (lambda message: visible_from(message) <= now) if queue.fifo_queue else None
    deleted = table_of(queue).delete(receipts, is_over)
    vars(queue).setdefault(_LATELY_DELETED, []).extend(deleted)
    return [message.id for message in deleted]


def was_deleted(queue: Any, receipt_handle: str) -> bool:
    """Whether a receipt handle, of the newest receipt or not, was one of a message that has been deleted."""
    keep_handles(queue)
    return receipt_handle in queue.deleted_messages


def keep_handles(queue: Any) -> None:
    """Put the receipt handles of deleted messages where moto keeps them.

    It waits until somebody asks, since the pollers delete most messages, and hardly any test deletes them again.
    """
    for message in vars(queue).pop(_LATELY_DELETED, ()):
        queue.deleted_messages.update(message.all_receipt_handles)


def take_out(queue: Any, message: Any, now: int) -> None:
    """Delete a message, and remember its receipt handles: to delete it once more is no error."""
    delete_received(queue, [(message.id, message.receipt_handle)], now)


def has_expired_receipt(queue: Any, message: Any, now: int) -> bool:
    """Whether a message of a FIFO queue is visible again, so that nothing can be done with its receipt any more."""
    return bool(queue.fifo_queue) and visible_from(message) <= now


def find_by_receipt(queue: Any, receipt_handle: str) -> Any | None:
    """The message that a receipt handle was given out for, this one or an earlier one; None: no such message here."""
    table = table_of(queue)
    message = table.get(receipt_handle[len(_PREFIX) : len(_PREFIX) + _ID_LENGTH])
    if message is not None and message.had_receipt_handle(receipt_handle):
        return message
    return next((other for other in table if other.had_receipt_handle(receipt_handle)), None)


def _received_here(message: Any) -> int:
    return int(message.approximate_receive_count - message.lambda_esm_received_elsewhere)


def _move(message: Any, source: Any, target: Any, milliseconds: int) -> None:
    """Put a message into a dead-letter queue: visible at once, its receive count goes on.

    It keeps its time of sending, against which retention counts; in a FIFO queue that starts anew.
    """
    message.lambda_esm_dead_letter_source = source.queue_arn
    message.lambda_esm_received_elsewhere = message.approximate_receive_count
    message.receipt_handle = None
    message._old_receipt_handles = []
    message.delayed_until = 0.0
    message.visible_at = float(milliseconds)
    if target.fifo_queue:
        message.sent_timestamp = milliseconds
    target.add_message(message)


INTERVAL: Final = 5 * 60 * 1000
"""For how long a deduplication id counts, in milliseconds, whether or not its message is still in the queue."""

_FIRST_NUMBER: Final = 18_849_496_460_467_696_128
_STEP: Final = 256


class Sent(NamedTuple):
    """What is remembered of a message; ``at`` in milliseconds since the epoch."""

    message_id: str
    sequence_number: str
    at: int


class SentMessages:
    """The memory of one FIFO queue. Sequence numbers are texts of 20 digits."""

    def __init__(self) -> None:
        self._recent: dict[tuple[str, str], Sent] = {}
        self._number = _FIRST_NUMBER

    def number(self, message: Any) -> None:
        """Give a message the next sequence number."""
        message.sequence_number = str(self._number)
        self._number += _STEP

    def repeats(self, message: Any, scope: str) -> Sent | None:
        """The message that this one repeats; None where it is new, and then it is remembered.

        ``scope`` is the queue's DeduplicationScope: ``queue``, or ``messageGroup`` for ids that count by group.
        """
        self._forget_before(message.sent_timestamp - INTERVAL)
        key = (str(message.group_id) if scope == "messageGroup" else "", str(message.deduplication_id))
        earlier = self._recent.get(key)
        if earlier is None:
            self._recent[key] = Sent(message.id, message.sequence_number, message.sent_timestamp)
        return earlier

    def _forget_before(self, limit: int) -> None:
        while self._recent:
            oldest = next(iter(self._recent))
            if self._recent[oldest].at > limit:
                return
            del self._recent[oldest]


def memory_of(queue: Any) -> SentMessages:
    """The memory of one of moto's FIFO queues; made from the messages it holds when it is first asked for."""
    memory: SentMessages | None = queue.__dict__.get("_lambda_esm_sent")
    if memory is None:
        memory = queue.__dict__["_lambda_esm_sent"] = SentMessages()
        for message in queue._messages:
            memory.number(message)
            memory.repeats(message, queue.deduplication_scope)
    return memory
