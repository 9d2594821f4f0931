"""What a poller needs from a message broker: implemented by the embedded brokers of Amazon MQ, ``brokers/mq/``.

Instants are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol


class Message(Protocol):
    """A message in a queue."""

    @property
    def id(self) -> str:
        """What identifies it in its broker."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...

    @property
    def is_text(self) -> bool:
        """Whether it was sent as a text."""
        ...

    @property
    def properties(self) -> Mapping[str, Any]:
        """The standard properties by name; a property that was not stated is missing."""
        ...

    @property
    def custom(self) -> Mapping[str, Any]:
        """The other properties, or the headers."""
        ...

    @property
    def arrived(self) -> int:
        """When it arrived in its queue."""
        ...

    @property
    def expires(self) -> int | None:
        """When it expires, or None."""
        ...

    @property
    def deliveries(self) -> int:
        """How often a function ran with it."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether it was delivered before, and returned."""
        ...

    @property
    def depth(self) -> int:
        """The length of the chain of invocations that led to it."""
        ...

    @property
    def overhead(self) -> int:
        """A number of bytes that its record does not exceed, without its body and the name of its queue."""
        ...


class Queue(Protocol):
    """A queue. A message waits, or is held by a consumer until it is acknowledged or returned."""

    @property
    def name(self) -> str:
        """The name."""
        ...

    @property
    def key(self) -> str:
        """How an event names it."""
        ...

    @property
    def address(self) -> str:
        """What identifies it among the queues of all brokers."""
        ...

    @property
    def redeliveries(self) -> int | None:
        """How often a failed message is redelivered; None is without end."""
        ...

    @property
    def redelivery_delay(self) -> int | None:
        """The wait before a redelivery, or None where the poller decides."""
        ...

    def next_ready(self) -> int | None:
        """Return when the next message can be taken, or None if no message waits."""
        ...

    def first(self, now: int) -> Message | None:
        """Return the message that can be taken next."""
        ...

    def take(self) -> None:
        """Hold the first message."""
        ...

    def ready(self, now: int, most: int) -> Sequence[Message]:
        """Return the messages that can be taken next, in order."""
        ...

    def take_all(self, messages: Sequence[Any]) -> None:
        """Hold the first messages, which are these."""
        ...

    def acknowledge(self, messages: Sequence[Any]) -> None:
        """Remove messages that are held."""
        ...

    def note_failure(self, messages: Sequence[Any]) -> Sequence[Message]:
        """Count one delivery of messages that stay held, and return them as they will be redelivered."""
        ...

    def give_back(self, messages: Sequence[Any]) -> None:
        """Return held messages to their places in the queue; their next delivery is a redelivery."""
        ...

    def expire(self, now: int) -> Sequence[Message]:
        """Remove the waiting messages that have expired, and return them."""
        ...

    def dead_letter(self, message: Any) -> str | None:
        """Move a message that is given up to a dead-letter queue, and return its name; None if it is dropped."""
        ...

    def contents(self) -> tuple[Sequence[Message], Sequence[Message]]:
        """Return the messages that wait, and those that are held."""
        ...


class Broker(Protocol):
    """One broker."""

    @property
    def engine(self) -> str:
        """The engine, one of the keys of ``sources.mq_records.KINDS``."""
        ...

    @property
    def refusal(self) -> str | None:
        """Why it refuses Lambda now, one of the keys of ``sources.mq.REFUSALS``, or None."""
        ...

    @property
    def is_deleted(self) -> bool:
        """Whether it does not exist any more."""
        ...

    @property
    def users(self) -> Collection[str] | None:
        """The names of its users, None where they are not known."""
        ...

    @property
    def queues(self) -> Sequence[Queue]:
        """The queues so far."""
        ...

    def consumed(self, name: str, virtual_host: str) -> Queue | None:
        """Return the queue that a consumer asks for, or None if it does not exist and consuming does not create it."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener after each change."""
        ...

    def stop_listening(self, listener: Callable[[], None]) -> None:
        """Call a listener no more."""
        ...


class Brokers(Protocol):
    """Finds brokers by ARN."""

    def find(self, source: str) -> Broker:
        """Return the broker."""
        ...
