"""The recipes of the page on queues. Each is a test, and the project runs them."""

# [setup]
import json
import time
from datetime import timedelta

import boto3
import pytest


def make_queue(name, **attributes):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def subscribe(queue_arn, **settings):
    """The code under test: create a mapping, and wait until it is enabled."""
    aws_lambda = boto3.client("lambda")
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders", **settings)
    while mapping["State"] != "Enabled":
        time.sleep(5)
        mapping = aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return mapping["UUID"]


def send(url, *bodies, **params):
    sqs = boto3.client("sqs")
    return [sqs.send_message(QueueUrl=url, MessageBody=body, **params)["MessageId"] for body in bodies]


def bodies(invocation):
    return [record["body"] for record in invocation.event["Records"]]


# [/setup]


# [partial]
def test_only_the_bad_order_comes_back(lambda_esm):
    url, queue_arn = make_queue("orders", VisibilityTimeout="30")

    def handler(event, context):
        bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in bad]}

    orders = lambda_esm.function("orders", handler)
    send(url, "good", "bad", "fine")
    uuid = subscribe(queue_arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    lambda_esm.clock.advance(seconds=30)

    assert [bodies(invocation) for invocation in orders.invocations] == [["good", "bad", "fine"], ["bad"]]
    assert lambda_esm.mapping(uuid).metrics["DeletedEventCount"] == 2


# [/partial]


# [fifo]
def test_a_poison_order_holds_up_its_customer_and_nobody_else(lambda_esm):
    _, dead_arn = make_queue("dead.fifo", FifoQueue="true")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url, queue_arn = make_queue(
        "orders.fifo",
        FifoQueue="true",
        ContentBasedDeduplication="true",
        VisibilityTimeout="30",
        RedrivePolicy=redrive,
    )

    def handler(event, context):
        if "poison" in bodies_of(event):
            raise ValueError("poison")

    def bodies_of(event):
        return [record["body"] for record in event["Records"]]

    orders = lambda_esm.function("orders", handler)
    uuid = subscribe(queue_arn, BatchSize=1)
    start = lambda_esm.clock.now
    [poison, _] = send(url, "poison", "Ann's second order", MessageGroupId="Ann")
    send(url, "Bob's order", MessageGroupId="Bob")

    lambda_esm.clock.advance(seconds=1)
    assert f"the group 'Ann' is blocked by message {poison}" in lambda_esm.explain(uuid)

    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations if invocation.outcome == "success"] == [
        ["Bob's order"],
        ["Ann's second order"],
    ]
    assert orders.invocations[-1].started - start == timedelta(seconds=90)


# [/fifo]


# [filters]
@pytest.mark.lambda_esm(advice_ignore="ESM111")
def test_what_no_filter_lets_pass_is_deleted_and_says_why(lambda_esm):
    url, queue_arn = make_queue("orders")
    orders = lambda_esm.function("orders", lambda event, context: None)
    pattern = json.dumps({"body": {"total": [{"numeric": [">=", 100]}]}})
    uuid = subscribe(queue_arn, FilterCriteria={"Filters": [{"Pattern": pattern}]})

    small, large, text = send(url, '{"total": 20}', '{"total": 200}', "no JSON at all")
    lambda_esm.clock.run_until_idle()

    assert [bodies(invocation) for invocation in orders.invocations] == [['{"total": 200}']]
    fates = {fate.record: fate for fate in lambda_esm.fates(queue_arn)}
    assert fates[large].fate == "deleted"
    assert fates[small].fate == fates[text].fate == "filtered out"
    assert "body.total is 20" in fates[small].detail
    assert lambda_esm.mapping(uuid).metrics["FilteredOutEventCount"] == 2


# [/filters]


# [window]
def test_orders_are_gathered_for_a_minute(lambda_esm):
    url, queue_arn = make_queue("orders", VisibilityTimeout="120")
    orders = lambda_esm.function("orders", lambda event, context: None)
    subscribe(queue_arn, BatchSize=1000, MaximumBatchingWindowInSeconds=60)

    send(url, "first")
    received = lambda_esm.clock.now
    lambda_esm.clock.advance(seconds=59)
    send(url, "second")
    lambda_esm.clock.run_until_idle()

    [invocation] = orders.invocations
    assert bodies(invocation) == ["first", "second"]
    assert invocation.started - received == timedelta(seconds=60)


# [/window]


# [slow]
@pytest.mark.lambda_esm(advice="off")
def test_a_function_that_outlasts_the_visibility_timeout_gets_the_order_twice(lambda_esm):
    url, queue_arn = make_queue("orders", VisibilityTimeout="30")
    orders = lambda_esm.function("orders", lambda event, context: None, timeout=30, duration=15)
    subscribe(queue_arn)
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})

    [message_id] = send(url, "an order")
    lambda_esm.clock.advance(seconds=16)

    first, second = orders.invocations
    assert second.started - first.started == timedelta(seconds=10)
    assert first.finished > second.started
    [fate] = lambda_esm.fates(queue_arn)
    assert (fate.record, fate.fate) == (message_id, "in flight")


# [/slow]
