"""What a poller needs of a queue. Real queues live in moto's storage; unit tests bring their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias


class ReceivedMessage(NamedTuple):
    """One message as it was received, with the fields of ReceiveMessage.

    Times are milliseconds since the epoch, ``sent`` as text.
    ``message_attributes`` and ``system_attributes`` are None where there are none. ``depth`` counts the invocations,
    each caused by the one before, that led to its sending; 0 outside of handlers.
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
"""A ReceivedMessage, or a plain tuple of its fields: batches hold those.

A named tuple takes three times as long to make, and the garbage collector looks at it again and again, while it lets go
of a plain one that holds nothing but texts and numbers. An invocation keeps its messages for as long as the test runs.
"""

MESSAGE_ID: Final = 0
RECEIVE_COUNT: Final = 3
DEPTH: Final = 11
"""Places of fields."""


def most_receives(messages: Sequence[Received]) -> int:
    """The highest receive count among messages. For as few as in a batch, this is much faster than ``max``."""
    most = 0
    for message in messages:
        if message[RECEIVE_COUNT] > most:
            most = message[RECEIVE_COUNT]
    return most


Receipt: TypeAlias = tuple[Sequence[Received], Sequence[str], Sequence[str]]
"""What one receive found: the messages handed out, and the ids of those that went elsewhere instead: first those that
went to the dead-letter queue, then those that had expired."""


class WaitingMessage(NamedTuple):
    """A message that is in a queue. Instants are microseconds since the epoch.

    ``visible`` is when it is or was visible, ``expires`` when its retention period ends, ``group`` its group in a FIFO
    queue.
    """

    message_id: str
    visible: int
    receive_count: int
    expires: int
    group: str | None = None


class BlockedGroup(NamedTuple):
    """A FIFO group that is closed: by a hidden message, until an instant, and how many messages wait behind it."""

    group: str
    message_id: str
    until: int
    receive_count: int
    waiting: int


class Queue(Protocol):
    """A queue of messages that hide while they are in flight. Instants are microseconds since the epoch."""

    @property
    def visibility_timeout(self) -> int:
        """How long a received message stays hidden, in seconds."""
        ...

    @property
    def missing_dead_letter_target(self) -> str | None:
        """The ARN of a dead-letter queue that does not exist, or does not allow this queue as a source; or None."""
        ...

    def receive(
        self, limit: int, now: int, admits: Callable[[str, Mapping[str, Any]], bool] | None, visibility: int
    ) -> Receipt:
        """Receive up to ``limit`` messages that are visible at ``now``, in the order in which they became so.

        They are hidden for ``visibility`` seconds.
        In a FIFO queue the order is that of each group. ``admits(body, message_attributes)`` is asked before each
        receipt; where it says no, the receive ends there.
        """
        ...

    def pass_over(self, now: int) -> None:
        """Let the message that is next in turn at ``now`` come after the others: standard queues keep no order."""
        ...

    def delete(self, messages: Sequence[Received], now: int) -> Sequence[str]:
        """Delete messages whose receipt is still the newest one; the ids of those that were deleted."""
        ...

    def held_until(self, message: Received) -> int | None:
        """When a received message becomes visible again; None where its receipt is not the newest any more."""
        ...

    def next_visible(self) -> int | None:
        """When the next message becomes visible: in the past if one is waiting, None if there is none at all."""
        ...

    def contents(self) -> Sequence[WaitingMessage]:
        """All messages, in the order in which they were sent."""
        ...

    def blocked(self, now: int) -> Sequence[BlockedGroup]:
        """The groups of a FIFO queue from which nothing can be received now."""
        ...


class Queues(Protocol):
    """Finds queues by ARN."""

    def find(self, arn: str) -> Queue | None:
        """The queue, or None where it does not exist."""
        ...
