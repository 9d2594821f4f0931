"""Three pitfalls of the API in production: transitions, orphans, and botocore's own retries."""

from __future__ import annotations

import time

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from pytest_lambda_esm import FakeLambda, lost_response, read_timeout

REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"
VERSION = tuple(int(part) for part in botocore.__version__.split(".")[:2])


@pytest.fixture
def fake():
    with FakeLambda(region=REGION, advice="off") as fake:
        fake.client("sqs").create_queue(QueueName="orders")
        fake.function("orders", lambda event, context: None)
        yield fake


def subscribe(aws_lambda, **params):
    return aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders", **params)["UUID"]


# --- calls during a transition are refused, and botocore does not retry them ------------------------------------


@pytest.mark.parametrize("second", ["update", "delete"])
def test_what_comes_too_early_is_refused_once_and_succeeds_later(fake, second):
    aws_lambda = fake.client("lambda")
    uuid = subscribe(aws_lambda)
    follow = {
        "update": lambda: aws_lambda.update_event_source_mapping(UUID=uuid, BatchSize=5),
        "delete": lambda: aws_lambda.delete_event_source_mapping(UUID=uuid),
    }[second]
    operation = f"{second.capitalize()}EventSourceMapping"

    with pytest.raises(aws_lambda.exceptions.ResourceInUseException) as caught:
        follow()

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert len(fake.calls.of(operation)) == 1
    fake.clock.run_until_idle()
    follow()


def test_an_update_during_an_update_is_refused(fake):
    aws_lambda = fake.client("lambda")
    uuid = subscribe(aws_lambda)
    fake.clock.run_until_idle()
    aws_lambda.update_event_source_mapping(UUID=uuid, BatchSize=5)

    with pytest.raises(aws_lambda.exceptions.ResourceInUseException):
        aws_lambda.update_event_source_mapping(UUID=uuid, BatchSize=6)

    fake.clock.run_until_idle()
    assert aws_lambda.get_event_source_mapping(UUID=uuid)["BatchSize"] == 5


def test_botocore_has_no_waiter_for_it(fake):
    assert not any("event_source" in name for name in fake.client("lambda").waiter_names)


# --- mappings outlive their function and collide at the next deployment ------------------------------------------


def test_a_second_mapping_is_a_conflict_that_names_the_first(fake):
    aws_lambda = fake.client("lambda")
    uuid = subscribe(aws_lambda)

    with pytest.raises(aws_lambda.exceptions.ResourceConflictException, match=uuid) as caught:
        subscribe(aws_lambda)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_the_mapping_of_a_deleted_function_stays_and_collides_with_its_successor(fake):
    aws_lambda = fake.client("lambda")
    uuid = subscribe(aws_lambda)
    fake.clock.run_until_idle()

    aws_lambda.delete_function(FunctionName="orders")
    fake.function("orders", lambda event, context: None)

    with pytest.raises(aws_lambda.exceptions.ResourceConflictException, match=uuid):
        subscribe(aws_lambda)
    assert [each["UUID"] for each in aws_lambda.list_event_source_mappings()["EventSourceMappings"]] == [uuid]


# --- botocore's own retries hide or multiply errors --------------------------------------------------------------


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException"])
def test_one_error_is_hidden_by_a_client_with_defaults(fake, code):
    fake.faults.add("CreateEventSourceMapping", code)

    subscribe(boto3.client("lambda"))

    assert [call.error for call in fake.calls] == [code, None]


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException"])
def test_how_often_a_client_with_defaults_tries_depends_on_its_date(fake, code):
    fault = fake.faults.add("CreateEventSourceMapping", code, per="call")

    with pytest.raises(ClientError):
        subscribe(boto3.client("lambda"))

    assert fault.hits == (3 if VERSION >= (1, 44) else 5)


@pytest.mark.parametrize("retries", [{"max_attempts": 0}, {"total_max_attempts": 1}], ids=str)
def test_a_client_that_does_not_retry_sees_it(fake, retries):
    fake.faults.add("CreateEventSourceMapping", "TooManyRequestsException")

    with pytest.raises(ClientError, match="TooManyRequestsException"):
        subscribe(boto3.client("lambda", config=Config(retries=retries)))


def test_a_call_that_timed_out_is_made_again(fake):
    fault = fake.faults.add("Invoke", read_timeout(), times=None)
    aws_lambda = boto3.client("lambda", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))

    with pytest.raises(ReadTimeoutError):
        aws_lambda.invoke(FunctionName="orders")

    assert [call.attempt for call in fault.calls] == [1, 2, 3]
    assert fake.clock.now.minute == 3


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_a_synchronous_invocation_that_timed_out_runs_the_function_again(fake, mode):
    """The function takes longer than the client waits: each attempt is a separate invocation that runs to its end."""
    slow = fake.function("slow", lambda event, context: time.sleep(20), timeout=30)
    aws_lambda = boto3.client("lambda", config=Config(read_timeout=10, retries={"mode": mode, "total_max_attempts": 3}))

    with pytest.raises(ReadTimeoutError):
        aws_lambda.invoke(FunctionName="slow")
    fake.clock.run_until_idle()

    assert [(run.outcome, run.duration.total_seconds()) for run in slow.invocations] == [("success", 20)] * 3
    assert [call.attempt for call in fake.calls.of("Invoke")] == [1, 2, 3]
    assert len({run.request_id for run in slow.invocations}) == 3


def test_a_lost_answer_of_a_synchronous_invocation_runs_the_function_twice(fake):
    orders = fake.function("orders")
    fake.faults.add("Invoke", lost_response())

    answer = fake.client("lambda").invoke(FunctionName="orders")

    assert answer["StatusCode"] == 200
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert len(orders.invocations) == 2


def test_a_client_that_waits_long_enough_runs_the_function_once(fake):
    slow = fake.function("slow", lambda event, context: time.sleep(20), timeout=30)

    boto3.client("lambda", config=Config(read_timeout=21)).invoke(FunctionName="slow")

    assert len(slow.invocations) == 1


@pytest.mark.parametrize("retries", [{"total_max_attempts": 1}, {"total_max_attempts": 10}], ids=str)
def test_a_clients_retries_are_not_those_of_the_service(fake, retries):
    """The function's configuration, not the client's, decides how often an asynchronous event is tried."""
    failing = fake.function("failing", lambda event, context: 1 / 0)
    aws_lambda = boto3.client("lambda", config=Config(retries=retries))

    aws_lambda.invoke(FunctionName="failing", InvocationType="Event")
    fake.clock.run_until_idle()
    assert [run.attempt for run in failing.invocations] == [1, 2, 3]

    aws_lambda.put_function_event_invoke_config(FunctionName="failing", MaximumRetryAttempts=0)
    aws_lambda.invoke(FunctionName="failing", InvocationType="Event")
    fake.clock.run_until_idle()
    assert [run.attempt for run in failing.invocations] == [1, 2, 3, 1]
