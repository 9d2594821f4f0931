"""From a topic of waiting records to a trivial handler, over six partitions."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import ACCOUNT, REGION, RecordCounter
from pytest_lambda_esm import FakeLambda, KafkaCluster
from pytest_lambda_esm.sources import kafka

BATCH_SIZE = 100
PARTITIONS = 6
CLUSTER = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/main/0123-4567"


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what="deliver 100,000 Kafka records",
        ours=_through_a_mapping(100_000),
        against="a bare loop, same events",
        other=_in_a_bare_loop(100_000),
        rounds=3,
        goal=Goal("ratio", 2),
        units=100_000,
    )
    yield Comparison(
        what="deliver 1,000,000 Kafka records",
        ours=_through_a_mapping(1_000_000),
        against="deliver 10,000",
        other=_through_a_mapping(10_000),
        rounds=1,
        goal=Goal("ratio", 120),
        units=1_000_000,
    )


def _records(event: dict[str, Any]) -> list[Any]:
    return [record for records in event["records"].values() for record in records]


def _topic(fake: FakeLambda, count: int) -> KafkaCluster:
    cluster = fake.kafka(CLUSTER)
    cluster.create_topic("clicks", PARTITIONS)
    for number in range(count):
        value = json.dumps({"click": number}).encode()
        cluster.produce("clicks", value, key=f"visitor-{number % 100}", partition=number % PARTITIONS)
    return cluster


def _through_a_mapping(count: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = RecordCounter(_records)
            _topic(fake, count)
            fake.function("clicks", handler)
            fake.client("lambda").create_event_source_mapping(
                EventSourceArn=CLUSTER,
                FunctionName="clicks",
                Topics=["clicks"],
                StartingPosition="TRIM_HORIZON",
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
            handler = RecordCounter(_records)
            cluster = _topic(fake, count)
            kind = kafka.MSK.kafka_kind
            assert kind is not None
            gc.collect()  # What the set-up has made is not to be looked through again while time is taken.
            with Stopwatch() as watch:
                for partition in cluster.partitions("clicks"):
                    for first in range(0, partition.end, BATCH_SIZE):
                        offsets = range(first, min(first + BATCH_SIZE, partition.end))
                        handler(
                            kafka.event(
                                kind, CLUSTER, cluster.bootstrap_servers, [(partition, offsets)], kafka.records
                            ),
                            None,
                        )
            handler.check(count)
            return watch.seconds

    return sample
