"""A broker of Amazon MQ and a poller for it without moto, for unit tests; and Amazon MQ through plain boto3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from helpers.interference import RaisingInterference
from helpers.memory_stream import START, Throttled
from pytest_lambda_esm import FakeLambda, MqBroker
from pytest_lambda_esm.brokers.mq.broker import BrokerFacts, BrokerPorts
from pytest_lambda_esm.brokers.mq.brokers import MqBrokers
from pytest_lambda_esm.clock.virtual import VirtualClock
from pytest_lambda_esm.config import TransitionTimes
from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.mappings.lifecycle import Step
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec
from pytest_lambda_esm.observe.fates import Fate, FateLedger, Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.brokers.context import BrokerContext, BrokerPolling
from pytest_lambda_esm.polling.brokers.poller import BrokerPoller
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.simulation.mq import fates
from pytest_lambda_esm.sources import mq
from pytest_lambda_esm.timing import MICROSECONDS, Backoff

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


def memory_brokers(clock: VirtualClock) -> MqBrokers:
    """Return brokers on a clock; nothing that they store was sent by a handler."""
    return MqBrokers(BrokerPorts(now=lambda: clock.instant, depth=lambda: 0, directory=NoDirectory()))


class BrokerSimulation:
    """A mapping on the queue ``orders``. ``handler(event)`` returns or raises; ``duration`` is in seconds."""

    def __init__(self, handler: Callable[[dict[str, Any]], Any], *, engine: str = "RabbitMQ", **settings: Any) -> None:
        self.clock = VirtualClock(START)
        self.brokers = memory_brokers(self.clock)
        self.broker = self.brokers.find(ARN, engine)
        self.queue = self.broker.queue("orders")
        self.handler = handler
        self.duration = 0.0
        self.events: list[dict[str, Any]] = []
        self.settings = {
            "BatchSize": 100,
            "Queues": ["orders"],
            "EventSourceArn": ARN,
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "SourceAccessConfigurations": ACCESS,
            **settings,
        }
        self.mapping = Mapping(
            MappingSpec(
                uuid="uuid",
                arn="arn",
                account_id="123456789012",
                region="us-east-1",
                settings=self.settings,
                user_reason="USER_INITIATED",
            ),
            times=TransitionTimes,
            clock=self.clock,
            on_transition=lambda mapping, transition: None,
        )
        self.mapping.begin(Step("Enabled", "Enabled"))
        self.ledger = FateLedger()
        interruptions = Interruptions()
        self.poller = BrokerPoller(
            BrokerContext(
                mapping=self.mapping,
                source=mq.MQ,
                brokers=self.brokers,
                login_problem=lambda settings, broker: None,
                timeout=lambda mapping: 3,
                deliver=self._deliver,
                clock=self.clock,
                journal=Journal(Timeline(lambda: self.clock.instant), self.ledger),
                interference=RaisingInterference(interruptions, lambda step: None),
                interruptions=interruptions,
                polling=BrokerPolling(
                    latency=0,
                    backoff=Backoff(MICROSECONDS // 4, 60 * MICROSECONDS),
                    throttle_backoff=Backoff(MICROSECONDS // 4, 60 * MICROSECONDS),
                    loop_depth=1000,
                    read_retry=MICROSECONDS,
                ),
            )
        )

    @property
    def batches(self) -> list[list[str]]:
        return [bodies_of(event) for event in self.events]

    def update(self, **changes: Any) -> None:
        """Change the mapping's settings immediately."""
        self.settings = {**self.settings, **changes}
        self.mapping.begin(Step("Enabled", "Enabled"), self.settings)
        self.poller.wake()

    def fates(self) -> list[Fate]:
        return fates(self.ledger, list(self.broker.queues), self.clock.instant)

    def _deliver(self, mapping: Mapping, event: Any, attempt: int, depth: int) -> Delivery:
        end = self.clock.instant + round(self.duration * MICROSECONDS)
        made = event()
        try:
            result = self.handler(made)
        except Throttled:
            return Delivery(False, self.clock.instant, "f", "throttled", throttled=True)
        except ValueError as error:
            self.events.append(made)
            return Delivery(False, end, "f", f"error, {error}", request_id="request")
        self.events.append(made)
        return Delivery(True, end, "f", "success", result=result, request_id="request")


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
