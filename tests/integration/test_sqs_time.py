"""Visibility, delays, retention, and slow functions."""

import boto3
import pytest

from helpers.queues import accept, bodies, counts, make_queue, receive_counts, refuse, send, since, subscribe
from pytest_lambda_esm import LambdaEsmError, raises

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def test_a_function_slower_than_the_visibility_timeout_runs_twice_at_a_time(lambda_esm):
    url = make_queue(VisibilityTimeout=60)
    orders = lambda_esm.function("orders", accept, timeout=30, duration=15)
    mapping = subscribe(lambda_esm, url)
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.advance(seconds=16)
    assert since(lambda_esm, start) == [0, 10]
    assert [receive_counts(invocation) for invocation in orders.invocations] == [["1"], ["2"]]
    assert counts(url) == (0, 1, 0)
    assert mapping.metrics["DeletedEventCount"] == 0
    assert any("stale receipt" in entry.detail for entry in lambda_esm.timeline)


def test_a_handler_may_show_its_message_again_at_once(lambda_esm):
    url = make_queue(VisibilityTimeout=60)
    sqs = boto3.client("sqs")

    def handler(event, context):
        [record] = event["Records"]
        if record["attributes"]["ApproximateReceiveCount"] == "1":
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0)
            raise ValueError("once more, please")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0, 0]


@pytest.mark.parametrize("queue", ["orders", "orders.fifo"])
def test_a_handler_may_hide_its_message_for_longer(lambda_esm, queue):
    url = make_queue(queue, VisibilityTimeout=60)
    sqs = boto3.client("sqs")

    def handler(event, context):
        [record] = event["Records"]
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        if receives < 3:
            sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=100 * receives
            )
            raise ValueError("later, please")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    start = lambda_esm.clock.now
    send(url, "a", **({"group": "A"} if queue.endswith(".fifo") else {}))
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0, 100, 300]


def test_a_message_may_stay_hidden_for_twelve_hours_after_its_receipt(lambda_esm):
    url = make_queue(VisibilityTimeout=10)
    send(url, "a")
    lambda_esm.clock.advance(days=1)
    sqs = boto3.client("sqs")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    lambda_esm.clock.advance(seconds=5)
    receipt = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    with pytest.raises(sqs.exceptions.ClientError, match="beyond the limit"):
        sqs.change_message_visibility(**receipt, VisibilityTimeout=43_200)
    sqs.change_message_visibility(**receipt, VisibilityTimeout=43_195)
    lambda_esm.clock.advance(seconds=43_194)
    assert counts(url) == (0, 1, 0)


def test_a_handler_may_delete_its_own_messages(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    sqs = boto3.client("sqs")

    def handler(event, context):
        first = event["Records"][0]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=first["receiptHandle"])
        raise ValueError("after the first message")

    orders = lambda_esm.function("orders", handler)
    send(url, "a", "b", "c")
    mapping = subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["a", "b", "c"], ["b", "c"], ["c"]]
    assert {fate.fate for fate in lambda_esm.fates(mapping)} == {"deleted"}


def test_a_stale_receipt_deletes_nothing(lambda_esm):
    url = make_queue(VisibilityTimeout=10)
    send(url, "a")
    sqs = boto3.client("sqs")
    [first] = sqs.receive_message(QueueUrl=url)["Messages"]
    lambda_esm.clock.advance(seconds=10)
    [second] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert counts(url) == (0, 1, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert counts(url) == (0, 0, 0)


def test_what_a_mapping_has_deleted_can_be_deleted_once_more(lambda_esm):
    url = make_queue(VisibilityTimeout=10)
    orders = lambda_esm.function("orders", accept)
    orders.script(raises(ValueError))
    send(url, "a")
    subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    sqs = boto3.client("sqs")
    sqs.purge_queue(QueueUrl=url)
    handles = [invocation.event["Records"][0]["receiptHandle"] for invocation in orders.invocations]
    assert len(set(handles)) == 2
    for handle in handles:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handles[0][:-4] + "none")


def test_delays_of_queues_and_messages_pass_before_delivery(lambda_esm):
    url = make_queue(DelaySeconds=40)
    lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url, BatchSize=1)
    start = lambda_esm.clock.now
    send(url, "as the queue says")
    send(url, "of its own", DelaySeconds=15)
    send(url, "at once", DelaySeconds=0)
    assert {fate.fate for fate in lambda_esm.fates(mapping)} == {"delayed", "waiting"}
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0, 15, 40]
    assert [bodies(invocation)[0] for invocation in lambda_esm.invocations] == [
        "at once",
        "of its own",
        "as the queue says",
    ]


def test_a_message_expires_at_the_retention_period(lambda_esm):
    url = make_queue(VisibilityTimeout=30, MessageRetentionPeriod=60)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0, 30]
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["expired"]


def test_a_purge_does_not_reach_what_has_expired(lambda_esm):
    url = make_queue(MessageRetentionPeriod=60)
    [old] = send(url, "a")
    lambda_esm.clock.advance(seconds=30)
    [new] = send(url, "b")
    lambda_esm.clock.advance(seconds=30)
    boto3.client("sqs").purge_queue(QueueUrl=url)
    fates = lambda_esm.fates("arn:aws:sqs:us-east-1:123456789012:orders")
    assert {fate.record: fate.fate for fate in fates} == {old: "expired", new: "deleted"}


def test_a_message_in_flight_at_the_end_of_its_retention_may_still_be_deleted(lambda_esm):
    url = make_queue(VisibilityTimeout=60, MessageRetentionPeriod=60)
    lambda_esm.function("orders", accept, timeout=30, duration=20)
    mapping = subscribe(lambda_esm, url)
    send(url, "a", DelaySeconds=50)
    lambda_esm.clock.advance(seconds=65)
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["in flight"]
    lambda_esm.clock.run_until_idle()
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["deleted"]


def test_a_message_that_nobody_polls_expires_as_well(lambda_esm):
    url = make_queue(MessageRetentionPeriod=60)
    send(url, "a")
    lambda_esm.clock.advance(seconds=59)
    assert counts(url) == (1, 0, 0)
    lambda_esm.clock.advance(seconds=1)
    assert counts(url) == (0, 0, 0)
    assert [fate.fate for fate in lambda_esm.fates("arn:aws:sqs:us-east-1:123456789012:orders")] == ["expired"]
    assert "Messages" not in boto3.client("sqs").receive_message(QueueUrl=url)


def test_a_long_poll_waits_in_virtual_time(lambda_esm):
    url = make_queue(ReceiveMessageWaitTimeSeconds=20)
    sqs = boto3.client("sqs")
    start = lambda_esm.clock.now
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert (lambda_esm.clock.now - start).total_seconds() == 20
    send(url, "a", DelaySeconds=7)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    assert (lambda_esm.clock.now - start).total_seconds() == 27


@pytest.mark.lambda_esm(poll_latency=3)
def test_the_poller_may_take_its_time(lambda_esm):
    url = make_queue()
    lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [3]


@pytest.mark.lambda_esm(loop_depth=20)
@pytest.mark.parametrize("filters", [{}, {"FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}]}}])
def test_a_message_that_fails_and_shows_itself_at_once_ends_the_test(lambda_esm, filters):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url, **filters)
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    send(url, "a")
    with pytest.raises(LambdaEsmError, match="has been received 20 times in one instant"):
        lambda_esm.clock.advance(seconds=1)


def test_a_timeout_that_ends_within_a_second_ends_exactly_then(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    orders = lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    lambda_esm.clock.advance(0.25)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.advance(29.999)
    assert (len(orders.invocations), counts(url)) == (1, (0, 1, 0))
    lambda_esm.clock.advance(0.001)
    assert since(lambda_esm, start) == [0, 30]


def test_a_client_sees_a_message_exactly_when_its_timeout_ends(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    sqs = boto3.client("sqs")
    lambda_esm.clock.advance(0.4)
    send(url, "a")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    lambda_esm.clock.advance(0.35)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=5)
    lambda_esm.clock.advance(4.999)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert counts(url) == (0, 1, 0)
    lambda_esm.clock.advance(0.001)
    assert counts(url) == (1, 0, 0)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
