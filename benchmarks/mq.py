"""From a queue of waiting messages of ActiveMQ to a trivial handler."""

from __future__ import annotations

import gc
import operator
from collections.abc import Iterator

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import REGION, RecordCounter
from pytest_lambda_esm import FakeLambda, MqBroker
from pytest_lambda_esm.sources.mq_records import KINDS
from pytest_lambda_esm.timing import instant_of

BATCH_SIZE = 100


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what="deliver 50,000 messages of ActiveMQ",
        ours=_through_a_mapping(50_000),
        against="a bare loop, same events",
        other=_in_a_bare_loop(50_000),
        rounds=3,
        goal=Goal("ratio", 2.5),
        units=50_000,
    )
    yield Comparison(
        what="deliver 100,000 messages of ActiveMQ",
        ours=_through_a_mapping(100_000),
        against="deliver 10,000",
        other=_through_a_mapping(10_000),
        rounds=3,
        goal=Goal("ratio", 13),
        units=100_000,
    )


def _broker(fake: FakeLambda, count: int) -> MqBroker:
    broker = fake.mq("main")
    queue = broker.queue("clicks")
    for number in range(count):
        queue.send(f'{{"click": {number}}}', visitor=f"visitor-{number % 100}")
    return broker


def _through_a_mapping(count: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = RecordCounter(operator.itemgetter("messages"))
            broker = _broker(fake, count)
            login = '{"username": "lambda", "password": "secret"}'
            secret = fake.client("secretsmanager").create_secret(Name="login", SecretString=login)
            fake.function("clicks", handler)
            fake.client("lambda").create_event_source_mapping(
                EventSourceArn=broker.arn,
                FunctionName="clicks",
                Queues=["clicks"],
                SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": secret["ARN"]}],
                BatchSize=BATCH_SIZE,
            )
            gc.collect()  # What the set-up has made is not to be looked through again while time is taken.
            with Stopwatch() as watch:
                fake.clock.run_until_idle()
            handler.check(count)
            return watch.seconds

    return sample


def _in_a_bare_loop(count: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = RecordCounter(operator.itemgetter("messages"))
            broker = _broker(fake, count)
            queue = broker.queue("clicks")
            kind, messages, now = KINDS["ActiveMQ"], queue.messages, instant_of(fake.clock.now)
            gc.collect()  # What the set-up has made is not to be looked through again while time is taken.
            with Stopwatch() as watch:
                for first in range(0, count, BATCH_SIZE):
                    records = [kind.record(queue, message, now) for message in messages[first : first + BATCH_SIZE]]
                    handler(kind.event(broker.arn, queue, records), None)
            handler.check(count)
            return watch.seconds

    return sample
