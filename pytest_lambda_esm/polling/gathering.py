"""A batch that is being put together: messages received, until it is full or its window ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_lambda_esm.polling.queue_plan import LARGEST_PAYLOAD, QueuePlan
from pytest_lambda_esm.sources.queue import MESSAGE_ID, Received
from pytest_lambda_esm.sources.sqs import weight

_EVENT: int = len('{"Records":[]}')


class Gathering:
    """The messages of one batch so far. ``closes`` is when its window ends, in microseconds since the epoch.

    ``deliveries`` is how often the batch is handed over: once, unless somebody asked for more.
    """

    __slots__ = ("_payload", "closes", "closing", "deliveries", "messages", "overflowed", "plan")

    def __init__(self, plan: QueuePlan, now: int) -> None:
        self.plan = plan
        self.closes = now + plan.window
        self.closing: Any = None
        self.deliveries = 1
        self.messages: list[Received] = []
        self.overflowed = False
        self._payload = _EVENT

    @property
    def room(self) -> int:
        """How many more messages fit; 0 once the next one would exceed the payload."""
        return 0 if self.overflowed else self.plan.batch_size - len(self.messages)

    def admits(self, body: str, message_attributes: Mapping[str, Any]) -> bool:
        """Whether one more message fits into the payload; asked before its receipt."""
        size = weight(body, message_attributes) + 1
        if self._payload + size > LARGEST_PAYLOAD and self._payload > _EVENT:
            self.overflowed = True
            return False
        self._payload += size
        return True

    def add(self, messages: Sequence[Received]) -> None:
        """Take messages into the batch. One whose visibility timeout ended in a long window came once more: the newer
        receipt counts."""
        if self.messages:
            again = {message[MESSAGE_ID] for message in messages}
            self.messages = [message for message in self.messages if message[MESSAGE_ID] not in again]
        self.messages += messages
