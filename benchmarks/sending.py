"""Sending through boto3 into queues, with the fake and with moto alone: ours must not add to moto's cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import REGION, fill_queue
from pytest_lambda_esm import FakeLambda

SENT = 50


def comparisons() -> Iterator[Comparison]:
    for depth in (0, 1_000):
        yield Comparison(
            what=f"send {SENT} messages behind {depth:,}",
            ours=_sending("orders", depth, _with_the_fake),
            against="moto alone",
            other=_sending("orders", depth, _with_moto),
            rounds=5,
            goal=Goal("ratio", 1.1),
            units=SENT,
        )
    yield Comparison(
        what=f"send {SENT} messages to a FIFO queue",
        ours=_sending("orders.fifo", 0, _with_the_fake),
        against="moto alone",
        other=_sending("orders.fifo", 0, _with_moto),
        rounds=5,
        goal=Goal("ratio", 1.1),
        units=SENT,
    )


def _with_the_fake() -> AbstractContextManager[Any]:
    return FakeLambda(region=REGION)


def _with_moto() -> AbstractContextManager[Any]:
    return mock_aws()


def _sending(name: str, depth: int, world: Any) -> Sample:
    fifo = name.endswith(".fifo")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
    params = {"MessageGroupId": "group"} if fifo else {}

    def sample() -> float:
        with world():
            sqs = boto3.client("sqs", region_name=REGION)
            url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
            fill_queue(name, depth)
            with Stopwatch() as watch:
                for number in range(SENT):
                    sqs.send_message(QueueUrl=url, MessageBody=f"order {number}", **params)
            return watch.seconds

    return sample
