"""The examples of the page "Test what happens when the answer is lost"."""

# [setup]
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from pytest_lambda_esm import latency, lost_response

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


@pytest.fixture(autouse=True)
def orders(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="orders")
    return lambda_esm.function("orders", lambda event, context: None)


def subscribe(aws_lambda):
    return aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE_ARN, FunctionName="orders")["UUID"]


# [/setup]


# [conflict]
def test_the_retry_meets_what_the_first_try_made(lambda_esm):
    lambda_esm.faults.add("CreateEventSourceMapping", lost_response())
    aws_lambda = boto3.client("lambda")

    with pytest.raises(aws_lambda.exceptions.ResourceConflictException):
        subscribe(aws_lambda)

    assert [call.status for call in lambda_esm.calls.of("CreateEventSourceMapping")] == [202, 409]
    assert len(lambda_esm.mappings) == 1  # it exists, but our code believes that the call failed


# [/conflict]


# [code under test]
def ensure_subscribed(aws_lambda):
    """Create the mapping, or use the one that exists already."""
    try:
        return subscribe(aws_lambda)
    except aws_lambda.exceptions.ResourceConflictException:
        found = aws_lambda.list_event_source_mappings(EventSourceArn=QUEUE_ARN, FunctionName="orders")
        return found["EventSourceMappings"][0]["UUID"]


@pytest.mark.lambda_esm_fault("CreateEventSourceMapping", lost_response())
def test_code_that_asks_what_there_is_does_not_mind(lambda_esm):
    uuid = ensure_subscribed(boto3.client("lambda"))

    assert [mapping.uuid for mapping in lambda_esm.mappings] == [uuid]


# [/code under test]


# [gave up]
def test_nobody_knows_whether_it_was_done(lambda_esm):
    lambda_esm.faults.add("CreateEventSourceMapping", lost_response())
    started = lambda_esm.clock.now
    impatient = boto3.client("lambda", config=Config(read_timeout=10, retries={"total_max_attempts": 1}))

    with pytest.raises(ReadTimeoutError):
        subscribe(impatient)

    assert len(lambda_esm.mappings) == 1
    assert (lambda_esm.clock.now - started).total_seconds() == 10


# [/gave up]


# [twice]
def test_a_message_is_sent_twice(lambda_esm):
    lambda_esm.faults.add("sqs.SendMessage", lost_response())
    sqs = boto3.client("sqs")

    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="an order")

    assert [fate.fate for fate in lambda_esm.fates(QUEUE_ARN)] == ["waiting", "waiting"]


# [/twice]


# [latency]
@pytest.mark.parametrize(("seconds", "in_time"), [(9, True), (11, False)])
def test_a_late_answer(lambda_esm, seconds, in_time):
    lambda_esm.faults.add("CreateEventSourceMapping", latency(seconds))
    impatient = boto3.client("lambda", config=Config(read_timeout=10, retries={"total_max_attempts": 1}))

    if in_time:
        subscribe(impatient)
    else:
        with pytest.raises(ReadTimeoutError):
            subscribe(impatient)


# [/latency]
