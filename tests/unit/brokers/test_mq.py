"""The embedded brokers of Amazon MQ: queues, properties, order, expiry, dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.mq import ARN, ENGINES, memory_brokers
from helpers.simulation import START
from pytest_lambda_esm import ConfigurationError, MqBroker, MqQueue, NotActive
from pytest_lambda_esm.brokers.mq.broker import BrokerFacts, BrokerPorts
from pytest_lambda_esm.brokers.mq.brokers import MqBrokers
from pytest_lambda_esm.clock.virtual import EventClock


@pytest.fixture
def clock() -> EventClock:
    return EventClock(START)


@pytest.fixture
def activemq(clock: EventClock) -> MqBroker:
    return memory_brokers(clock).find(ARN, "ActiveMQ")


@pytest.fixture
def rabbitmq(clock: EventClock) -> MqBroker:
    return memory_brokers(clock).find(ARN, "RabbitMQ")


def texts(queue: MqQueue) -> list[str]:
    return [message.text for message in queue.messages]


def take_all(queue: MqQueue, now: int) -> list[Any]:
    taken = []
    while (message := queue.first(now)) is not None:
        queue.take()
        taken.append(message)
    return taken


def test_queues_and_brokers_describe_themselves(activemq: MqBroker, rabbitmq: MqBroker) -> None:
    assert repr(activemq) == f"<MqBroker ActiveMQ {ARN}>"
    assert repr(activemq.queue("orders")) == "<MqQueue orders of ActiveMQ>"
    assert repr(rabbitmq.queue("orders", "/shop")) == "<MqQueue orders::/shop of RabbitMQ>"
    assert [(queue.name, queue.virtual_host) for queue in rabbitmq.queues] == [("orders", "/shop")]


def test_a_queue_is_the_same_object_each_time(rabbitmq: MqBroker) -> None:
    queue = rabbitmq.queue("orders", dead_letter="failed", delivery_limit=3)
    assert rabbitmq.queue("orders") is queue
    assert rabbitmq.queue("orders", dead_letter="failed", delivery_limit=3) is queue
    assert rabbitmq.queue("orders", "/shop") is not queue


def test_what_returns_goes_to_its_place(rabbitmq: MqBroker, clock: EventClock) -> None:
    queue = rabbitmq.queue("orders")
    for body in "123":
        queue.send(body)
    first, second, third = take_all(queue, clock.instant)
    queue.send("4")
    queue.give_back([third])
    queue.give_back([first, second])
    assert texts(queue) == ["1", "2", "3", "4"]
    assert [message.redelivered for message in queue.messages] == [True, True, True, False]
    queue.give_back([first])
    assert len(queue.messages) == 4


def test_what_is_sent_later_in_a_handlers_time_comes_later() -> None:
    now = [0]
    brokers = MqBrokers(BrokerPorts(now=lambda: now[0], depth=lambda: 0, directory=Directory(None)))
    queue = brokers.find(ARN).queue("orders")
    for instant, body in ((5, "5"), (2, "2"), (9, "9"), (2, "2b")):
        now[0] = instant
        queue.send(body)
    assert queue.next_ready() == 2
    assert queue.first(1) is None
    assert [message.text for message in take_all(queue, 9)] == ["2", "2b", "5", "9"]
    assert queue.next_ready() is None


def test_bytes_and_texts(activemq: MqBroker) -> None:
    queue = activemq.queue("orders")
    for body in ("ä", b"\x00", bytearray(b"x")):
        queue.send(body)
    assert [(message.body, message.is_text) for message in queue.messages] == [
        ("ä".encode(), True),
        (b"\x00", False),
        (b"x", False),
    ]


def test_custom_properties_are_texts(activemq: MqBroker) -> None:
    queue = activemq.queue("orders")
    queue.send("x", priority=9, a="b", n=1, f=1.5, yes=True, no=False, correlation_id=None)
    (message,) = queue.messages
    assert dict(message.custom) == {"a": "b", "n": "1", "f": "1.5", "yes": "true", "no": "false"}
    assert dict(message.properties) == {"priority": 9, "delivery_mode": 2, "expiration": 0}


@pytest.mark.parametrize(("engine", "lives", "left"), [("ActiveMQ", 0, 1), ("RabbitMQ", 0, 0), ("RabbitMQ", 1, 1)])
def test_a_time_to_live_of_nothing(clock: EventClock, engine: str, lives: int, left: int) -> None:
    queue = memory_brokers(clock).find(ARN, engine).queue("orders")
    queue.send("x", expiration=lives)
    assert len(queue.messages) == left


def test_expired_messages_of_activemq_are_dead_letters(activemq: MqBroker, clock: EventClock) -> None:
    queue = activemq.queue("orders")
    queue.send("short", expiration=1000)
    queue.send("short and not persistent", expiration=1000, delivery_mode=1)
    queue.send("long")
    clock.advance(1)
    assert texts(queue) == ["long"]
    expired = queue.expire(clock.instant)
    assert [queue.dead_letter(message) for message in expired] == ["ActiveMQ.DLQ", None]
    assert queue.expire(clock.instant) == []
    dead = activemq.queue("ActiveMQ.DLQ")
    assert texts(dead) == ["short"]
    assert (dead.messages[0].expires, dead.messages[0].redelivered) == (None, False)


def test_dead_letters_of_rabbitmq_stay_in_their_virtual_host(rabbitmq: MqBroker, clock: EventClock) -> None:
    queue = rabbitmq.queue("orders", "/shop", dead_letter="failed")
    queue.send("x")
    (message,) = take_all(queue, clock.instant)
    assert queue.dead_letter(message) == "failed"
    assert texts(rabbitmq.queue("failed", "/shop")) == ["x"]
    assert texts(rabbitmq.queue("failed")) == []
    assert queue.contents() == ((), ())


def test_redeliveries_are_those_of_the_engine_or_the_queue(activemq: MqBroker, rabbitmq: MqBroker) -> None:
    assert (activemq.queue("q").redeliveries, activemq.queue("q").redelivery_delay) == (6, 1_000_000)
    assert (rabbitmq.queue("q").redeliveries, rabbitmq.queue("q").redelivery_delay) == (None, None)
    assert rabbitmq.queue("limited", delivery_limit=0).redeliveries == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_consumer_creates_the_queues_of_activemq_only(clock: EventClock, engine: str) -> None:
    broker = memory_brokers(clock).find(ARN, engine)
    found = broker.consumed("orders", "/")
    assert (found is None) == (engine == "RabbitMQ")
    assert broker.consumed("orders", "/shop") is found
    broker.close("is closed")
    assert broker.consumed("other", "/") is None


def test_listeners_hear_of_changes(activemq: MqBroker) -> None:
    heard: list[int] = []
    listener = lambda: heard.append(1)  # noqa: E731 - has to be the same object twice
    activemq.listen(listener)
    activemq.queue("orders").send("x")
    assert len(heard) == 2
    activemq.stop_listening(listener)
    activemq.stop_listening(listener)
    activemq.queue("orders").send("x")
    assert len(heard) == 2


class Directory:
    """Amazon MQ's API, which has one broker or none."""

    def __init__(self, facts: BrokerFacts | None) -> None:
        self.facts = facts

    def find(self, arn: str) -> BrokerFacts | None:
        return self.facts


def test_the_api_decides_the_engine_and_the_users() -> None:
    directory = Directory(BrokerFacts("RABBITMQ", ["admin"]))
    brokers = MqBrokers(BrokerPorts(now=lambda: 0, depth=lambda: 0, directory=directory))
    broker = brokers.find(ARN)
    assert (broker.engine, broker.users, broker.is_deleted) == ("RabbitMQ", ["admin"], False)
    with pytest.raises(ConfigurationError, match="this broker runs RabbitMQ"):
        brokers.find(ARN, "ActiveMQ")
    queue = broker.queue("orders")
    directory.facts = None
    assert (broker.users, broker.is_deleted) == (None, True)
    with pytest.raises(NotActive, match="deleted"):
        queue.send("x")


def test_brokers_of_a_place_are_forgotten(clock: EventClock) -> None:
    brokers = memory_brokers(clock)
    broker = brokers.find(ARN)
    elsewhere = brokers.find(ARN.replace("us-east-1", "eu-west-1"))
    brokers.forget_place("123456789012", "us-east-1")
    assert list(brokers) == [elsewhere]
    with pytest.raises(NotActive, match="before moto was reset"):
        broker.refuse("connection")
    with pytest.raises(NotActive, match="before moto was reset"):
        broker.accept()
