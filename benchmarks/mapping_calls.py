"""Creating and reading event source mappings, compared with moto's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Stopwatch
from benchmarks.moto_world import REGION, WITHOUT_DOCKER, make_function, make_queue
from pytest_lambda_esm import FakeLambda

PAIRS = 30
LISTS = 50


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what=f"{PAIRS} x create and get a mapping",
        ours=with_the_fake,
        against="plain moto",
        other=with_moto,
        rounds=15,
        fewest=10,
        goal=Goal("ratio", 0.9),
        units=PAIRS,
    )

    yield Comparison(
        what="list 10 mappings, of 1,000",
        ours=lambda: list_ten_of(1_000),
        against="of 10",
        other=lambda: list_ten_of(10),
        rounds=3,  # Each sample creates the mappings that it lists.
        goal=Goal("ratio", 1.5),
        units=LISTS,
    )


def list_ten_of(number: int) -> float:
    """Return the time to list the last ten of ``number`` mappings."""
    with FakeLambda(region=REGION) as fake:
        fake.function("orders", _do_nothing)
        aws_lambda = fake.client("lambda")
        for port in range(1, number + 1):
            aws_lambda.create_event_source_mapping(
                FunctionName="orders",
                SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [f"kafka:{port}"]}},
                Topics=["orders"],
                SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:::login"}],
                Enabled=False,
            )
        pages = aws_lambda.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 10})
        marker = [page.get("NextMarker", "") for page in pages][-2:][0]
        last = {"Marker": marker} if marker else {}
        with Stopwatch() as watch:
            for _ in range(LISTS):
                aws_lambda.list_event_source_mappings(MaxItems=10, **last)
        return watch.seconds


def with_moto() -> float:
    with mock_aws(config=WITHOUT_DOCKER):
        aws_lambda = boto3.client("lambda", region_name=REGION)
        make_function(aws_lambda, boto3.client("iam", region_name=REGION), "orders")
        return _create_and_get(aws_lambda, boto3.client("sqs", region_name=REGION))


def with_the_fake() -> float:
    with FakeLambda(region=REGION) as fake:
        fake.function("orders", _do_nothing)
        return _create_and_get(fake.client("lambda"), fake.client("sqs"))


def _create_and_get(aws_lambda: Any, sqs: Any) -> float:
    queues = [make_queue(sqs, f"orders-{number}") for number in range(PAIRS)]
    aws_lambda.list_event_source_mappings()  # the client's first call is not part of the comparison
    with Stopwatch() as watch:
        for arn in queues:
            mapping = aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
            aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return watch.seconds


def _do_nothing(event: object, context: object) -> None:
    return None
