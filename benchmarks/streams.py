"""From a Kinesis stream of waiting records to a trivial handler, and the cost of poison records."""

from __future__ import annotations

import base64
import gc
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
from moto import mock_aws
from moto.kinesis.models import Record, kinesis_backends

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import ACCOUNT, REGION
from pytest_lambda_esm import FakeLambda

BATCH_SIZE = 100
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what="deliver 100,000 Kinesis records",
        ours=_through_a_mapping(100_000, shards=4),
        against="a bare loop, same events",
        other=_in_a_bare_loop(100_000, shards=4),
        rounds=5,
        fewest=3,
        goal=Goal("ratio", 1.2),
        units=100_000,
    )
    for count, shards, goal in ((100_000, 8, 12), (1_000_000, 64, 120)):
        yield Comparison(
            what=f"deliver {count:,} from {shards} shards",
            ours=_through_a_mapping(count, shards=shards),
            against="deliver 10,000 from 1 shard",
            other=_through_a_mapping(10_000, shards=1),
            rounds=1 if count > 100_000 else 3,
            goal=Goal("ratio", goal),
            units=count,
        )
    yield Comparison(
        what="poison among 10, bisect, 3 retries",
        ours=_with_poison(records=10, expected=12, BisectBatchOnFunctionError=True, MaximumRetryAttempts=3),
        against="10 good records",
        other=_through_a_mapping(10, shards=1),
        rounds=5,
        goal=Goal("value", 0.050),
    )
    yield Comparison(
        what="poison for 7 days, no retry limit",
        ours=_with_poison(records=1, expected=10_080, retention=168),
        against="10,000 good records",
        other=_through_a_mapping(10_000, shards=1),
        rounds=3,
        goal=Goal("value", 1),
    )


class _Counter:
    """A trivial handler. It counts the records: a benchmark that delivers nothing must not look fast."""

    def __init__(self) -> None:
        self.records = 0

    def __call__(self, event: dict[str, Any], context: object) -> None:
        self.records += len(event["Records"])

    def check(self, expected: int) -> None:
        if self.records != expected:
            raise SystemExit(f"{self.records} of {expected} records reached the handler; the numbers mean nothing")


def _make_stream(shards: int, count: int) -> None:
    """A stream with records, which go into moto's storage directly: putting them costs more than reading them."""
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="clicks", ShardCount=shards)
    each = count // shards
    contents = _contents(count - each * (shards - 1))
    for number, shard in enumerate(kinesis_backends[ACCOUNT][REGION].streams["clicks"].shards.values()):
        last = count - each * (shards - 1) if number == shards - 1 else each
        for sequence_number in range(1, last + 1):
            data = contents[sequence_number - 1].decode()  # Each record has a text of its own, as in moto.
            shard.records[sequence_number] = Record(f"visitor-{sequence_number % 100}", data, sequence_number, "")


@cache
def _contents(count: int) -> list[bytes]:
    """Return what the records of a shard contain."""
    return [base64.b64encode(json.dumps({"click": number}).encode()) for number in range(1, count + 1)]


def _through_a_mapping(count: int, *, shards: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = _Counter()
            _make_stream(shards, count)
            _subscribe(fake, handler)
            gc.collect()  # A later collection must not go through the set-up's objects while time is taken.
            with Stopwatch() as watch:
                fake.clock.run_until_idle()
            handler.check(count)
            return watch.seconds

    return sample


def _subscribe(fake: FakeLambda, handler: Callable[..., Any], **settings: Any) -> None:
    fake.function("clicks", handler)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=STREAM,
        FunctionName="clicks",
        StartingPosition="TRIM_HORIZON",
        BatchSize=BATCH_SIZE,
        **settings,
    )


def _in_a_bare_loop(count: int, *, shards: int) -> Sample:
    def sample() -> float:
        with mock_aws():
            handler = _Counter()
            _make_stream(shards, count)
            stream = kinesis_backends[ACCOUNT][REGION].streams["clicks"]
            gc.collect()  # A later collection must not go through the set-up's objects while time is taken.
            with Stopwatch() as watch:
                for shard in stream.shards.values():
                    records, shard_id = list(shard.records.values()), shard.shard_id
                    for first in range(0, len(records), BATCH_SIZE):
                        batch = records[first : first + BATCH_SIZE]
                        handler({"Records": [_record(record, shard_id) for record in batch]}, None)
            handler.check(count)
            return watch.seconds

    return sample


def _record(record: Record, shard_id: str) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": str(record.sequence_number),
            "data": record.data,
            "approximateArrivalTimestamp": round(record.created_at, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record.sequence_number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/any",
        "awsRegion": REGION,
        "eventSourceARN": STREAM,
    }


def _with_poison(*, records: int, expected: int, retention: int = 24, **settings: Any) -> Sample:
    """The sixth record from the end, or the first of a few, always fails."""

    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            bad = max(records - 5, 1)

            def handler(event: dict[str, Any], context: object) -> None:
                if any(record["kinesis"]["sequenceNumber"] == str(bad) for record in event["Records"]):
                    raise ValueError("poison")

            _make_stream(1, records)
            boto3.client("kinesis", region_name=REGION).increase_stream_retention_period(
                StreamName="clicks", RetentionPeriodHours=retention
            )
            _subscribe(fake, handler, **settings)
            gc.collect()  # A later collection must not go through the set-up's objects while time is taken.
            with Stopwatch() as watch:
                fake.clock.run_until_idle(limit=8 * 24 * 3600)
            if abs(len(fake.invocations) - expected) > expected // 100:
                raise SystemExit(f"{len(fake.invocations)} invocations, not {expected}; the numbers mean nothing")
            return watch.seconds

    return sample
