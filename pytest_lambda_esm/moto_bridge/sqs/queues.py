"""moto's queues as pollers read them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.session import backend_of
from pytest_lambda_esm.moto_bridge.sqs.messages import attributes_of, body_of, table_of
from pytest_lambda_esm.moto_bridge.sqs.order import visible_from
from pytest_lambda_esm.moto_bridge.sqs.storage import Receiver, dead_letter_target, delete_received
from pytest_lambda_esm.sources.queue_ports import BlockedGroup, Receipt, Received, WaitingMessage

_BYTES_PER_CHARACTER: Final = 6
"""The most that one character takes as JSON."""

_METADATA: Final = 1_000
"""An upper bound for the bytes of a record in addition to its body and attributes."""

_SMALL_BATCH: Final = 6_000_000
"""If a batch cannot exceed this many bytes, its messages are not weighed one by one."""


class PolledQueue:
    """One of moto's queues, as ``queue``, with what pollers need from it."""

    __slots__ = ("_receiver", "queue")

    def __init__(self, queue: Any, receiver: Receiver) -> None:
        self.queue = queue
        self._receiver = receiver

    @property
    def visibility_timeout(self) -> int:
        """The queue's current visibility timeout in seconds."""
        return int(self.queue.visibility_timeout)

    @property
    def missing_dead_letter_target(self) -> str | None:
        """The ARN of the dead-letter queue if it does not exist or does not allow this queue as a source, else None."""
        policy = self.queue.redrive_policy
        return str(policy["deadLetterTargetArn"]) if policy and dead_letter_target(self.queue) is None else None

    @property
    def has_dead_letter_queue(self) -> bool:
        """Whether the queue has a redrive policy."""
        return bool(self.queue.redrive_policy)

    def receive(
        self, limit: int, now: int, admits: Callable[[str, Mapping[str, Any]], bool] | None, visibility: int
    ) -> Receipt:
        """Receive visible messages, without those past their retention period or their maximum receive count."""
        check = None
        largest = _BYTES_PER_CHARACTER * table_of(self.queue).heaviest + _METADATA
        if admits is not None and limit * largest > _SMALL_BATCH:
            check = lambda message: admits(body_of(message), message.message_attributes)  # noqa: E731
        messages, dead_lettered, expired = self._receiver.receive(self.queue, limit, now, visibility, check)
        received = []
        for message in messages:
            receipt = (
                message.id,
                message.receipt_handle,
                message.approximate_first_receive_timestamp,
                message.approximate_receive_count,
            )
            received.append(receipt + message.lambda_esm_content)
        return received, dead_lettered, expired

    def sent(self, message_id: str) -> int | None:
        """Return when a message was sent, in microseconds since the epoch; None if it is not in the queue."""
        message = table_of(self.queue).get(message_id)
        return int(message.sent_timestamp * 1000) if message is not None else None

    def pass_over(self, now: int) -> None:
        """Move the message that has been visible longest behind the other visible ones."""
        table_of(self.queue).order.pass_over(now)

    def delete(self, messages: Sequence[Received], now: int) -> Sequence[str]:
        """Delete messages by receipt. A message that has been received again since then stays."""
        return delete_received(self.queue, messages, now)

    def held_until(self, message: Received) -> int | None:
        """Return when a received message becomes visible again, or None if its receipt is no longer the newest."""
        message_id, receipt_handle = message[:2]
        found = table_of(self.queue).get(message_id)
        if found is None or found.receipt_handle != receipt_handle:
            return None
        return visible_from(found)

    def next_visible(self) -> int | None:
        """Return when the next message becomes visible, in microseconds since the epoch."""
        return table_of(self.queue).order.next_visible()

    def contents(self) -> Sequence[WaitingMessage]:
        """Return all messages in the order in which they were sent."""
        retention = int(self.queue.message_retention_period) * 1000
        return [
            WaitingMessage(
                message.id,
                visible_from(message),
                message.approximate_receive_count,
                (message.sent_timestamp + retention) * 1000,
            )
            for message in table_of(self.queue)
        ]

    def messages(self) -> Sequence[tuple[str, str, int, Mapping[str, Any]]]:
        """Return all messages in the order in which they were sent: id, body, receive count and attributes."""
        return [
            (message.id, body_of(message), message.approximate_receive_count, attributes_of(message))
            for message in table_of(self.queue)
        ]

    def blocked(self, now: int) -> Sequence[BlockedGroup]:
        """Return what blocks the groups of a FIFO queue."""
        return [
            BlockedGroup(
                group,
                message.id,
                visible_from(message),
                message.approximate_receive_count,
                [behind.id for behind in waiting],
            )
            for group, message, waiting in table_of(self.queue).order.blocked(now)
        ]


class MotoQueues:
    """Finds queues in moto's storage. A queue is looked up each time, since moto forgets all of them at a reset."""

    def __init__(self, new_receipt: Callable[[], str]) -> None:
        self._receiver = Receiver(new_receipt)
        self._found: dict[str, PolledQueue] = {}

    def find(self, arn: str) -> PolledQueue | None:
        """Return the queue with this ARN, or None if it does not exist."""
        parsed = _parse(arn)
        if parsed is None:
            return None
        account_id, region, name = parsed
        queue = backend_of(sqs_backends, account_id, region).queues.get(name)
        if queue is None:
            return None
        found = self._found.get(arn)
        if found is None or found.queue is not queue:
            found = self._found[arn] = PolledQueue(queue, self._receiver)
        return found


@lru_cache(maxsize=256)
def _parse(arn: str) -> tuple[str, str, str] | None:
    parsed = Arn.parse(arn)
    return (parsed.account_id, parsed.region, parsed.resource) if parsed is not None else None


def shift(microseconds: int) -> None:
    """Shift the times of all existing messages from real to virtual time."""
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
