"""Invoking a trivial handler, compared with moto, which runs nothing; and using the asynchronous queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import REGION, WITHOUT_DOCKER, make_function
from pytest_lambda_esm import FakeLambda

CALLS = 200


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what=f"invoke synchronously, {CALLS} times",
        ours=_synchronously,
        against="moto, which runs nothing",
        other=_in_moto,
        rounds=7,
        goal=Goal("ratio", 1.5),
        units=CALLS,
    )
    yield Comparison(
        what="a failing event to its destination",
        ours=_to_a_destination,
        against="one synchronous invocation",
        other=_once,
        rounds=7,
        goal=Goal("value", 0.05),
    )
    yield Comparison(
        what="queue and drain 3,000 events",
        ours=_drained(3_000),
        against="queue and drain 300 events",
        other=_drained(300),
        rounds=1,
        goal=Goal("ratio", 12),
        units=3_000,
    )


def _synchronously() -> float:
    with FakeLambda(region=REGION) as fake:
        function = fake.function("f", lambda event, context: None)
        seconds = _call(fake.client("lambda"))
        if len(function.invocations) != CALLS:
            raise SystemExit("not every call has run the handler; the numbers mean nothing")
        return seconds


def _in_moto() -> float:
    with mock_aws(config=WITHOUT_DOCKER):
        aws_lambda = boto3.client("lambda", region_name=REGION)
        make_function(aws_lambda, boto3.client("iam", region_name=REGION), "f")
        return _call(aws_lambda)


def _call(aws_lambda: Any) -> float:
    aws_lambda.invoke(FunctionName="f", Payload=b"{}")["Payload"].read()
    with Stopwatch() as watch:
        for _ in range(CALLS - 1):
            aws_lambda.invoke(FunctionName="f", Payload=b"{}")["Payload"].read()
    return watch.seconds


def _failing(event: Any, context: Any) -> None:
    raise ValueError("no")


def _to_a_destination() -> float:
    with FakeLambda(region=REGION) as fake:
        fake.client("sqs").create_queue(QueueName="failures")
        fake.function("f", _failing)
        aws_lambda = fake.client("lambda")
        aws_lambda.put_function_event_invoke_config(
            FunctionName="f",
            DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:123456789012:failures"}},
        )
        start = fake.clock.now
        with Stopwatch() as watch:
            aws_lambda.invoke(FunctionName="f", InvocationType="Event")
            fake.clock.run_until_idle()
        if (fake.clock.now - start).total_seconds() != 180:
            raise SystemExit("two retries take 180 virtual seconds")
        return watch.seconds


def _once() -> float:
    with FakeLambda(region=REGION) as fake:
        fake.function("f", _failing)
        aws_lambda = fake.client("lambda")
        with Stopwatch() as watch:
            aws_lambda.invoke(FunctionName="f")
        return watch.seconds


def _drained(count: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            function = fake.function("f", lambda event, context: None)
            aws_lambda = fake.client("lambda")
            with Stopwatch() as watch:
                for _ in range(count):
                    aws_lambda.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
                fake.clock.run_until_idle()
            if len(function.invocations) != count:
                raise SystemExit("not every event has run; the numbers mean nothing")
            return watch.seconds

    return sample
