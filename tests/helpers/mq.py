"""A broker of Amazon MQ and a poller for it without moto, for unit tests; and Amazon MQ through plain boto3."""

from __future__ import annotations

import base64
import json
from typing import Any

from helpers.simulation import LANES, Answer, PolledMapping
from pytest_lambda_esm import FakeLambda, MqBroker
from pytest_lambda_esm.brokers.mq.broker import BrokerFacts, BrokerPorts
from pytest_lambda_esm.brokers.mq.brokers import MqBrokers
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.mappings.lifecycle import Step
from pytest_lambda_esm.observe.fates import Fate, FateLedger, Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.brokers.context import BrokerContext
from pytest_lambda_esm.polling.brokers.poller import BrokerPoller
from pytest_lambda_esm.polling.lane_context import LanePolling
from pytest_lambda_esm.simulation.mq import fates
from pytest_lambda_esm.sources import mq

ARN = "arn:aws:mq:us-east-1:123456789012:broker:main:b-0123-4567"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:login"
ACCESS = [{"Type": "BASIC_AUTH", "URI": SECRET}]
ENGINES = ("ActiveMQ", "RabbitMQ")


def records_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of an event of either engine."""
    if "messages" in event:
        return list(event["messages"])
    return [record for records in event["rmqMessagesByQueue"].values() for record in records]


def bodies_of(event: dict[str, Any]) -> list[str]:
    """Return the bodies of an event's records as texts."""
    return [base64.b64decode(record["data"]).decode() for record in records_of(event)]


class NoDirectory:
    """Amazon MQ's API has no brokers."""

    def find(self, arn: str) -> BrokerFacts | None:
        return None


def memory_brokers(clock: EventClock) -> MqBrokers:
    """Return brokers on a clock; nothing that they store was sent by a handler."""
    return MqBrokers(BrokerPorts(now=lambda: clock.instant, depth=lambda: 0, directory=NoDirectory()))


class BrokerSimulation(PolledMapping):
    """A mapping on the queue ``orders``."""

    def __init__(self, handler: Answer, *, engine: str = "RabbitMQ", **settings: Any) -> None:
        members = {"BatchSize": 100, "Queues": ["orders"], "EventSourceArn": ARN, "SourceAccessConfigurations": ACCESS}
        super().__init__(handler, {**members, **settings}, "USER_INITIATED")
        self.mapping._begin(Step("Enabled", "Enabled"))
        brokers = memory_brokers(self.clock)
        self.broker = brokers.find(ARN, engine)
        self.queue = self.broker.queue("orders")
        self.ledger = FateLedger()
        self.poller = BrokerPoller(
            BrokerContext(
                source=mq.MQ,
                brokers=brokers,
                login_problem=lambda settings, broker: None,
                timeout=lambda mapping: 3,
                polling=LanePolling(**LANES),
                **{**self.context_members, "journal": Journal(Timeline(lambda: self.clock.instant), self.ledger)},
            )
        )

    def fate_of_each(self) -> list[Fate]:
        """Return the fates of all messages of the broker."""
        return fates(self.ledger, list(self.broker.queues), self.clock.instant)


# --- through boto3 -------------------------------------------------------------------------------------------


def make_login(fake: FakeLambda, **login: str) -> list[dict[str, str]]:
    """Create the secret that :data:`ACCESS` names, and return how a mapping refers to it."""
    text = json.dumps(login or {"username": "lambda", "password": "secret"})
    made = fake.client("secretsmanager").create_secret(Name="login", SecretString=text)
    return [{"Type": "BASIC_AUTH", "URI": made["ARN"]}]


def subscribe(fake: FakeLambda, broker: MqBroker, handler: Any, **params: Any) -> str:
    """Create a function, a login and a mapping of the queue ``orders``; wait until it polls, and return its UUID."""
    fake.function("consumer", handler)
    access = [] if "SourceAccessConfigurations" in params else make_login(fake)
    members = {
        "FunctionName": "consumer",
        "EventSourceArn": broker.arn,
        "Queues": ["orders"],
        "SourceAccessConfigurations": access,
        **params,
    }
    created = fake.client("lambda").create_event_source_mapping(**members)
    fake.clock.advance(5)
    return str(created["UUID"])
