"""Recipes for suites that have tested Lambda functions in another way so far: the same tests, before and after."""

# [setup]
import os
import time

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

BOOKED = []


@pytest.fixture(autouse=True)
def empty_books():
    BOOKED.clear()


def handler(event, context):
    """Code under test: a function that books orders."""
    for record in event["Records"]:
        if record["body"] == "broken":
            raise ValueError("this is not an order")
        BOOKED.append(record["body"])


def subscribe(aws_lambda, queue_arn):
    """Code under test: connect a queue with the function, and wait until the mapping works."""
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders")
    while mapping["State"] != "Enabled":
        time.sleep(5)
        mapping = aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return mapping["UUID"]


# [/setup]


# [suite]
@pytest.fixture
def aws(monkeypatch):
    """What many suites have in their conftest.py."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.fixture
def orders_queue(aws):
    return boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]


def test_as_it_was(orders_queue):
    assert orders_queue.endswith("/orders")


def test_as_it_was_with_one_fixture_more(orders_queue, lambda_esm):
    orders = lambda_esm.function("orders", handler)
    subscribe(boto3.client("lambda"), "arn:aws:sqs:eu-central-1:123456789012:orders")

    boto3.client("sqs").send_message(QueueUrl=orders_queue, MessageBody="lamp")
    lambda_esm.clock.run_until_idle()

    assert BOOKED == ["lamp"]
    assert len(orders.invocations) == 1


# [/suite]


# [moto before]
@mock_aws
def test_the_handler_gets_what_the_test_received():
    sqs = boto3.client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="lamp")

    messages = sqs.receive_message(QueueUrl=url)["Messages"]
    handler({"Records": [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]}, None)

    assert BOOKED == ["lamp"]


# [/moto before]


# [moto after]
@pytest.mark.lambda_esm(advice_ignore=["ESM108"])
def test_the_handler_gets_what_lambda_sends(lambda_esm):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    orders = lambda_esm.function("orders", handler)
    subscribe(boto3.client("lambda"), "arn:aws:sqs:us-east-1:123456789012:orders")

    sqs.send_message(QueueUrl=url, MessageBody="lamp")
    sqs.send_message(QueueUrl=url, MessageBody="broken")
    lambda_esm.clock.advance(seconds=45)

    # Both are in one batch. It fails, so both come again after 30 seconds, and the lamp is booked twice.
    assert [invocation.bodies for invocation in orders.invocations] == [["lamp", "broken"]] * 2
    assert BOOKED == ["lamp", "lamp"]


# [/moto after]


# [stubs before]
def test_the_code_calls_what_the_test_expects(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    aws_lambda = boto3.client("lambda", region_name="us-east-1")
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    created = {"UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2", "State": "Creating"}
    with Stubber(aws_lambda) as stubber:
        stubber.add_response("create_event_source_mapping", created, {"EventSourceArn": arn, "FunctionName": "orders"})
        stubber.add_response("get_event_source_mapping", {**created, "State": "Enabled"}, {"UUID": created["UUID"]})
        assert subscribe(aws_lambda, arn) == created["UUID"]


# [/stubs before]


# [stubs after]
@pytest.mark.lambda_esm(transitions={"creating": 12})
def test_the_mapping_exists_and_works(lambda_esm):
    aws_lambda = boto3.client("lambda")
    boto3.client("sqs").create_queue(QueueName="orders")
    lambda_esm.function("orders", handler)

    uuid = subscribe(aws_lambda, "arn:aws:sqs:us-east-1:123456789012:orders")

    assert lambda_esm.mapping(uuid).state == "Enabled"
    assert lambda_esm.clock.slept == [5, 5, 5]


def test_a_second_subscription_is_refused(lambda_esm):
    """What no stub tells you: the queue has a mapping to this function already."""
    aws_lambda = boto3.client("lambda")
    boto3.client("sqs").create_queue(QueueName="orders")
    lambda_esm.function("orders", handler)
    subscribe(aws_lambda, "arn:aws:sqs:us-east-1:123456789012:orders")

    with pytest.raises(aws_lambda.exceptions.ResourceConflictException):
        subscribe(aws_lambda, "arn:aws:sqs:us-east-1:123456789012:orders")


# [/stubs after]


# [localstack]
def client(service):
    """Code under test: a client of AWS, or of the endpoint that the environment names."""
    return boto3.client(service, endpoint_url=os.environ.get("ORDERS_ENDPOINT"))


def wait_until(condition, seconds=60):
    """A helper of the suite: emulators need real time to deliver a message."""
    for _ in range(seconds):
        if condition():
            return
        time.sleep(1)
    raise AssertionError(f"not within {seconds} seconds")


@pytest.mark.lambda_esm(region="eu-west-1")
def test_an_order_is_booked(lambda_esm, monkeypatch):
    monkeypatch.delenv("ORDERS_ENDPOINT", raising=False)
    url = client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    lambda_esm.function("orders", handler)
    subscribe(client("lambda"), "arn:aws:sqs:eu-west-1:123456789012:orders")

    client("sqs").send_message(QueueUrl=url, MessageBody="lamp", DelaySeconds=40)
    wait_until(lambda: BOOKED == ["lamp"])  # 40 virtual seconds, and a few real milliseconds


# [/localstack]
