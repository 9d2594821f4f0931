"""Batches: size, window, payload; and how many of them are in flight."""

import boto3
import pytest

from helpers.queues import (
    accept,
    arn_of,
    bodies,
    counts,
    make_queue,
    receive_counts,
    refuse,
    send,
    send_many,
    since,
    subscribe,
)

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def sizes(function):
    return [len(invocation.event["Records"]) for invocation in function.invocations]


def test_the_window_starts_with_the_first_message_received(lambda_esm):
    url = make_queue(VisibilityTimeout=60)
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=20)
    start = lambda_esm.clock.now
    lambda_esm.clock.advance(seconds=7)
    send(url, "a")
    lambda_esm.clock.advance(seconds=15)
    send(url, "b")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["a", "b"]]
    assert since(lambda_esm, start) == [27]


def test_what_is_gathered_is_hidden_from_its_receipt_on(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=20)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    assert counts(url) == (0, 1, 0)
    lambda_esm.clock.advance(seconds=74)
    # Received at 0 and 30 and 60; the window of 20 seconds eats into the visibility timeout.
    assert since(lambda_esm, start) == [20, 50]


def test_a_message_that_comes_back_within_a_long_window_is_in_the_batch_once(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=45)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    [invocation] = orders.invocations
    assert receive_counts(invocation) == ["2"]
    assert counts(url) == (0, 0, 0)


@pytest.mark.lambda_esm(extend_visibility=True)
@pytest.mark.parametrize(("window", "again"), [(45, 45 + 10 + 30), (15, 30)], ids=["too long", "fits"])
def test_the_visibility_may_be_extended_for_a_window(lambda_esm, window, again):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse, timeout=10)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=window)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.advance(seconds=again + window)
    assert since(lambda_esm, start) == [window, again + window]


def test_a_full_batch_does_not_wait(lambda_esm):
    url = make_queue(VisibilityTimeout=600)
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url, BatchSize=15, MaximumBatchingWindowInSeconds=300)
    start = lambda_esm.clock.now
    send_many(url, 35)
    lambda_esm.clock.advance()
    assert sizes(orders) == [15, 15]
    assert "a batch is open: 5 of 15 messages" in lambda_esm.explain(mapping)
    lambda_esm.clock.run_until_idle()
    assert sizes(orders) == [15, 15, 5]
    assert since(lambda_esm, start) == [0, 0, 300]


@pytest.mark.lambda_esm(low_traffic_wait=20)
def test_low_traffic_may_wait_twenty_seconds(lambda_esm):
    url = make_queue()
    lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=1)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [20]


@pytest.mark.lambda_esm(low_traffic_wait=20)
def test_without_a_window_nothing_waits(lambda_esm):
    url = make_queue()
    lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0]


def test_two_thousand_messages_are_one_batch_of_at_most_ten_thousand(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url, BatchSize=10_000, MaximumBatchingWindowInSeconds=5)
    send_many(url, 2_000)
    lambda_esm.clock.run_until_idle()
    assert sizes(orders) == [2_000]
    assert mapping.metrics["InvokedEventCount"] == 2_000


def test_six_megabytes_are_cut_with_the_metadata_counted(lambda_esm):
    url = make_queue(VisibilityTimeout=600)
    orders = lambda_esm.function("orders", accept)
    send(url, *["x" * 250_000] * 30)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=60)
    start = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()
    assert sizes(orders) == [25, 5]
    assert since(lambda_esm, start) == [0, 60]
    assert {count for invocation in orders.invocations for count in receive_counts(invocation)} == {"1"}


def test_small_messages_reach_six_megabytes_by_their_metadata(lambda_esm):
    url = make_queue(VisibilityTimeout=600)
    orders = lambda_esm.function("orders", accept)
    sqs = boto3.client("sqs")
    attributes = {f"name{n}": {"DataType": "String", "StringValue": "v" * 20_000} for n in range(5)}
    for _ in range(80):
        sqs.send_message(QueueUrl=url, MessageBody="tiny", MessageAttributes=attributes)
    subscribe(lambda_esm, url, BatchSize=100, MaximumBatchingWindowInSeconds=60)
    lambda_esm.clock.run_until_idle()
    assert sizes(orders) == [62, 18]


def test_five_batches_are_in_flight_at_first_and_more_while_messages_wait(lambda_esm):
    url = make_queue(VisibilityTimeout=3600)
    lambda_esm.function("orders", accept, timeout=900, duration=600)
    send_many(url, 400)
    mapping = subscribe(lambda_esm, url, BatchSize=1)
    start = lambda_esm.clock.now
    lambda_esm.clock.advance()
    assert len(lambda_esm.invocations) == 5
    assert "all of the mapping's concurrency (5 batches) is in use" in lambda_esm.explain(mapping)
    lambda_esm.clock.advance(minutes=1)
    assert len(lambda_esm.invocations) == 305
    lambda_esm.clock.run_until_idle(limit=7200)
    assert len(lambda_esm.invocations) == 400
    assert since(lambda_esm, start)[4:7] == [0, 0.2, 0.4]


@pytest.mark.lambda_esm(maximum_concurrency=8)
def test_the_growth_ends_at_the_limit(lambda_esm):
    url = make_queue(VisibilityTimeout=3600)
    lambda_esm.function("orders", accept, timeout=900, duration=600)
    send_many(url, 20)
    subscribe(lambda_esm, url, BatchSize=1)
    lambda_esm.clock.advance(minutes=5)
    assert len(lambda_esm.invocations) == 8


@pytest.mark.parametrize(("maximum", "at_once", "later"), [(2, 2, 2), (7, 5, 7)])
def test_maximum_concurrency_fetches_no_more_than_it_can_run(lambda_esm, maximum, at_once, later):
    url = make_queue(VisibilityTimeout=3600)
    lambda_esm.function("orders", accept, timeout=900, duration=600)
    send_many(url, 20)
    subscribe(lambda_esm, url, BatchSize=1, ScalingConfig={"MaximumConcurrency": maximum})
    lambda_esm.clock.advance()
    assert counts(url) == (20 - at_once, at_once, 0)
    lambda_esm.clock.advance(minutes=5)
    assert counts(url) == (20 - later, later, 0)


def test_provisioned_pollers_run_ten_invocations_each(lambda_esm):
    url = make_queue(VisibilityTimeout=3600)
    lambda_esm.function("orders", accept, timeout=900, duration=600)
    send_many(url, 100)
    subscribe(lambda_esm, url, BatchSize=1, ProvisionedPollerConfig={"MinimumPollers": 3, "MaximumPollers": 4})
    lambda_esm.clock.advance()
    assert len(lambda_esm.invocations) == 30
    lambda_esm.clock.advance(seconds=0.3)
    assert len(lambda_esm.invocations) == 35
    lambda_esm.clock.advance(minutes=5)
    assert len(lambda_esm.invocations) == 40


@pytest.mark.parametrize(
    ("settings", "second_round"), [({}, 2), ({"FunctionResponseTypes": ["ReportBatchItemFailures"]}, 5)]
)
@pytest.mark.lambda_esm(concurrency_growth=0)
def test_errors_lower_the_concurrency_unless_failures_are_reported(lambda_esm, settings, second_round):
    url = make_queue(VisibilityTimeout=10)
    lambda_esm.function("orders", refuse, timeout=10, duration=5)
    send_many(url, 5)
    subscribe(lambda_esm, url, BatchSize=1, **settings)
    lambda_esm.clock.advance()
    assert len(lambda_esm.invocations) == 5
    lambda_esm.clock.advance(seconds=10)
    assert len(lambda_esm.invocations) == 5 + second_round


def test_two_mappings_of_one_queue_compete(lambda_esm):
    url = make_queue()
    seen = {"one": [], "two": []}
    for name in seen:
        lambda_esm.function(name, lambda event, context, name=name: seen[name].append(event["Records"][0]["body"]))
        subscribe(lambda_esm, url, name, BatchSize=1)
    send(url, *"abcdef")
    lambda_esm.clock.run_until_idle()
    assert sorted(seen["one"] + seen["two"]) == list("abcdef")
    assert seen["one"]
    assert seen["two"]


def test_a_queue_that_is_worked_off_leaves_nothing_pending(lambda_esm):
    url = make_queue(VisibilityTimeout=3600)
    for name in ("one", "two"):
        lambda_esm.function(name, accept, timeout=10, duration=5)
        subscribe(lambda_esm, url, name)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert (lambda_esm.clock.now - start).total_seconds() == 5


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_a_batch_is_filled_in_the_place_of_what_goes_elsewhere(lambda_esm, suffix):
    dead = make_queue(f"dead{suffix}")
    url = make_queue(f"orders{suffix}", dead_letter=dead, after=1)
    group = {"group": "A"} if suffix else {}
    send(url, "old", **group)
    boto3.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)
    send(url, "a", "b", "c", **group)
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url, BatchSize=2)
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["a", "b"], ["c"]]
    assert counts(dead) == (1, 0, 0)


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_who_does_not_hide_what_he_receives_gets_each_message_once(lambda_esm, suffix):
    dead = make_queue(f"dead{suffix}")
    url = make_queue(f"orders{suffix}", dead_letter=dead, after=2)
    group = {"group": "A"} if suffix else {}
    look = {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "AttributeNames": ["All"]}
    sqs = boto3.client("sqs")

    def seen():
        messages = sqs.receive_message(**look).get("Messages", [])
        return [(message["Body"], message["Attributes"]["ApproximateReceiveCount"]) for message in messages]

    send(url, "a", **group)
    assert [seen(), seen()] == [[("a", "1")], [("a", "2")]]
    send(url, "b", "c", **group)
    assert [seen(), seen()] == [[("b", "1"), ("c", "1")], [("b", "2"), ("c", "2")]]
    assert (counts(url), counts(dead)) == ((2, 0, 0), (1, 0, 0))


def test_binary_attributes_arrive_by_way_of_a_topic(lambda_esm):
    url = make_queue()
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(url), Attributes=raw)
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    attributes = {"raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sns.publish(TopicArn=topic, Message="by the topic", MessageAttributes=attributes)
    sent = boto3.client("sqs").send_message(QueueUrl=url, MessageBody="directly", MessageAttributes=attributes)
    lambda_esm.clock.run_until_idle()
    records = [record for invocation in orders.invocations for record in invocation.event["Records"]]
    assert [record["body"] for record in records] == ["by the topic", "directly"]
    for record in records:
        assert record["messageAttributes"]["raw"]["binaryValue"] == "AP8="
        assert record["md5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


def test_a_deduplication_id_means_nothing_in_a_standard_queue(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    send(url, "a", MessageDeduplicationId="once")
    lambda_esm.clock.run_until_idle()
    [record] = orders.invocations[0].event["Records"]
    assert not {"MessageDeduplicationId", "SequenceNumber"} & set(record["attributes"])


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_a_message_that_is_refused_is_not_there(lambda_esm, suffix):
    url = make_queue(f"orders{suffix}")
    sqs = boto3.client("sqs")
    message = {"QueueUrl": url, "MessageBody": "a", **({"MessageGroupId": "A"} if suffix else {})}
    text = {"DataType": "String", "StringValue": "x"}
    with pytest.raises(sqs.exceptions.ClientError, match="attribute name"):
        sqs.send_message(**message, MessageAttributes={"not a name": text})
    assert counts(url) == (0, 0, 0)
    sqs.send_message(**message, MessageAttributes={"a-name": text})
    assert counts(url) == (1, 0, 0)
