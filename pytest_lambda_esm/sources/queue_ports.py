"""What a poller needs from a queue. Real queues live in moto's storage; unit tests supply their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias


class ReceivedMessage(NamedTuple):
    """One message as it was received, with the fields of ReceiveMessage.

    Times are in milliseconds since the epoch, ``sent`` as a string. ``message_attributes`` and ``system_attributes``
    are None if the message has none. ``depth`` is the chain of invocations, each caused by the one before, that
    led to its sending (see ``observe/chains.py``); 0 outside handlers.
    """

    message_id: str
    receipt_handle: str
    first_received: int
    receive_count: int
    body: str
    md5_of_body: str
    sent: str
    sender_id: str
    message_attributes: Mapping[str, Any] | None
    md5_of_attributes: str | None
    system_attributes: Mapping[str, str] | None
    depth: int


Content: TypeAlias = tuple[str, str, str, str, Mapping[str, Any] | None, str | None, Mapping[str, str] | None, int]
"""The fields of a ReceivedMessage that are the same at each receipt: from ``body`` on."""

Received: TypeAlias = tuple[
    str, str, int, int, str, str, str, str, Mapping[str, Any] | None, str | None, Mapping[str, str] | None, int
]
"""A ReceivedMessage, or a plain tuple of its fields, as batches hold them.

A named tuple takes three times as long to make, and the garbage collector traverses it again and again, while it stops
tracking a plain tuple that holds only strings and numbers. An invocation keeps its messages for as long as the test
runs.
"""

MESSAGE_ID: Final = 0
RECEIVE_COUNT: Final = 3
DEPTH: Final = 11
_SYSTEM_ATTRIBUTES: Final = 10
"""Indexes of fields in a Received."""


def group_of(message: Received) -> str | None:
    """Return the message group of a received message, or None if it has none."""
    system_attributes = message[_SYSTEM_ATTRIBUTES]
    return system_attributes.get("MessageGroupId") if system_attributes else None


Receipt: TypeAlias = tuple[Sequence[Received], Sequence[str], Sequence[str]]
"""The result of one receive: the messages, then the ids of those that were moved to the dead-letter queue instead, then
the ids of those that had expired."""


class WaitingMessage(NamedTuple):
    """A message in a queue. Instants are in microseconds since the epoch.

    ``visible`` is when it becomes or became visible, ``expires`` when its retention period ends.
    """

    message_id: str
    visible: int
    receive_count: int
    expires: int


class BlockedGroup(NamedTuple):
    """A FIFO group, a hidden message that blocks it until an instant, and the ids of the messages that wait for it.

    A hidden message blocks those behind it, not those before it.
    """

    group: str
    message_id: str
    until: int
    receive_count: int
    waiting: Sequence[str]


class Queue(Protocol):
    """A queue whose messages are hidden while they are in flight. Instants are in microseconds since the epoch."""

    @property
    def visibility_timeout(self) -> int:
        """How long a received message stays hidden, in seconds."""
        ...

    @property
    def missing_dead_letter_target(self) -> str | None:
        """The ARN of the dead-letter queue if it does not exist or does not allow this queue as a source, else None."""
        ...

    @property
    def has_dead_letter_queue(self) -> bool:
        """Whether the queue has a redrive policy."""
        ...

    def receive(
        self, limit: int, now: int, admits: Callable[[str, Mapping[str, Any]], bool] | None, visibility: int
    ) -> Receipt:
        """Receive up to ``limit`` messages that are visible at ``now``, and hide them for ``visibility`` seconds.

        They come in the order in which they became visible; in a FIFO queue, in the order of each group.
        ``admits(body, message_attributes)`` is called before each receipt; the receive ends when it returns False.
        """
        ...

    def pass_over(self, now: int) -> None:
        """Move the message that is next at ``now`` behind the others. Standard queues do not guarantee an order."""
        ...

    def delete(self, messages: Sequence[Received], now: int) -> Sequence[str]:
        """Delete messages whose receipt is still the newest one, and return their ids."""
        ...

    def held_until(self, message: Received) -> int | None:
        """Return when a received message becomes visible again, or None if its receipt is no longer the newest."""
        ...

    def next_visible(self) -> int | None:
        """Return when the next message becomes visible: in the past if one is visible, None if the queue is empty."""
        ...

    def contents(self) -> Sequence[WaitingMessage]:
        """Return all messages in the order in which they were sent."""
        ...

    def blocked(self, now: int) -> Sequence[BlockedGroup]:
        """Return what blocks the groups of a FIFO queue now: one entry for each message that others wait for."""
        ...


class Queues(Protocol):
    """Finds queues by ARN."""

    def find(self, arn: str) -> Queue | None:
        """Return the queue, or None if it does not exist."""
        ...
