from __future__ import annotations

import boto3
import pytest
from botocore.config import Config

from pytest_lambda_esm import ConfigurationError, FakeLambda, Weather

REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"


def a_day(seed=0, messages=60, **weather):
    """Send two messages a second in this weather; return the bodies received, the timeline and the fates."""
    with FakeLambda(region=REGION, seed=seed, weather=weather) as fake:
        sqs = fake.client("sqs")
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        orders = fake.function("orders", lambda event, context: None)
        aws_lambda = boto3.client("lambda", config=Config(retries={"mode": "standard", "total_max_attempts": 10}))
        aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders", BatchSize=1)
        fake.clock.advance(600)
        for number in range(messages):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))
            sqs.send_message(QueueUrl=url, MessageBody=f"{number}'")
            fake.clock.advance(1)
        fake.clock.run_until_idle()
        bodies = [record["body"] for invocation in orders.invocations for record in invocation.event["Records"]]
        return bodies, [str(entry) for entry in fake.timeline], [fate.fate for fate in fake.fates(QUEUE)]


def test_fair_weather_is_the_default():
    bodies, timeline, _ = a_day()

    assert len(bodies) == 120
    assert not any("weather" in entry for entry in timeline)


def test_duplicates_are_delivered_and_nothing_is_lost():
    bodies, _, fates = a_day(duplicates=0.2)

    assert 120 < len(bodies) < 180
    assert len(set(bodies)) == 120
    assert fates == ["deleted"] * 120


def test_messages_are_reordered_and_nothing_is_lost():
    bodies, _, fates = a_day(reordering=0.3)
    in_order = [body for number in range(60) for body in (str(number), f"{number}'")]

    assert bodies != in_order
    assert sorted(bodies) == sorted(in_order)
    assert fates == ["deleted"] * 120


def test_reads_are_throttled_and_nothing_is_lost():
    bodies, timeline, fates = a_day(throttles=0.3)

    assert len(bodies) == 120
    assert fates == ["deleted"] * 120
    assert any("throttled, the weather" in entry for entry in timeline)


def test_the_same_seed_is_the_same_day():
    rates = {"duplicates": 0.2, "reordering": 0.2, "throttles": 0.1, "latency": 0.2}

    assert a_day(seed=3, **rates) == a_day(seed=3, **rates)
    assert a_day(seed=3, **rates) != a_day(seed=4, **rates)


def test_the_weather_does_not_change_anything_else():
    def uuid(**weather):
        with FakeLambda(region=REGION, weather=weather) as fake:
            fake.client("sqs").create_queue(QueueName="orders")
            fake.function("orders", lambda event, context: None)
            return fake.client("lambda").create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders")[
                "UUID"
            ]

    assert uuid() == uuid(latency=1.0)


def test_calls_are_late():
    with FakeLambda(region=REGION, weather=Weather(latency=1.0, slowest=0.5)) as fake:
        before = fake.clock.now
        for _ in range(10):
            fake.client("lambda").list_functions()

        assert 0 < (fake.clock.now - before).total_seconds() <= 5


def test_weather_does_not_affect_calls_of_other_services():
    with FakeLambda(region=REGION, weather=Weather(throttles=1.0, latency=1.0, slowest=0.5)) as fake:
        before = fake.clock.now
        sqs = fake.client("sqs")
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="a")
        assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "a"
        assert fake.clock.now == before
        assert not fake.timeline.of("fault")
        client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.list_event_source_mappings()


@pytest.mark.parametrize(
    ("weather", "told"),
    [
        ({"duplicate": 0.1}, "Did you mean 'duplicates'"),
        ({"duplicates": 1.1}, "a number from 0 to 1"),
        ({"duplicates": -0.1}, "a number from 0 to 1"),
        ({"duplicates": True}, "duplicates is a number"),
        ({"duplicates": "often"}, "could not convert"),
        ({"slowest": float("inf")}, "slowest is a number from 0"),
        ("rain", "a mapping of rates"),
    ],
)
def test_impossible_weather_is_refused(weather, told):
    with pytest.raises(ConfigurationError, match=f"weather = .*{told}"):
        FakeLambda(weather=weather)
