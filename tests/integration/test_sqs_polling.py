"""A polled standard queue, as a user sees it through boto3."""

import json
import time
from datetime import timedelta

import boto3
import pytest

from helpers.queues import arn_of, make_queue
from pytest_lambda_esm import HandlerError, LambdaEsmError


def bodies(invocation):
    return [record["body"] for record in invocation.event["Records"]]


def counts(setup):
    attributes = setup.sqs.get_queue_attributes(QueueUrl=setup.url, AttributeNames=["All"])["Attributes"]
    return (
        int(attributes["ApproximateNumberOfMessages"]),
        int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    )


def test_batches_of_the_batch_size_in_the_order_of_sending(lambda_esm, connect):
    setup = connect(lambda_esm, mapping={"BatchSize": 3})
    setup.send(*"abcdefg")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in setup.function.invocations] == [
        ["a", "b", "c"],
        ["d", "e", "f"],
        ["g"],
    ]


def test_a_poison_message_goes_to_the_dead_letter_queue(lambda_esm, connect):
    dead_url = make_queue("dead")

    def handler(event, context):
        raise ValueError("poison")

    redrive = json.dumps({"deadLetterTargetArn": arn_of(dead_url), "maxReceiveCount": 3})
    setup = connect(lambda_esm, handler, RedrivePolicy=redrive)
    [message_id] = setup.send("bad")
    lambda_esm.clock.run_until_idle()
    assert [invocation.attempt for invocation in setup.function.invocations] == [1, 2, 3]
    assert [invocation.error.type for invocation in setup.function.invocations] == ["ValueError"] * 3
    [dead] = setup.sqs.receive_message(QueueUrl=dead_url)["Messages"]
    assert (dead["MessageId"], dead["Body"]) == (message_id, "bad")
    assert [(fate.record, fate.fate) for fate in lambda_esm.fates(setup.queue_arn)] == [(message_id, "dead-lettered")]


def test_a_failed_batch_comes_again_exactly_at_receipt_plus_visibility_timeout(lambda_esm, connect):
    outcomes = iter([RuntimeError("once"), None])

    def handler(event, context):
        error = next(outcomes)
        if error:
            raise error

    setup = connect(lambda_esm, handler, VisibilityTimeout="45")
    setup.wait_until_enabled()
    setup.send("x")
    lambda_esm.clock.run_until_idle()
    first, second = setup.function.invocations
    assert second.started - first.started == timedelta(seconds=45)
    [one], [two] = first.event["Records"], second.event["Records"]
    assert one["messageId"] == two["messageId"]
    assert one["receiptHandle"] != two["receiptHandle"]
    assert (one["attributes"]["ApproximateReceiveCount"], two["attributes"]["ApproximateReceiveCount"]) == ("1", "2")
    first_receipts = {record["attributes"]["ApproximateFirstReceiveTimestamp"] for record in (one, two)}
    assert len(first_receipts) == 1


def test_a_slow_function_holds_its_messages_until_it_ends(lambda_esm, connect):
    setup = connect(lambda_esm, lambda event, context: time.sleep(2))
    setup.wait_until_enabled()
    setup.send("x")
    before = time.time()
    lambda_esm.clock.advance()
    assert time.time() == before
    assert counts(setup) == (0, 1)
    lambda_esm.clock.advance(2)
    assert counts(setup) == (0, 0)
    assert setup.function.invocations[0].duration == timedelta(seconds=2)


def test_a_function_past_its_timeout_leaves_its_messages(lambda_esm, connect):
    setup = connect(lambda_esm, lambda event, context: time.sleep(60))
    setup.wait_until_enabled()
    setup.send("x")
    lambda_esm.clock.advance(4)
    [invocation] = setup.function.invocations
    assert (invocation.outcome, invocation.error.type) == ("timeout", "Sandbox.Timedout")
    assert counts(setup) == (0, 1)


def test_a_delayed_message_waits(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    setup.send("later", DelaySeconds=60)
    [fate] = lambda_esm.fates(setup.queue_arn)
    assert fate.fate == "delayed"
    lambda_esm.clock.advance(59.999)
    assert setup.function.invocations == []
    lambda_esm.clock.advance(0.001)
    assert len(setup.function.invocations) == 1


def test_a_message_that_a_handler_sends_in_its_own_future_is_not_seen_before(lambda_esm, connect):
    def handler(event, context):
        time.sleep(2)
        setup.sqs.send_message(QueueUrl=out_url, MessageBody="from the future")

    setup = connect(lambda_esm, handler)
    out_url = make_queue("out")
    after = lambda_esm.function("after", lambda event, context: None)
    setup.aws_lambda.create_event_source_mapping(EventSourceArn=arn_of(out_url), FunctionName="after")
    setup.wait_until_enabled()
    setup.send("x")
    sent = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()
    assert after.invocations[0].started - sent == timedelta(seconds=2)


def test_two_mappings_on_one_queue_share_its_messages(lambda_esm, connect):
    setup = connect(lambda_esm, mapping={"BatchSize": 1})
    other = lambda_esm.function("other", lambda event, context: None)
    setup.aws_lambda.create_event_source_mapping(EventSourceArn=setup.queue_arn, FunctionName="other", BatchSize=1)
    setup.wait_until_enabled()
    sent = setup.send(*"abcd")
    lambda_esm.clock.run_until_idle()
    seen = [invocation.event["Records"][0]["messageId"] for invocation in lambda_esm.invocations]
    assert sorted(seen) == sorted(sent)
    assert setup.function.invocations
    assert other.invocations


def test_messages_from_before_the_mapping_are_delivered(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.send("early")
    lambda_esm.clock.run_until_idle()
    assert bodies(setup.function.invocations[0]) == ["early"]


def test_an_expired_message_is_not_delivered(lambda_esm, connect):
    setup = connect(lambda_esm, mapping={"Enabled": False}, MessageRetentionPeriod="60")
    [message_id] = setup.send("old")
    lambda_esm.clock.advance(61)
    setup.aws_lambda.update_event_source_mapping(UUID=setup.uuid, Enabled=True)
    lambda_esm.clock.run_until_idle()
    assert setup.function.invocations == []
    assert [(fate.record, fate.fate) for fate in lambda_esm.fates(setup.queue_arn)] == [(message_id, "expired")]


def test_a_function_without_a_handler_says_how_to_bind_one(lambda_esm, connect):
    setup = connect(lambda_esm, None)
    setup.send("x")
    with pytest.raises(HandlerError, match=r"lambda_esm\.function\('orders', handler\)"):
        lambda_esm.clock.run_until_idle()


def test_a_function_that_feeds_its_own_queue_is_stopped(lambda_esm, connect):
    setup = connect(lambda_esm, lambda event, context: setup.send("again"))
    boto3.client("lambda").put_function_recursion_config(FunctionName="orders", RecursiveLoop="Allow")
    setup.send("first")
    with pytest.raises(LambdaEsmError, match=r"feeds its own source: message .* chain of 1000 invocations"):
        lambda_esm.clock.run_until_idle()


def test_an_unbound_function_made_by_code_under_test_is_bound_later(lambda_esm, connect):
    setup = connect(lambda_esm, None)
    setup.send("x")
    lambda_esm.function("orders", lambda event, context: "bound")
    lambda_esm.clock.run_until_idle()
    assert setup.function.invocations[0].result == "bound"


def test_a_deleted_mapping_delivers_no_more(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    setup.aws_lambda.delete_event_source_mapping(UUID=setup.uuid)
    setup.send("x")
    lambda_esm.clock.advance(60)
    assert setup.function.invocations == []
    assert counts(setup) == (1, 0)


def test_a_purged_queue_delivers_nothing(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.send("x")
    setup.sqs.purge_queue(QueueUrl=setup.url)
    lambda_esm.clock.run_until_idle()
    assert setup.function.invocations == []


def test_a_message_that_a_client_deleted_is_not_delivered(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.send("a", "b")
    [message] = setup.sqs.receive_message(QueueUrl=setup.url)["Messages"]
    setup.sqs.delete_message(QueueUrl=setup.url, ReceiptHandle=message["ReceiptHandle"])
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in setup.function.invocations] == [["b"]]


def test_a_message_that_a_client_shows_again_is_delivered_at_once(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.send("a")
    [message] = setup.sqs.receive_message(QueueUrl=setup.url)["Messages"]
    setup.wait_until_enabled()
    lambda_esm.clock.advance(1)
    assert setup.function.invocations == []
    setup.sqs.change_message_visibility(QueueUrl=setup.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    lambda_esm.clock.advance()
    assert len(setup.function.invocations) == 1


def test_clients_may_receive_at_the_very_end_of_the_visibility_timeout(lambda_esm):
    sqs = boto3.client("sqs")
    url = make_queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    lambda_esm.clock.advance(30)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_explain_tells_what_a_message_waits_for(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.send("x")
    text = lambda_esm.explain("orders")
    assert f"mapping {setup.uuid} is Creating since 00:00:00.000000" in text
    assert "Creating becomes Enabled at 00:00:05.000000" in text
    assert "it does not poll in the state Creating" in text
    assert lambda_esm.explain(setup.function) == text
    with pytest.raises(LambdaEsmError, match=r"No mapping concerns 'order', .* Did you mean 'orders'"):
        lambda_esm.explain("order")


def test_an_idle_mapping_costs_no_event(lambda_esm, connect):
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    lambda_esm.clock.advance(1)
    assert lambda_esm.clock.pending == ()
    lambda_esm.clock.advance(days=7)
    assert lambda_esm.clock.next_event is None
