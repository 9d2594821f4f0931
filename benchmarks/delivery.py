"""From a queue of waiting messages to a trivial handler, against a loop that only builds the same events.

A second loop also stores each receipt with its message and deletes the message: the least that a queue has to do. It
has no goal; it shows how much of the first ratio is the queue's own work.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import boto3
from moto import mock_aws
from moto.sqs.models import Message

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import REGION, fill_queue, make_queue
from pytest_lambda_esm import FakeLambda

BATCH_SIZE = 10


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


class _Counter:
    """A trivial handler. It counts the records: a benchmark that delivers nothing must not look fast."""

    def __init__(self) -> None:
        self.records = 0

    def __call__(self, event: dict[str, Any], context: object) -> None:
        self.records += len(event["Records"])

    def check(self, expected: int) -> None:
        if self.records != expected:
            raise SystemExit(f"{self.records} of {expected} messages reached the handler; the numbers mean nothing")


def _through_a_mapping(count: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            handler = _Counter()
            arn = make_queue(fake.client("sqs"), "orders")
            fake.function("orders", handler)
            fake.client("lambda").create_event_source_mapping(
                EventSourceArn=arn, FunctionName="orders", BatchSize=BATCH_SIZE
            )
            fill_queue("orders", count)
            with Stopwatch() as watch:
                fake.clock.run_until_idle()
            handler.check(count)
            return watch.seconds

    return sample


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
