"""The recipes of the page on failing tests that follow a record, and look at calls. The project runs them."""

# [setup]
import boto3
import pytest


def make_queue(name):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


@pytest.fixture
def shop(lambda_esm):
    """Orders are booked by a function, which sends an invoice for each of them."""
    orders, orders_arn = make_queue("orders")
    invoices, _ = make_queue("invoices")

    def book(event, context):
        for record in event["Records"]:
            boto3.client("sqs").send_message(QueueUrl=invoices, MessageBody=f"invoice for {record['body']}")

    lambda_esm.function("book", book)
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=orders_arn, FunctionName="book")
    return orders


# [/setup]


# [journey]
def test_an_order_becomes_an_invoice(lambda_esm, shop):
    order = boto3.client("sqs").send_message(QueueUrl=shop, MessageBody="order 1")
    lambda_esm.clock.run_until_idle()

    journey = lambda_esm.journey(order)  # Also by the message's id, a record of an event, an invocation, a fate.
    print(journey)

    assert [step.kind for step in journey] == ["sent", "poll", "invocation", "caused", "result", "fate"]
    assert [invocation.function for invocation in journey.invocations] == ["book"]
    [invoice] = journey.causes  # The journeys of what its handlers sent, and of failure records about it.
    assert invoice[0].where.endswith(":invoices")
    assert invoice.fates[0].fate == "waiting"
    assert invoice.caused_by == [journey]


# [/journey]


# [calls]
def test_an_order_is_invoiced_once(lambda_esm, shop):
    boto3.client("sqs").send_message(QueueUrl=shop, MessageBody="order 1")
    lambda_esm.clock.run_until_idle()

    lambda_esm.calls.assert_called("sqs.SendMessage", times=1, MessageBody="invoice for order 1")
    assert [call.params["MessageBody"] for call in lambda_esm.calls.of("sqs.SendMessage")][-1] == "invoice for order 1"
    assert [call.name for call in lambda_esm.calls] == ["CreateEventSourceMapping"]  # Those to Lambda alone.
    assert "sqs.CreateQueue" in [call.name for call in lambda_esm.calls.all]


# [/calls]


# [expected errors]
def refuse(event, context):
    raise ValueError("there is no such article")


@pytest.mark.lambda_esm(handler_errors="fail")
def test_bad_orders_are_tried_three_times(lambda_esm):
    queue = lambda_esm.queue("bad-orders", redrive=lambda_esm.queue("failed"), max_receives=3)
    orders = lambda_esm.function("refuse", refuse)
    orders.expects(ValueError, times=3)
    lambda_esm.connect(queue, orders)

    queue.send("a bad order")
    lambda_esm.run_until_idle()


# [/expected errors]
