"""Explanations of messages that are not delivered, one for each possible reason."""

import json

import boto3
import pytest

from helpers.queues import accept, arn_of, counts, make_queue, refuse, send, subscribe
from pytest_lambda_esm import ClockLimitExceeded

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def test_all_of_the_concurrency_is_in_use(lambda_esm):
    url = make_queue(VisibilityTimeout=600)
    orders = lambda_esm.function("orders", accept, timeout=100, duration=60)
    mapping = subscribe(lambda_esm, url, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(url, *"abcd")
    lambda_esm.clock.advance(seconds=1)
    text = lambda_esm.explain(mapping)
    assert "all of the mapping's concurrency (2 batches) is in use" in text
    assert "messages are visible, and wait until a batch in flight ends" in text
    lambda_esm.clock.advance(seconds=30)
    assert len(orders.invocations) == 2


def test_the_function_is_gone(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url)
    boto3.client("lambda").delete_function(FunctionName="orders")
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    assert f"the function {orders.arn} does not exist (any more)" in lambda_esm.explain(mapping)
    assert mapping.metrics["InvokedEventCount"] == 0
    assert mapping.metrics["FailedInvokeEventCount"] == 1


def test_the_last_batch_failed_and_the_message_comes_again(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url)
    [message] = send(url, "a")
    lambda_esm.clock.advance(seconds=31)
    text = lambda_esm.explain(mapping)
    assert "the last batch failed at" in text
    assert "ValueError: refused" in text
    assert f"message {message}, for the 3rd time" in text


def test_the_dead_letter_queue_is_gone(lambda_esm):
    dead = make_queue("dead")
    policy = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 2})
    url = make_queue("orders", VisibilityTimeout=30, RedrivePolicy=policy)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url)
    missing = f"the dead-letter queue {arn_of(dead)} does not exist or does not allow this queue"
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    assert missing not in lambda_esm.explain(mapping)
    boto3.client("sqs").delete_queue(QueueUrl=dead)
    lambda_esm.clock.advance(seconds=120)
    assert missing in lambda_esm.explain(mapping)


def test_a_disabled_mapping_has_a_batch_in_flight(lambda_esm):
    url = make_queue(VisibilityTimeout=600)
    lambda_esm.function("orders", accept, timeout=100, duration=60)
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
    lambda_esm.clock.advance(seconds=30)
    text = lambda_esm.explain(mapping)
    assert "it does not poll in the state Disabled" in text
    assert "a batch of 1 is in flight" in text
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=True)
    lambda_esm.clock.advance(seconds=10)
    assert mapping.state == "Enabled"
    assert "a batch of 1 is in flight" in lambda_esm.explain(mapping)
    lambda_esm.clock.advance(seconds=60)
    assert "in flight" not in lambda_esm.explain(mapping)


def test_a_clock_that_never_becomes_idle_names_the_message_and_the_attempt(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url)
    [message] = send(url, "a")
    with pytest.raises(
        ClockLimitExceeded, match=rf"mapping {mapping.uuid}: receive message {message}, for the 12\w+ time"
    ):
        lambda_esm.clock.run_until_idle()


def test_messages_in_flight_past_their_retention_count_as_hidden_until_they_are_visible(lambda_esm):
    url = make_queue(VisibilityTimeout=100, MessageRetentionPeriod=60)
    sqs = boto3.client("sqs")
    send(url, "a")
    lambda_esm.clock.advance(seconds=50)
    sqs.receive_message(QueueUrl=url)
    lambda_esm.clock.advance(seconds=20)
    assert [fate.fate for fate in lambda_esm.fates(arn_of(url))] == ["in flight"]
    assert counts(url) == (0, 1, 0)
    lambda_esm.clock.advance(seconds=90)
    assert [fate.fate for fate in lambda_esm.fates(arn_of(url))] == ["expired"]
    assert counts(url) == (0, 0, 0)
