"""What a poller needs of a queue. Real queues live in moto's storage; unit tests bring their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class ReceivedMessage(NamedTuple):
    """One message as it was received, with the fields of ReceiveMessage. Times are milliseconds since the epoch.

    ``depth`` counts the invocations, each caused by the one before, that led to its sending; 0 outside of handlers.
    """

    message_id: str
    receipt_handle: str
    body: str
    md5_of_body: str
    sent: int
    first_received: int
    receive_count: int
    sender_id: str
    message_attributes: Mapping[str, Any]
    md5_of_attributes: str | None
    system_attributes: Mapping[str, str]
    depth: int


class Receipt(NamedTuple):
    """What one receive found: the messages handed out, and the ids of those that went elsewhere instead."""

    messages: Sequence[ReceivedMessage]
    dead_lettered: Sequence[str]
    expired: Sequence[str]


class WaitingMessage(NamedTuple):
    """A message that is in a queue: ``visible`` is when it is or was visible, in microseconds since the epoch."""

    message_id: str
    visible: int
    receive_count: int


class Queue(Protocol):
    """A queue of messages that hide while they are in flight. Instants are microseconds since the epoch."""

    @property
    def visibility_timeout(self) -> int:
        """How long a received message stays hidden, in seconds."""
        ...

    def receive(self, limit: int, now: int) -> Receipt:
        """Receive up to ``limit`` messages that are visible at ``now``, in the order in which they became so."""
        ...

    def pass_over(self, now: int) -> None:
        """Let the message that is next in turn at ``now`` come after the others: standard queues keep no order."""
        ...

    def delete(self, messages: Sequence[ReceivedMessage]) -> Sequence[str]:
        """Delete messages whose receipt is still the newest one; the ids of those that were deleted."""
        ...

    def next_visible(self) -> int | None:
        """When the next message becomes visible: in the past if one is waiting, None if there is none at all."""
        ...

    def contents(self) -> Sequence[WaitingMessage]:
        """All messages, in the order in which they were sent."""
        ...


class Queues(Protocol):
    """Finds queues by ARN."""

    def find(self, arn: str) -> Queue | None:
        """The queue, or None where it does not exist."""
        ...
