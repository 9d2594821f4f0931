"""A queue of a broker: messages wait, are delivered and return, are acknowledged, expire, or are dead-lettered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from pytest_lambda_esm.brokers.mq.engines import PERSISTENT, Engine
from pytest_lambda_esm.brokers.mq.messages import MqMessage, jms_property, overhead, read_body
from pytest_lambda_esm.errors import ConfigurationError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePorts:
    """What a queue needs from its broker.

    ``check(call)`` raises where the broker cannot be used any more. ``now()`` is the time of the code that runs in
    microseconds, ``depth()`` how many invocations led to it, and ``new_number()`` counts the broker's messages.
    ``message_id(number, place)`` makes the id of a message, ``queue(name)`` returns another queue of the same virtual
    host, ``changed()`` tells the pollers, and ``sent(id)`` is called with each message that a client has sent.
    """

    check: Callable[[str], None]
    now: Callable[[], int]
    depth: Callable[[], int]
    sent: Callable[[str], None]
    new_number: Callable[[], int]
    message_id: Callable[[int, int], str]
    queue: Callable[[str], MqQueue]
    changed: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a queue is declared with: the queue that takes dead letters, and how often a message is redelivered."""

    dead_letter: str | None
    delivery_limit: int | None


class MqQueue:
    """A queue of a broker of Amazon MQ, made with ``broker.queue(...)``."""

    def __init__(
        self, engine: Engine, address: str, name: str, virtual_host: str, declared: Declaration, ports: QueuePorts
    ) -> None:
        self._engine = engine
        self._address = address
        self._name = name
        self._virtual_host = virtual_host
        self._declared = declared
        self._ports = ports
        self._waiting: deque[MqMessage] = deque()
        self._held: dict[str, MqMessage] = {}
        self._first_expiry: int | None = None  # No waiting message expires earlier.
        self._sent = 0

    def __repr__(self) -> str:
        return f"<MqQueue {self.key} of {self._engine.name}>"

    # --- what a test uses --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the queue, for ``Queues`` of a mapping."""
        return self._name

    @property
    def virtual_host(self) -> str:
        """The virtual host of RabbitMQ; ``/`` for ActiveMQ."""
        return self._virtual_host

    @property
    def messages(self) -> list[MqMessage]:
        """The messages that wait now, in their order: without those in flight, and without expired ones."""
        now = self._ports.now()
        return [each for each in self._waiting if each.arrived <= now and not _has_expired(each, now)]

    def send(self, body: str | bytes, **properties: Any) -> str:
        """Send a message, and return its id, which names it in ``fates()``.

        ActiveMQ: a text makes a text message, bytes make a bytes message. ``correlation_id``, ``reply_to``, ``type``,
        ``priority`` (0 to 9, default 4), ``delivery_mode`` (1, or 2 for persistent, the default) and ``expiration``
        (the time to live in milliseconds, or a timedelta; 0 is none) are the JMS headers; all others are custom JMS
        properties.

        RabbitMQ: the basic properties of AMQP by the names of its Python clients (``content_type``,
        ``content_encoding``, ``headers``, ``delivery_mode``, ``priority``, ``correlation_id``, ``reply_to``,
        ``expiration``, ``message_id``, ``timestamp``, ``type``, ``user_id``, ``app_id``, ``cluster_id``).

        Raises ConfigurationError for other bodies, properties and values, and NotActive after the broker has been
        deleted or the fake has ended.
        """
        __tracebackhide__ = True
        call = f"send({_shortened(body)!r})"
        self._ports.check(call)
        content, is_text = read_body(call, body)
        standard, custom = self._read_properties(call, properties)
        now, number = self._ports.now(), self._ports.new_number()
        self._sent += 1
        lives = standard.get("expiration")
        message_id = self._ports.message_id(number, self._sent)
        message = MqMessage(
            id=message_id,
            body=content,
            is_text=is_text,
            properties=MappingProxyType(standard),
            custom=custom,
            number=number,
            arrived=now,
            expires=None if lives is None or lives == self._engine.forever else now + lives * 1000,
            depth=self._ports.depth(),
            overhead=overhead(message_id, standard, custom),
        )
        self._enter(message)
        self._ports.sent(message.id)
        self._ports.changed()
        return message.id

    # --- for pollers, of this package only ---------------------------------------------------------------

    @property
    def key(self) -> str:
        """How an event names the queue: its name, for RabbitMQ with the virtual host.

        :meta private:
        """
        return f"{self._name}::{self._virtual_host}" if self._engine.virtual_hosts else self._name

    @property
    def address(self) -> str:
        """What identifies the queue in the timeline: the broker's ARN and the key.

        :meta private:
        """
        return self._address

    @property
    def declared(self) -> Declaration:
        """What it was declared with.

        :meta private:
        """
        return self._declared

    @property
    def redeliveries(self) -> int | None:
        """How often a failed message is redelivered before it is dead-lettered; None is without end.

        :meta private:
        """
        return self._declared.delivery_limit if self._engine.redeliveries is None else self._engine.redeliveries

    @property
    def redelivery_delay(self) -> int | None:
        """The wait before a redelivery in microseconds, or None where the poller decides.

        :meta private:
        """
        return self._engine.redelivery_delay

    def next_ready(self) -> int | None:
        """Return when the next message can be taken, or None if no message waits.

        :meta private:
        """
        return self._waiting[0].arrived if self._waiting else None

    def first(self, now: int) -> MqMessage | None:
        """Return the message that can be taken next.

        :meta private:
        """
        return self._waiting[0] if self._waiting and self._waiting[0].arrived <= now else None

    def ready(self, now: int, most: int) -> list[MqMessage]:
        """Return the messages that can be taken next, in order.

        :meta private:
        """
        return [message for message in islice(self._waiting, most) if message.arrived <= now]

    def take_all(self, messages: Sequence[MqMessage]) -> None:
        """Hold the first messages, which are these.

        :meta private:
        """
        waiting = self._waiting
        for message in messages:
            waiting.popleft()
            self._held[message.id] = message

    def take(self) -> None:
        """Hold the first message: it is in flight until it is acknowledged or returned.

        :meta private:
        """
        message = self._waiting.popleft()
        self._held[message.id] = message

    def acknowledge(self, messages: Sequence[MqMessage]) -> None:
        """Remove messages that are held.

        :meta private:
        """
        for message in messages:
            self._held.pop(message.id, None)

    def note_failure(self, messages: Sequence[MqMessage]) -> list[MqMessage]:
        """Count one delivery of messages that stay held, and return them as they will be redelivered.

        :meta private:
        """
        return [self._hold(replace(each, deliveries=each.deliveries + 1, redelivered=True)) for each in messages]

    def give_back(self, messages: Sequence[MqMessage]) -> None:
        """Return held messages to their places in the queue; their next delivery is a redelivery.

        :meta private:
        """
        for message in messages:
            if self._held.pop(message.id, None) is not None:
                self._enter(replace(message, redelivered=True))
        self._ports.changed()

    def expire(self, now: int) -> list[MqMessage]:
        """Remove the waiting messages that have expired, and return them.

        :meta private:
        """
        if self._first_expiry is None or now < self._first_expiry:
            return []
        expired = [message for message in self._waiting if _has_expired(message, now)]
        self._waiting = deque(message for message in self._waiting if not _has_expired(message, now))
        self._first_expiry = min((each.expires for each in self._waiting if each.expires is not None), default=None)
        return expired

    def dead_letter(self, message: MqMessage) -> str | None:
        """Move a message that is given up to the dead-letter queue, and return its name; None if it is dropped.

        :meta private:
        """
        self._held.pop(message.id, None)
        target = self._engine.dead_letter_queue or self._declared.dead_letter
        if target is None or target == self._name:
            return None
        if self._engine.dead_letter_queue and message.properties["delivery_mode"] != PERSISTENT:
            return None
        self._ports.queue(target).receive_dead_letter(message)
        return target

    def receive_dead_letter(self, message: MqMessage) -> None:
        """Add a message of another queue; it does not expire here.

        :meta private:
        """
        now = self._ports.now()
        self._enter(replace(message, arrived=now, expires=None, deliveries=0, redelivered=False))
        self._ports.changed()

    def contents(self) -> tuple[Sequence[MqMessage], Sequence[MqMessage]]:
        """Return the messages that wait, and those that are held.

        :meta private:
        """
        return tuple(self._waiting), tuple(self._held.values())

    # --- inside ------------------------------------------------------------------------------------------

    def _hold(self, message: MqMessage) -> MqMessage:
        self._held[message.id] = message
        return message

    def _enter(self, message: MqMessage) -> None:
        """Put a message where it belongs: in the order of arrival."""
        if message.expires is not None and (self._first_expiry is None or message.expires < self._first_expiry):
            self._first_expiry = message.expires
        waiting, place = self._waiting, len(self._waiting)
        if message.redelivered:
            place = next((at for at, each in enumerate(waiting) if _order(each) > _order(message)), place)
        else:
            while place and _order(waiting[place - 1]) > _order(message):
                place -= 1
        waiting.insert(place, message)

    def _read_properties(self, call: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Divide the properties into the standard ones, with the engine's defaults, and the others."""
        __tracebackhide__ = True
        checks, standard, custom = self._engine.properties, dict(self._engine.defaults), {}
        for name, value in given.items():
            if name in checks:
                if value is not None:
                    standard[name] = checks[name](f"{call}: {name}", value)
            elif self._engine.custom:
                custom[name] = jms_property(f"{call}: {name}", value)
            else:
                raise ConfigurationError(f"{call}: RabbitMQ has no basic property {name!r}. {nearest(name, checks)}")
        headers = standard.get(self._engine.headers or "", custom)
        return standard, MappingProxyType(dict(headers))


def _order(message: MqMessage) -> tuple[int, int]:
    return message.arrived, message.number


def _has_expired(message: MqMessage, now: int) -> bool:
    return message.expires is not None and message.expires <= now


def _shortened(body: object) -> object:
    return body[:40] if isinstance(body, (str, bytes)) else body
