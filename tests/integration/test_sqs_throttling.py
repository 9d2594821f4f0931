"""Pitfalls in production of SQS mappings with too little concurrency, each as a user would reproduce it."""

import boto3
import pytest

from helpers.queues import accept, counts, make_queue, receive_counts, send, send_many, since, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def reserve(function, concurrency):
    boto3.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=concurrency)


def keep_busy(lambda_esm, seconds):
    """Let another queue's message use the function for a while; return the function."""
    orders = lambda_esm.function("orders")
    orders.takes(seconds)
    url = make_queue("other", VisibilityTimeout=900)
    subscribe(lambda_esm, url)
    send(url, "keeps the function busy")
    lambda_esm.clock.advance()
    orders.takes(0)
    return orders


@pytest.mark.parametrize(
    ("visibility", "received"), [(30, ["2"]), (200, ["1"])], ids=["as the function's timeout", "6 times and the window"]
)
def test_a_short_visibility_timeout_spends_receives_on_throttles(lambda_esm, visibility, received):
    url = make_queue("orders", VisibilityTimeout=visibility)
    lambda_esm.function("orders", accept, timeout=30)
    reserve("orders", 1)
    mapping = subscribe(lambda_esm, url, MaximumBatchingWindowInSeconds=20)
    orders = keep_busy(lambda_esm, 29)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert receive_counts(orders.invocations[-1]) == received
    assert mapping.metrics["InvokedEventCount"] == 1


def test_low_reserved_concurrency_sends_messages_to_the_dead_letter_queue_unprocessed(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=3, VisibilityTimeout=30)
    seen = []
    orders = lambda_esm.function(
        "orders", lambda event, context: seen.extend(record["body"] for record in event["Records"]), timeout=30
    )
    orders.takes(25)
    reserve("orders", 1)
    send_many(url, 50)
    subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    assert counts(dead)[0] > 0
    assert len(seen) + counts(dead)[0] == 50
    assert {invocation.outcome for invocation in orders.invocations} == {"success"}


def test_with_a_maximum_concurrency_nothing_is_received_that_cannot_be_run(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=3, VisibilityTimeout=30)
    orders = lambda_esm.function("orders", accept, timeout=30, duration=25)
    reserve("orders", 2)
    send_many(url, 50)
    mapping = subscribe(lambda_esm, url, ScalingConfig={"MaximumConcurrency": 2})
    start = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()
    assert counts(dead) == (0, 0, 0)
    assert since(lambda_esm, start) == [0, 0, 25, 25, 50]
    assert {count for invocation in orders.invocations for count in receive_counts(invocation)} == {"1"}
    assert mapping.metrics["PolledEventCount"] == 50


def test_several_mappings_may_ask_for_more_than_is_reserved(lambda_esm):
    urls = [make_queue(name, VisibilityTimeout=30) for name in ("one", "two")]
    orders = lambda_esm.function("orders", accept, timeout=30, duration=25)
    reserve("orders", 5)
    mappings = []
    for url in urls:
        send_many(url, 50)
        mappings.append(subscribe(lambda_esm, url, ScalingConfig={"MaximumConcurrency": 5}))
    lambda_esm.clock.run_until_idle()
    counted = {count for invocation in orders.invocations for count in receive_counts(invocation)}
    assert "2" in counted
    assert sum(mapping.metrics["PolledEventCount"] for mapping in mappings) > 100


def test_thirty_messages_with_reserved_and_maximum_concurrency_two_are_two_batches(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    reserve("orders", 2)
    send_many(url, 30)
    subscribe(
        lambda_esm,
        url,
        BatchSize=20,
        MaximumBatchingWindowInSeconds=1,
        ScalingConfig={"MaximumConcurrency": 2},
    )
    lambda_esm.clock.run_until_idle()
    assert len(orders.invocations) == 2
    assert sum(len(receive_counts(invocation)) for invocation in orders.invocations) == 30
