"""A queue, a function and a mapping between them: copy this file, and start from it."""

import json
import time

import boto3


# [function]
def handler(event, context):
    """Code under test: a Lambda function that takes orders, and reports those that it cannot read."""
    failures = []
    for record in event["Records"]:
        try:
            json.loads(record["body"])["article"]
        except (ValueError, KeyError):
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def test_a_broken_order_is_tried_three_times_and_set_aside(lambda_esm):
    failed = lambda_esm.queue("orders-failed")
    queue = lambda_esm.queue("orders", redrive=failed, max_receives=3)
    orders = lambda_esm.function("orders", handler)
    lambda_esm.connect(queue, orders, FunctionResponseTypes=["ReportBatchItemFailures"])

    queue.send({"article": "lamp"})
    queue.send("broken")
    lambda_esm.run_until_idle()  # a minute and a half of virtual time

    first, second, third = orders.invocations
    assert first.bodies == [{"article": "lamp"}, "broken"]
    assert second.bodies == third.bodies == ["broken"]
    assert [message.body for message in failed.messages] == ["broken"]


# [/function]


# [deployment]
def subscribe(queue_arn, function_name):
    """Code under test: connect a queue with a function, and wait until the mapping works."""
    aws_lambda = boto3.client("lambda")
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=function_name)
    while mapping["State"] != "Enabled":
        time.sleep(5)
        mapping = aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return mapping["UUID"]


def test_subscribing_survives_a_throttle_and_waits(lambda_esm):
    queue = lambda_esm.queue("orders")
    lambda_esm.function("orders", handler)
    lambda_esm.transitions(creating=30)
    lambda_esm.faults.add("CreateEventSourceMapping", "TooManyRequestsException")

    uuid = subscribe(queue.arn, "orders")

    assert [step.state for step in lambda_esm.mapping(uuid).history] == ["Creating", "Enabled"]
    assert lambda_esm.clock.slept[-6:] == [5] * 6


# [/deployment]
