"""A broker of Amazon MQ, as a test and the pollers see it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Protocol

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.embedded import EmbeddedSource
from pytest_lambda_esm.brokers.mq.engines import Engine
from pytest_lambda_esm.brokers.mq.queue import Declaration, MqQueue, QueuePorts
from pytest_lambda_esm.errors import ConfigurationError, NotActive

_LONGEST_NAME: Final = 255
_PLAIN: Final = Declaration(dead_letter=None, delivery_limit=None)


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What Amazon MQ's API knows about a broker: its engine, and the names of its users (None: not known)."""

    engine: str
    users: Collection[str] | None


class Directory(Protocol):
    """Looks up brokers that were created through Amazon MQ's API."""

    def find(self, arn: str) -> BrokerFacts | None:
        """Return the facts, or None if there is no such broker."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPorts:
    """What brokers need from the simulation.

    ``now()`` is the time of the code that runs, in microseconds since the epoch. ``depth()`` is how many invocations,
    each caused by the one before, led to that code. ``sent`` is called with the address of a queue and the id of each
    message that is sent to it.
    """

    now: Callable[[], int]
    depth: Callable[[], int]
    directory: Directory
    sent: Callable[[str, str], None] = lambda queue, message: None


class MqBroker(EmbeddedSource):
    """A broker of Amazon MQ in memory, made with ``lambda_esm.mq(...)``; mappings of it are polled."""

    noun = "a broker"

    def __init__(self, arn: Arn, text: str, engine: Engine, ports: BrokerPorts) -> None:
        super().__init__()
        self._arn = text
        self._id = arn.resource.rpartition(":")[2]
        self._region = arn.region
        self._engine = engine
        self._ports = ports
        self._was_registered = ports.directory.find(text) is not None
        self._started = ports.now() // 1000
        self._numbers = count(1)
        self._queues: dict[tuple[str, str], MqQueue] = {}
        self._is_settled = False

    def __repr__(self) -> str:
        return f"<MqBroker {self._engine.name} {self._arn}>"

    # --- what a test uses --------------------------------------------------------------------------------

    @property
    def arn(self) -> str:
        """The broker's ARN, for ``EventSourceArn``."""
        return self._arn

    @property
    def engine(self) -> str:
        """``"ActiveMQ"`` or ``"RabbitMQ"``."""
        return self._engine.name

    @property
    def queues(self) -> list[MqQueue]:
        """The queues so far, in the order of their creation."""
        return list(self._queues.values())

    def queue(
        self,
        name: str,
        virtual_host: str = "/",
        *,
        dead_letter: str | None = None,
        delivery_limit: int | None = None,
    ) -> MqQueue:
        """Return a queue; it is created where it does not exist.

        ``virtual_host``, ``dead_letter`` and ``delivery_limit`` are for RabbitMQ. Expired messages go to the queue
        ``dead_letter`` of the same virtual host, and so do those that were redelivered ``delivery_limit`` times;
        without it they are dropped. ActiveMQ has one dead-letter queue for all, ``ActiveMQ.DLQ``. Raises
        ConfigurationError for values that the engine refuses, and for a queue that exists with others.
        """
        __tracebackhide__ = True
        call = f"queue({name!r})"
        self._check_open(call)
        for what, value in (("a queue", name), ("a virtual host", virtual_host)):
            if not isinstance(value, str) or not 0 < len(value.encode()) <= _LONGEST_NAME:
                raise ConfigurationError(f"{call}: {what} has a name of 1 to {_LONGEST_NAME} bytes, not {value!r}")
        declared = self._declaration(call, virtual_host, dead_letter, delivery_limit)
        self._is_settled = True
        found = self._queues.get((virtual_host, name))
        if found is None:
            return self._create(name, virtual_host, declared)
        if declared not in (found.declared, _PLAIN):
            raise ConfigurationError(f"{call}: the queue exists, and was declared with {found.declared}")
        return found

    # --- for pollers, of this package only ----------------------------------------------------------------

    @property
    def is_deleted(self) -> bool:
        """Whether it was created through Amazon MQ's API and has been deleted there.

        :meta private:
        """
        return self._was_registered and self._ports.directory.find(self._arn) is None

    @property
    def users(self) -> Collection[str] | None:
        """The names of its users, None where they are not known.

        :meta private:
        """
        facts = self._ports.directory.find(self._arn)
        return facts.users if facts is not None else None

    def consumed(self, name: str, virtual_host: str) -> MqQueue | None:
        """Return the queue that a consumer asks for, or None if it does not exist and consuming does not create it.

        :meta private:
        """
        virtual_host = virtual_host if self._engine.virtual_hosts else "/"
        found = self._queues.get((virtual_host, name))
        if found is None and self._engine.creates_queues and self._closed is None:
            return self._create(name, virtual_host, _PLAIN)
        return found

    def become(self, engine: Engine) -> bool:
        """Run an engine from now on, and return whether that is possible.

        It is not if another engine is known: from Amazon MQ's API, or since the test used the broker. A mapping may ask
        for a broker before the test says what it runs.

        :meta private:
        """
        if engine is not self._engine:
            if self._is_settled or self._was_registered:
                return False
            self._engine = engine
            self._queues.clear()  # Consumers asked for them.
            self.changed()
        self._is_settled = True
        return True

    # --- inside ------------------------------------------------------------------------------------------

    def _check_open(self, call: str) -> None:
        __tracebackhide__ = True
        super()._check_open(call)
        if self.is_deleted:
            raise NotActive(f"{call}: {self!r} has been deleted with delete_broker")

    def _declaration(self, call: str, virtual_host: str, dead_letter: Any, delivery_limit: Any) -> Declaration:
        __tracebackhide__ = True
        given = {"dead_letter": dead_letter, "delivery_limit": delivery_limit}
        if virtual_host != "/":
            given["virtual_host"] = virtual_host
        stated = [name for name, value in given.items() if value is not None]
        if stated and not self._engine.virtual_hosts:
            raise ConfigurationError(
                f"{call}: {stated[0]} is for RabbitMQ, and this broker runs {self._engine.name}, whose dead letters go"
                f" to {self._engine.dead_letter_queue}"
            )
        if dead_letter is not None and (not isinstance(dead_letter, str) or not dead_letter):
            raise ConfigurationError(f"{call}: dead_letter is the name of a queue, not {dead_letter!r}")
        if delivery_limit is not None and (type(delivery_limit) is not int or delivery_limit < 0):
            raise ConfigurationError(f"{call}: delivery_limit is a whole number from 0, not {delivery_limit!r}")
        return Declaration(dead_letter=dead_letter, delivery_limit=delivery_limit)

    def _create(self, name: str, virtual_host: str, declared: Declaration) -> MqQueue:
        key = f"{name}::{virtual_host}" if self._engine.virtual_hosts else name
        address = f"{self._arn}/{key}"
        ports = QueuePorts(
            check=self._check_open,
            now=self._ports.now,
            depth=self._ports.depth,
            sent=lambda message: self._ports.sent(address, message),
            new_number=lambda: next(self._numbers),
            message_id=lambda number, place: self._message_id(key, number, place),
            queue=lambda other: self._queues.get((virtual_host, other)) or self._create(other, virtual_host, _PLAIN),
            changed=self.changed,
        )
        queue = MqQueue(self._engine, address, name, virtual_host, declared, ports)
        self._queues[virtual_host, name] = queue
        self.changed()
        return queue

    def _message_id(self, key: str, number: int, place: int) -> str:
        return self._engine.message_id.format(
            broker=self._id, region=self._region, started=self._started, queue=key, number=number, place=place
        )
