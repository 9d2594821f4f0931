"""From a queue of waiting messages to a trivial handler, against a loop that only builds the same events.

A second loop also stores each receipt with its message and deletes the message: the least that a queue has to do. It
has no goal; it shows how much of the first ratio is the queue's own work.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.sqs.models import Message

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import REGION, fill_queue, make_queue
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.observe.fates import Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.simulation.world import World

BATCH_SIZE = 10
VISIBILITY = 30
"""Seconds for which :func:`make_queue` has messages hidden after a failure."""
ATTEMPTS = 200


def comparisons() -> Iterator[Comparison]:
    for count, rounds, goal in ((1_000, 7, Goal("value", 0.7)), (10_000, 5, Goal("ratio", 2.5))):
        yield Comparison(
            what=f"deliver {count:,} messages",
            ours=_through_a_mapping(count),
            against="a bare loop, same events",
            other=_in_a_bare_loop(count),
            rounds=rounds,
            goal=goal,
            units=count,
        )
    yield Comparison(
        what="deliver 10,000 messages",
        ours=_through_a_mapping(10_000),
        against="a loop that receives, deletes",
        other=_in_a_bare_loop(10_000, _receive_and_delete),
        rounds=5,
        units=10_000,
    )
    for count, rounds in ((10_000, 3), (100_000, 3)):
        yield Comparison(
            what=f"deliver {count:,} messages",
            ours=_through_a_mapping(count),
            against="deliver 1,000 messages",
            other=_through_a_mapping(1_000),
            rounds=rounds,
            goal=Goal("ratio", 1.2 * count / 1_000),
            units=count,
        )
    yield Comparison(
        what="deliver 100,000 to ten functions",
        ours=_through_a_mapping(100_000, mappings=10),
        against="deliver 10,000 to ten",
        other=_through_a_mapping(10_000, mappings=10),
        rounds=2,
        goal=Goal("ratio", 12),
        units=100_000,
    )
    yield Comparison(
        what="deliver 10,000 messages",
        ours=_through_a_mapping(10_000),
        against="without timeline, records",
        other=_without_records(_through_a_mapping(10_000)),
        rounds=5,
        goal=Goal("ratio", 1.25),
        units=10_000,
    )
    reports = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    for what, failing in (
        ("fails", _attempts(_fail, each=4)),
        ("reports failures", _attempts(_fail_in_part, **reports)),
    ):
        yield Comparison(
            what=f"{ATTEMPTS} attempts, each {what}",
            ours=failing,
            against="attempts that succeed",
            other=_attempts(_succeed),
            rounds=25,
            goal=Goal("ratio", 1.5),
            units=ATTEMPTS,
        )


class _Counter:
    """A trivial handler. It counts the records: a benchmark that delivers nothing must not look fast."""

    def __init__(self) -> None:
        self.records = 0

    def __call__(self, event: dict[str, Any], context: object) -> None:
        self.records += len(event["Records"])

    def check(self, expected: int) -> None:
        if self.records != expected:
            raise SystemExit(f"{self.records} of {expected} messages reached the handler; the numbers mean nothing")


def _through_a_mapping(count: int, mappings: int = 1) -> Sample:
    """Deliver as many messages in all; each mapping has a queue and a function of its own."""

    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = _Counter()
            names = [f"orders-{number}" for number in range(mappings)]
            for name in names:
                _subscribe(fake, name, handler)
            for name in names:
                fill_queue(name, count // mappings)
            with Stopwatch() as watch:
                fake.clock.run_until_idle()
            handler.check(count)
            return watch.seconds

    return sample


def _subscribe(fake: FakeLambda, name: str, handler: Callable[..., Any], **settings: Any) -> None:
    arn = make_queue(fake.client("sqs"), name)
    fake.function(name, handler)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, BatchSize=BATCH_SIZE, **settings
    )


def _attempts(handler: Callable[..., Any], *, each: int = 1, **settings: Any) -> Sample:
    """Invoke a function ``ATTEMPTS`` times; if it fails, ``each`` times with each batch."""

    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            _subscribe(fake, "orders", handler, **settings)
            fake.clock.run_until_idle()
            fill_queue("orders", BATCH_SIZE * ATTEMPTS // each)
            with Stopwatch() as watch:
                fake.clock.advance(VISIBILITY * (each - 1) + 1)
            if len(fake.invocations) != ATTEMPTS:
                raise SystemExit(f"{len(fake.invocations)} invocations, not {ATTEMPTS}; the numbers mean nothing")
            return watch.seconds

    return sample


def _succeed(event: dict[str, Any], context: object) -> None:
    """Return nothing."""


def _fail(event: dict[str, Any], context: object) -> None:
    raise ValueError("no")


def _fail_in_part(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"][::5]]}


def _without_records(sample: Sample) -> Sample:
    """Take a sample in which nothing is noted in the timeline, in the ledger of fates or as an invocation."""

    def nothing(*args: object) -> int:
        return 0

    owners: tuple[tuple[type, str], ...] = (
        (Timeline, "add"),
        (Journal, "fate"),
        (Function, "_remember"),
        (World, "_keep"),
    )

    def sample_without() -> float:
        with ExitStack() as off:
            for owner, name in owners:
                off.enter_context(patch.object(owner, name, nothing))
            return sample()

    return sample_without


Deliver = Callable[[Sequence[Message], str, dict[str, Message], _Counter], None]


def _only_build(batch: Sequence[Message], arn: str, queue: dict[str, Message], handler: _Counter) -> None:
    handler({"Records": [_record(message, arn) for message in batch]}, None)


def _receive_and_delete(batch: Sequence[Message], arn: str, queue: dict[str, Message], handler: _Counter) -> None:
    now = time.time() * 1000
    for message in batch:
        message.approximate_receive_count += 1
        message.approximate_first_receive_timestamp = int(now)
        message.visible_at = now + 30_000
        message.receipt_handle = secrets.token_hex(92)
    _only_build(batch, arn, queue, handler)
    for message in batch:
        if queue[message.id].visible_at > now:
            del queue[message.id]


def _in_a_bare_loop(count: int, deliver: Deliver = _only_build) -> Sample:
    def sample() -> float:
        with mock_aws():
            handler = _Counter()
            arn = make_queue(boto3.client("sqs", region_name=REGION), "orders")
            messages = fill_queue("orders", count)
            queue = {message.id: message for message in messages}
            with Stopwatch() as watch:
                for first in range(0, count, BATCH_SIZE):
                    deliver(messages[first : first + BATCH_SIZE], arn, queue, handler)
            handler.check(count)
            return watch.seconds

    return sample


def _record(message: Message, arn: str) -> dict[str, Any]:
    sent = str(message.sent_timestamp)
    return {
        "messageId": message.id,
        "receiptHandle": secrets.token_hex(92),
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": sent,
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": sent,
        },
        "messageAttributes": {},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }
