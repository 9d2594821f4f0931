"""The fixed cost of one test: set-up, a client, the first call, and the end."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Stopwatch
from pytest_lambda_esm import FakeLambda

REGION = "us-east-1"
THIRD = Goal("ratio", 1 / 3)


def comparisons() -> Iterator[Comparison]:
    against = "mock_aws, boto3.client"
    yield Comparison(
        what="set-up, boto3.client, call, end",
        ours=with_a_client_of_boto3,
        against=against,
        other=with_moto,
        rounds=25,
        goal=THIRD,
    )
    yield Comparison(
        what="set-up, fake.client, call, end",
        ours=with_a_client_of_the_fake,
        against=against,
        other=with_moto,
        rounds=25,
        goal=THIRD,
    )


def with_moto() -> float:
    with Stopwatch() as watch, mock_aws():
        boto3.client("lambda", region_name=REGION).list_event_source_mappings()
    return watch.seconds


def with_a_client_of_boto3() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION):
        boto3.client("lambda", region_name=REGION).list_event_source_mappings()
    return watch.seconds


def with_a_client_of_the_fake() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION) as fake:
        fake.client("lambda").list_event_source_mappings()
    return watch.seconds
