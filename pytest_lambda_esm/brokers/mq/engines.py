"""What differs between ActiveMQ and RabbitMQ, as data.

Redeliveries of ActiveMQ follow the page "Troubleshoot Amazon MQ event source mapping errors": the default redelivery
policy, with at most six of them. Its dead-letter queue is the one of ActiveMQ's shared strategy, which takes only
persistent messages. RabbitMQ has neither unless a queue is declared with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.brokers.mq.messages import Check, between, field_table, milliseconds, seconds, text
from pytest_lambda_esm.errors import ConfigurationError, nearest
from pytest_lambda_esm.timing import MICROSECONDS

PERSISTENT: Final = 2
"""The delivery mode of a persistent message, in JMS and in AMQP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A kind of broker.

    ``properties`` are the standard properties of a message with their checks, ``defaults`` the values of those that a
    message does not state; ``custom`` says whether other properties are custom ones, and ``headers`` which property
    has the headers. ``creates_queues`` says whether consuming from a queue creates it. ``redeliveries`` is how often
    Lambda has a failed message redelivered, ``redelivery_delay`` the wait before that in microseconds; None leaves
    both to the queue and to the poller. ``forever`` is the time to live of a message that does not expire.
    ``message_id`` is a format string.
    """

    name: str
    properties: Mapping[str, Check]
    defaults: Mapping[str, Any]
    custom: bool
    headers: str | None
    virtual_hosts: bool
    creates_queues: bool
    dead_letter_queue: str | None
    redeliveries: int | None
    redelivery_delay: int | None
    forever: int | None
    message_id: str


ACTIVEMQ: Final = Engine(
    name="ActiveMQ",
    properties=MappingProxyType(
        {
            "correlation_id": text,
            "reply_to": text,
            "type": text,
            "priority": between(0, 9),
            "delivery_mode": between(1, 2),
            "expiration": milliseconds,
        }
    ),
    defaults=MappingProxyType({"priority": 4, "delivery_mode": PERSISTENT, "expiration": 0}),
    custom=True,
    headers=None,
    virtual_hosts=False,
    creates_queues=True,
    dead_letter_queue="ActiveMQ.DLQ",
    redeliveries=6,
    redelivery_delay=MICROSECONDS,
    forever=0,
    message_id="ID:{broker}-1.mq.{region}.amazonaws.com-37557-{started}-4:1:1:1:{number}",
)

RABBITMQ: Final = Engine(
    name="RabbitMQ",
    properties=MappingProxyType(
        {
            "content_type": text,
            "content_encoding": text,
            "headers": field_table,
            "delivery_mode": between(1, 2),
            "priority": between(0, 255),
            "correlation_id": text,
            "reply_to": text,
            "expiration": milliseconds,
            "message_id": text,
            "timestamp": seconds,
            "type": text,
            "user_id": text,
            "app_id": text,
            "cluster_id": text,
        }
    ),
    defaults=MappingProxyType({}),
    custom=False,
    headers="headers",
    virtual_hosts=True,
    creates_queues=False,
    dead_letter_queue=None,
    redeliveries=None,
    redelivery_delay=None,
    forever=None,
    message_id="{queue}:{place}",
)

ENGINES: Final[Mapping[str, Engine]] = MappingProxyType({engine.name: engine for engine in (ACTIVEMQ, RABBITMQ)})


def engine_named(call: str, name: Any) -> Engine:
    """Return an engine by its name, in any case, as moto keeps what ``create_broker`` was given."""
    __tracebackhide__ = True
    for engine in ENGINES.values():
        if isinstance(name, str) and name.upper() == engine.name.upper():
            return engine
    raise ConfigurationError(f"{call}: engine={name!r}. {nearest(str(name), ENGINES)}")
