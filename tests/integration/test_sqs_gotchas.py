"""Pitfalls of SQS mappings in production, each as a user would reproduce it."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.queues import (
    accept,
    arn_of,
    bodies,
    counts,
    make_queue,
    receive_counts,
    refuse,
    report,
    send,
    since,
    subscribe,
)

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def test_the_visibility_timeout_is_compared_with_the_functions_only_at_create_and_update(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("too-slow", accept, timeout=60)
    aws_lambda, sqs = boto3.client("lambda"), boto3.client("sqs")
    with pytest.raises(ClientError) as refused:
        aws_lambda.create_event_source_mapping(EventSourceArn=arn_of(url), FunctionName="too-slow")
    text = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    assert text in refused.value.response["Error"]["Message"]

    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    orders = lambda_esm.function("orders", accept, timeout=30, duration=15)
    subscribe(lambda_esm, url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})  # There is no error.
    [message_id] = send(url, "an order")
    lambda_esm.clock.advance(seconds=16)
    first, second = orders.invocations
    assert [invocation.event["Records"][0]["messageId"] for invocation in (first, second)] == [message_id] * 2
    assert receive_counts(second) == ["2"]
    assert second.started < first.finished
    assert counts(url) == (0, 1, 0)  # The first run succeeded, and its receipt was stale.


def test_one_wrong_identifier_fails_the_whole_batch(lambda_esm):
    url = make_queue(VisibilityTimeout=30)

    def handler(event, context):
        first = event["Records"][0]["messageId"]
        return {"batchItemFailures": [{"itemIdentifier": first}, {"itemIdentifier": "not in this batch"}]}

    lambda_esm.function("orders", handler)
    send(url, "a", "b", "c")
    subscribe(lambda_esm, url, FunctionResponseTypes=["ReportBatchItemFailures"])
    lambda_esm.clock.advance()
    assert counts(url) == (0, 3, 0)
    lambda_esm.clock.advance(seconds=30)
    assert [receive_counts(invocation) for invocation in lambda_esm.invocations] == [["1"] * 3, ["2"] * 3]


@pytest.mark.parametrize(("types", "left"), [([], 0), (["ReportBatchItemFailures"], 1)], ids=["unset", "set"])
def test_failures_reported_without_the_response_type_are_deleted(lambda_esm, types, left):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=2, VisibilityTimeout=30)
    lambda_esm.function("orders", report("bad"))
    send(url, "good", "bad")
    subscribe(lambda_esm, url, FunctionResponseTypes=types)
    lambda_esm.clock.run_until_idle()
    assert counts(url) == (0, 0, 0)
    assert counts(dead) == (left, 0, 0)
    assert {invocation.outcome for invocation in lambda_esm.invocations} == {"success"}


@pytest.mark.parametrize("answer", [None, {}, "", [], {"batchItemFailures": None}], ids=repr)
def test_a_handler_that_swallows_its_errors_loses_messages(lambda_esm, answer):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1)

    def handler(event, context):
        try:
            refuse(event, context)
        except ValueError:
            return answer

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url, FunctionResponseTypes=["ReportBatchItemFailures"])
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert counts(url) == counts(dead) == (0, 0, 0)


def test_an_exception_wipes_out_what_was_done_before_it(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=2, VisibilityTimeout=30)
    done = []

    def handler(event, context):
        for record in event["Records"]:
            if record["body"] == "9":
                raise ValueError("the tenth")
            done.append(record["body"])

    lambda_esm.function("orders", handler)
    send(url, *"0123456789")
    subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    assert done == list("012345678") * 2
    assert counts(dead) == (10, 0, 0)


@pytest.mark.parametrize(
    ("reported", "order"), [(["m2"], ["m1", "m3", "m2"]), (["m2", "m3"], ["m1", "m2", "m3"])], ids=["gap", "rest"]
)
def test_a_fifo_function_must_stop_at_the_first_failure(lambda_esm, reported, order):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    done = []

    def handler(event, context):
        failing = reported if not done else []
        done.extend(record["body"] for record in event["Records"] if record["body"] not in failing)
        return report(*failing)(event, context)

    lambda_esm.function("orders", handler)
    send(url, "m1", "m2", "m3", group="A")
    subscribe(lambda_esm, url, FunctionResponseTypes=["ReportBatchItemFailures"])
    lambda_esm.clock.run_until_idle()
    assert done == order


def test_a_failing_fifo_message_blocks_its_group_until_it_is_redriven(lambda_esm):
    dead = make_queue("dead.fifo")
    url = make_queue("orders.fifo", dead_letter=dead, after=3, VisibilityTimeout=30)
    done = []

    def handler(event, context):
        for record in event["Records"]:
            if record["body"] == "poison":
                raise ValueError("poison")
            done.append((record["body"], (lambda_esm.clock.now - start).total_seconds()))

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url, BatchSize=1)
    start = lambda_esm.clock.now
    send(url, "poison", "A2", group="A")
    send(url, "B1", group="B")
    lambda_esm.clock.run_until_idle()
    assert done == [("B1", 0), ("A2", 90)]
    assert counts(dead) == (1, 0, 0)


def test_without_a_dead_letter_queue_the_group_stands_until_the_retention_period_ends(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30, MessageRetentionPeriod=300)
    done = []

    def handler(event, context):
        if event["Records"][0]["body"] == "poison":
            raise ValueError("poison")
        done.append((lambda_esm.clock.now - start).total_seconds())

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url, BatchSize=1)
    start = lambda_esm.clock.now
    send(url, "poison", group="A")
    lambda_esm.clock.advance(seconds=200)
    send(url, "A2", group="A")
    lambda_esm.clock.run_until_idle()
    assert done == [300]
    assert len(lambda_esm.invocations) == 11


@pytest.mark.parametrize(
    ("pattern", "body", "delivered"),
    [
        ({"body": {"kind": ["order"]}}, "plain text", False),
        ({"body": ["order"]}, '{"kind": "order"}', False),
        ({"body": {"price": [300]}}, '{"price": 300.0}', True),
        ({"body": {"price": [300]}}, '{"price": "300"}', False),
    ],
    ids=["plain text, JSON pattern", "JSON, plain pattern", "300.0 is 300", "a text is no number"],
)
def test_what_does_not_match_is_deleted_for_good(lambda_esm, pattern, body, delivered):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1)
    lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    send(url, body)
    lambda_esm.clock.run_until_idle()
    assert len(lambda_esm.invocations) == delivered
    assert mapping.metrics["FilteredOutEventCount"] == (not delivered)
    assert counts(url) == counts(dead) == (0, 0, 0)


@pytest.mark.parametrize(
    "waits", [1, pytest.param(20, marks=pytest.mark.lambda_esm(low_traffic_wait=20))], ids=["window", "low traffic"]
)
def test_large_batches_need_a_window_and_a_quiet_queue_may_wait_longer_than_that(lambda_esm, waits):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    with pytest.raises(ClientError, match="must be greater than 0 if maximum batch size is greater than 10"):
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn=arn_of(url), FunctionName="orders", BatchSize=100
        )
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=1)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [waits]
    assert [bodies(invocation) for invocation in orders.invocations] == [["a"]]
