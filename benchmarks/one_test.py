"""The fixed cost of one test: set-up, a client, the first call, and the end."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Stopwatch
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.plugin.outside_fakes import OutsideFakes
from pytest_lambda_esm.running import OBSERVER, find_observer

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
        fewest=12,
        goal=EIGHTH,
    )
    yield Comparison(
        what="to be ready to explain a failure",
        ours=readiness_to_explain,
        against="the test, which passes",
        other=with_events,
        rounds=21,
        goal=Goal("ratio", 0.02),
    )
    yield Comparison(
        what="set-up, fake.client, call, end",
        ours=with_a_client_of_the_fake,
        against=against,
        other=with_moto,
        rounds=25,
        fewest=12,
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


def readiness_to_explain() -> float:
    """What the plugin does in a passing test so that its report could explain a failure.

    This is measured by itself: the difference of two whole tests, with and without it, is smaller than their noise.
    """
    with FakeLambda(region=REGION) as fake:
        outside = OutsideFakes()
        with Stopwatch() as watch:
            token = OBSERVER.set(lambda: outside)
            outside.begin(None, "call")
            for observer in (find_observer(), find_observer()):  # At the start and at the end of a fake.
                assert observer is outside
            outside.opened(fake)
            outside.closing(fake, None)
            outside.at_hand()
            OBSERVER.reset(token)
    return watch.seconds


def with_events() -> float:
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
