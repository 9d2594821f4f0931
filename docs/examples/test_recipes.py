"""The recipes of the how-to pages. Each is a test, and the project runs them."""

# [setup]
import json
import time
from datetime import timedelta

import boto3
import pytest
from moto import mock_aws

from pytest_lambda_esm import FakeLambda, after_reads


def make_queue(name, **attributes):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def subscribe(queue_arn):
    """The code under test: create a mapping, and wait until it is enabled."""
    aws_lambda = boto3.client("lambda")
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders")
    while mapping["State"] != "Enabled":
        time.sleep(5)
        mapping = aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return mapping["UUID"]


def accept(event, context):
    """A handler that always succeeds."""


# [/setup]


# [hold]
def test_nothing_can_be_changed_while_an_update_is_going_on(lambda_esm):
    _, queue_arn = make_queue("orders")
    lambda_esm.function("orders", accept)
    uuid = subscribe(queue_arn)
    aws_lambda = boto3.client("lambda")

    lambda_esm.mapping(uuid).hold("Updating")
    aws_lambda.update_event_source_mapping(UUID=uuid, BatchSize=5)
    lambda_esm.clock.advance(hours=1)
    with pytest.raises(aws_lambda.exceptions.ResourceInUseException):
        aws_lambda.delete_event_source_mapping(UUID=uuid)

    lambda_esm.mapping(uuid).release()
    assert aws_lambda.get_event_source_mapping(UUID=uuid)["State"] == "Enabled"


# [/hold]


# [transitions]
@pytest.mark.parametrize("creating", ["instant", 90, timedelta(minutes=5), after_reads(3)])
def test_waits_however_long_it_takes(lambda_esm, creating):
    lambda_esm.transitions(creating=creating)
    _, queue_arn = make_queue("orders")
    lambda_esm.function("orders", accept)

    uuid = subscribe(queue_arn)

    assert [step.state for step in lambda_esm.mapping(uuid).history] == ["Creating", "Enabled"]


# [/transitions]


# [dead-letter queue]
def test_a_bad_order_ends_in_the_dead_letter_queue(lambda_esm):
    dead_url, dead_arn = make_queue("orders-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url, queue_arn = make_queue("orders", VisibilityTimeout="30", RedrivePolicy=redrive)

    def refuse(event, context):
        raise ValueError("there is no such article")

    orders = lambda_esm.function("orders", refuse)
    subscribe(queue_arn)

    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="a bad order")
    lambda_esm.clock.run_until_idle()

    assert [invocation.attempt for invocation in orders.invocations] == [1, 2, 3]
    first, second, third = (invocation.started for invocation in orders.invocations)
    assert second - first == third - second == timedelta(seconds=30)
    [dead] = sqs.receive_message(QueueUrl=dead_url)["Messages"]
    assert dead["Body"] == "a bad order"


# [/dead-letter queue]


# [timeout]
def test_a_slow_handler_is_ended(lambda_esm):
    url, queue_arn = make_queue("orders", VisibilityTimeout="60")

    def dawdle(event, context):
        time.sleep(20)  # virtual

    orders = lambda_esm.function("orders", dawdle, timeout=5)
    subscribe(queue_arn)
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="an order")
    lambda_esm.clock.advance(seconds=30)

    [invocation] = orders.invocations
    assert invocation.outcome == "timeout"
    assert invocation.duration == timedelta(seconds=5)


# [/timeout]


# [slept]
def test_looks_every_five_seconds(lambda_esm):
    lambda_esm.transitions(creating=30)
    _, queue_arn = make_queue("orders")
    lambda_esm.function("orders", accept)

    subscribe(queue_arn)

    assert lambda_esm.clock.slept == [5] * 6


# [/slept]


# [mock_aws]
@pytest.fixture
def orders_queue():
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="orders")["QueueUrl"]


@pytest.mark.lambda_esm(region="us-east-1")
def test_joins_a_mock_that_is_on(orders_queue, lambda_esm):
    orders = lambda_esm.function("orders", accept)
    subscribe("arn:aws:sqs:us-east-1:123456789012:orders")

    boto3.client("sqs").send_message(QueueUrl=orders_queue, MessageBody="an order")
    lambda_esm.clock.run_until_idle()

    [invocation] = orders.invocations
    assert invocation.event["Records"][0]["body"] == "an order"


# [/mock_aws]


# [without pytest]
def test_works_without_the_fixtures():
    with FakeLambda(region="eu-west-1") as fake:
        _, queue_arn = make_queue("orders")
        fake.function("orders", accept)
        uuid = subscribe(queue_arn)
        assert fake.mapping(uuid).state == "Enabled"


# [/without pytest]


# [marker]
@pytest.mark.lambda_esm(region="eu-west-1", transitions={"creating": 60})
def test_subscribes_in_ireland(lambda_esm):
    started = lambda_esm.clock.now
    _, queue_arn = make_queue("orders")
    lambda_esm.function("orders", accept)

    uuid = subscribe(queue_arn)

    assert ":eu-west-1:" in lambda_esm.mapping(uuid).arn
    assert lambda_esm.clock.now - started == timedelta(seconds=60)


# [/marker]
