"""The fixed cost of one test: set-up, a client, the first call, and the end."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Stopwatch
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.plugin.outside_fakes import OutsideFakes
from pytest_lambda_esm.running import OBSERVER

REGION = "us-east-1"
EIGHTH = Goal("ratio", 0.12)


def comparisons() -> Iterator[Comparison]:
    against = "mock_aws, boto3.client"
    yield Comparison(
        what="set-up, boto3.client, call, end",
        ours=with_a_client_of_boto3,
        against=against,
        other=with_moto,
        rounds=25,
        goal=EIGHTH,
    )
    yield Comparison(
        what="a passing test, ready to explain itself",
        ours=with_a_report_at_hand,
        against="without a report",
        other=without_a_report,
        rounds=101,
        goal=Goal("ratio", 1.02),
    )
    yield Comparison(
        what="set-up, fake.client, call, end",
        ours=with_a_client_of_the_fake,
        against=against,
        other=with_moto,
        rounds=25,
        goal=EIGHTH,
    )


def with_moto() -> float:
    with Stopwatch() as watch, mock_aws():
        boto3.client("lambda", region_name=REGION).list_event_source_mappings()
    return watch.seconds


def with_a_client_of_boto3() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION):
        boto3.client("lambda", region_name=REGION).list_event_source_mappings()
    return watch.seconds


def with_a_report_at_hand() -> float:
    """A fake that the plugin watches, so that the report of a failing test could explain the failure."""
    outside = OutsideFakes()
    token = OBSERVER.set(lambda: outside)
    try:
        outside.begin(None, "call")
        return without_a_report()
    finally:
        OBSERVER.reset(token)


def without_a_report() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION) as fake:
        client = fake.client("lambda")
        fake.function("orders", lambda event, context: None)
        for _ in range(10):
            client.invoke(FunctionName="orders", InvocationType="Event")
        fake.clock.run_until_idle()
    return watch.seconds


def with_a_client_of_the_fake() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION) as fake:
        fake.client("lambda").list_event_source_mappings()
    return watch.seconds
