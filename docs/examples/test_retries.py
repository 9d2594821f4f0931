"""The examples of the page "Test your retries"."""

# [setup]
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from pytest_lambda_esm import aws_error, connection_reset

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


@pytest.fixture
def orders(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="orders")
    return lambda_esm.function("orders", lambda event, context: None)


# [/setup]


# [code under test]
def subscribe(aws_lambda):
    """Create a mapping; retry later if AWS is busy, and give up if it refuses."""
    for pause in (1, 5, 25):
        try:
            return aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE_ARN, FunctionName="orders")["UUID"]
        except aws_lambda.exceptions.TooManyRequestsException:
            time.sleep(pause)
    raise TimeoutError("AWS is too busy")


# [/code under test]


# [add]
def test_comes_back_when_aws_is_busy(lambda_esm, orders):
    busy = lambda_esm.faults.add("CreateEventSourceMapping", "TooManyRequestsException", times=2)
    impatient = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))

    subscribe(impatient)

    assert busy.hits == 2
    assert lambda_esm.clock.slept == [1, 5]


# [/add]


# [botocore]
def test_what_botocore_does_by_itself(lambda_esm, orders):
    lambda_esm.faults.add("CreateEventSourceMapping", "TooManyRequestsException", times=2)
    patient = boto3.client("lambda", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))

    subscribe(patient)

    calls = lambda_esm.calls.of("CreateEventSourceMapping")
    assert [call.status for call in calls] == [429, 429, 202]
    assert len({call.logical_id for call in calls}) == 1  # our code has seen one call, and no error
    assert len(lambda_esm.clock.slept) == 2  # botocore's backoff, in virtual time


# [/botocore]


# [per call]
@pytest.mark.lambda_esm_fault("CreateEventSourceMapping", "TooManyRequestsException", per="call")
def test_comes_back_when_botocore_has_given_up(lambda_esm, orders):
    subscribe(boto3.client("lambda"))

    calls = lambda_esm.calls.of("CreateEventSourceMapping")
    assert len({call.logical_id for call in calls}) == 2
    assert calls[-1].status == 202


# [/per call]


# [sequence]
def test_one_error_after_the_other(lambda_esm, orders):
    lambda_esm.faults.sequence(
        "CreateEventSourceMapping",
        aws_error("TooManyRequestsException", Reason="CallerRateLimitExceeded", retryAfterSeconds="2"),
        connection_reset(),
        "AccessDeniedException",
    )
    patient = boto3.client("lambda", config=Config(retries={"total_max_attempts": 3}))

    with pytest.raises(ClientError, match="is not authorized to perform: lambda:CreateEventSourceMapping"):
        subscribe(patient)


# [/sequence]


# [match]
def test_only_some_calls(lambda_esm, orders):
    sqs = boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    lambda_esm.faults.add("sqs.SendMessage", "RequestThrottled", match={"MessageBody": "a big order"})

    sqs.send_message(QueueUrl=url, MessageBody="a small order")
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=url, MessageBody="a big order")


# [/match]


# [poller]
def test_a_batch_that_is_not_deleted_comes_again(lambda_esm, orders):
    subscribe(boto3.client("lambda"))
    lambda_esm.clock.run_until_idle()
    lambda_esm.faults.add("poller.Delete", "lost")

    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="an order")
    lambda_esm.clock.run_until_idle()

    first, second = orders.invocations
    assert first.outcome == second.outcome == "success"
    assert first.event["Records"][0]["messageId"] == second.event["Records"][0]["messageId"]


# [/poller]


# [weather]
@pytest.mark.lambda_esm(weather={"duplicates": 0.2, "reordering": 0.2}, seed=7)
def test_every_order_is_shipped_once_in_any_weather(lambda_esm):
    shipped = set()

    def ship(event, context):
        for record in event["Records"]:
            shipped.add(record["body"])  # a set, so that a second delivery does no harm

    boto3.client("sqs").create_queue(QueueName="orders")
    orders = lambda_esm.function("orders", ship)
    subscribe(boto3.client("lambda"))
    lambda_esm.clock.run_until_idle()

    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    for number in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=f"order {number}")
        lambda_esm.clock.advance(1)
    lambda_esm.clock.run_until_idle()

    assert len(shipped) == 20
    assert len(orders.invocations) > 20


# [/weather]
