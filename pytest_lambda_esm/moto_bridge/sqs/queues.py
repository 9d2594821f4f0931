"""moto's queues, as the poller reads them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.session import backend_of
from pytest_lambda_esm.moto_bridge.sqs.messages import body_of, table_of
from pytest_lambda_esm.moto_bridge.sqs.order import visible_from
from pytest_lambda_esm.moto_bridge.sqs.storage import Receiver, dead_letter_target, delete_received
from pytest_lambda_esm.sources.queue_ports import BlockedGroup, Receipt, Received, WaitingMessage

_WORST = 6
_WORST_METADATA = 1_000
_LIGHT = 6_000_000
"""Below this many bytes a batch needs no weighing: each character may take six as JSON, beside the metadata."""


class PolledQueue:
    """One queue in moto's storage, moto's ``queue``, read by a poller."""

    __slots__ = ("_receiver", "queue")

    def __init__(self, queue: Any, receiver: Receiver) -> None:
        self.queue = queue
        self._receiver = receiver

    @property
    def visibility_timeout(self) -> int:
        """The queue's visibility timeout in seconds, as it is now."""
        return int(self.queue.visibility_timeout)

    @property
    def missing_dead_letter_target(self) -> str | None:
        """The ARN of a dead-letter queue that takes nothing from this queue, None where there is none."""
        policy = self.queue.redrive_policy
        return str(policy["deadLetterTargetArn"]) if policy and dead_letter_target(self.queue) is None else None

    def receive(
        self, limit: int, now: int, admits: Callable[[str, Mapping[str, Any]], bool] | None, visibility: int
    ) -> Receipt:
        """Receive visible messages; those past their retention or their maximum receive count go elsewhere."""
        asks = None
        if admits is not None and limit * (_WORST * table_of(self.queue).heaviest + _WORST_METADATA) > _LIGHT:
            asks = lambda message: admits(body_of(message), message.message_attributes)  # noqa: E731
        messages, dead_lettered, expired = self._receiver.receive(self.queue, limit, now, visibility, asks)
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

    def pass_over(self, now: int) -> None:
        """Let the message that has been visible longest come after the others that are visible."""
        table_of(self.queue).order.pass_over(now)

    def delete(self, messages: Sequence[Received], now: int) -> Sequence[str]:
        """Delete by receipt; a message that has been received again since then stays."""
        return delete_received(self.queue, [message[:2] for message in messages], now)

    def held_until(self, message: Received) -> int | None:
        """When a received message becomes visible again; None where its receipt is not the newest any more."""
        message_id, receipt_handle = message[:2]
        found = table_of(self.queue).get(message_id)
        if found is None or found.receipt_handle != receipt_handle:
            return None
        return visible_from(found)

    def next_visible(self) -> int | None:
        """When the next message is visible, in microseconds since the epoch."""
        return table_of(self.queue).order.next_visible()

    def contents(self) -> Sequence[WaitingMessage]:
        """All messages, in the order in which they were sent."""
        retention = int(self.queue.message_retention_period) * 1000
        return [
            WaitingMessage(
                message.id,
                visible_from(message),
                message.approximate_receive_count,
                (message.sent_timestamp + retention) * 1000,
                message.group_id if self.queue.fifo_queue else None,
            )
            for message in table_of(self.queue)
        ]

    def blocked(self, now: int) -> Sequence[BlockedGroup]:
        """The groups of a FIFO queue that are closed now."""
        return [
            BlockedGroup(group, message.id, visible_from(message), message.approximate_receive_count, waiting)
            for group, message, waiting in table_of(self.queue).order.blocked(now)
        ]


class MotoQueues:
    """Finds queues in moto's storage. A queue is looked up each time: moto forgets all of them at a reset."""

    def __init__(self, new_receipt: Callable[[], str]) -> None:
        self._receiver = Receiver(new_receipt)
        self._found: dict[str, PolledQueue] = {}

    def find(self, arn: str) -> PolledQueue | None:
        """The queue with an ARN, or None where it does not exist."""
        place = _place(arn)
        if place is None:
            return None
        account_id, region, name = place
        queue = backend_of(sqs_backends, account_id, region).queues.get(name)
        if queue is None:
            return None
        found = self._found.get(arn)
        if found is None or found.queue is not queue:
            found = self._found[arn] = PolledQueue(queue, self._receiver)
        return found


@lru_cache(maxsize=256)
def _place(arn: str) -> tuple[str, str, str] | None:
    parsed = Arn.parse(arn)
    return (parsed.account_id, parsed.region, parsed.resource) if parsed is not None else None


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
