"""From a change stream of waiting events to a trivial handler."""

from __future__ import annotations

import gc
import operator
from collections.abc import Iterator

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import ACCOUNT, REGION, RecordCounter
from pytest_lambda_esm import DocumentDBCluster, FakeLambda
from pytest_lambda_esm.brokers.documentdb.change_stream import ChangeStream, Scope
from pytest_lambda_esm.sources import documentdb
from pytest_lambda_esm.sources.stream_ports import Reader

BATCH_SIZE = 100
CLUSTER = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:documents"


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what="deliver 20,000 change events",
        ours=_through_a_mapping(20_000),
        against="a bare loop, same events",
        other=_in_a_bare_loop(20_000),
        rounds=2,
        goal=Goal("ratio", 2),
        units=20_000,
    )
    yield Comparison(
        what="deliver 100,000 change events",
        ours=_through_a_mapping(100_000),
        against="deliver 10,000",
        other=_through_a_mapping(10_000),
        rounds=1,
        goal=Goal("ratio", 13),
        units=100_000,
    )


def _collection(fake: FakeLambda, count: int) -> DocumentDBCluster:
    cluster = fake.documentdb(CLUSTER)
    clicks = cluster.collection("shop", "clicks")
    for number in range(count):
        clicks.insert({"_id": number, "click": "x" * 20})
    return cluster


def _through_a_mapping(count: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = RecordCounter(operator.itemgetter("events"))
            _collection(fake, count)
            login = '{"username": "lambda", "password": "secret"}'
            secret = fake.client("secretsmanager").create_secret(Name="login", SecretString=login)
            fake.function("clicks", handler)
            fake.client("lambda").create_event_source_mapping(
                EventSourceArn=CLUSTER,
                FunctionName="clicks",
                StartingPosition="TRIM_HORIZON",
                BatchSize=BATCH_SIZE,
                SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": secret["ARN"]}],
                DocumentDBEventSourceConfig={"DatabaseName": "shop"},
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
            handler = RecordCounter(operator.itemgetter("events"))
            stream = ChangeStream(_collection(fake, count), Scope).read_log()
            reader = Reader(CLUSTER, "")
            gc.collect()  # What the set-up has made is not to be looked through again while time is taken.
            with Stopwatch() as watch:
                for first in range(0, count, BATCH_SIZE):
                    positions = range(first, min(first + BATCH_SIZE, count))
                    handler(documentdb.event(stream.records(positions, reader), reader), None)
            handler.check(count)
            return watch.seconds

    return sample
