"""Functions that cause their own next invocation through queues, as AWS documents it: one row, one fact."""

import boto3
import pytest

from helpers.conformance import Facts
from helpers.queues import arn_of, bodies, counts, make_queue, send, subscribe
from pytest_lambda_esm import LambdaEsmError

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")

FACTS = Facts("Loops")


def forward(url, body="again"):
    """Return a handler that sends one message to a queue for each one that it gets."""

    def handler(event, context):
        for _ in event["Records"]:
            again(url, body)

    return handler


def again(url, body="again"):
    group = {"MessageGroupId": "A", "MessageDeduplicationId": str(next(IDS))} if url.endswith(".fifo") else {}
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, **group)


IDS = iter(range(10**9))


def allow(function):
    boto3.client("lambda").put_function_recursion_config(FunctionName=function, RecursiveLoop="Allow")


def receive(url):
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return answer.get("Messages", [])


@FACTS("c6-sixteen", "documented", "A function that sends to its own queue is invoked 16 times in a chain.")
@FACTS(
    "c6-dead-letters",
    "documented",
    "The message that would cause one more invocation is not delivered, and its receive count grows until the"
    " dead-letter queue takes it.",
)
@pytest.mark.parametrize("suffix", ["", ".fifo"], ids=["standard", "FIFO"])
def test_a_loop_through_a_queue_is_stopped(lambda_esm, suffix):
    dead = make_queue(f"dead{suffix}")
    url = make_queue(f"orders{suffix}", dead_letter=dead, after=5, VisibilityTimeout=30)
    orders = lambda_esm.function("orders", forward(url))
    mapping = subscribe(lambda_esm, url, BatchSize=1)
    again(url, "first")
    lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) == 16
    assert "RecursiveInvocationException" in lambda_esm.explain(mapping)
    assert orders.metrics["RecursiveInvocationsDropped"] == 1
    lambda_esm.clock.run_until_idle()
    assert len(orders.invocations) == 16
    assert orders.metrics["RecursiveInvocationsDropped"] == 5
    assert mapping.metrics["FailedInvokeEventCount"] == 5
    assert mapping.metrics["InvokedEventCount"] == 16
    [letter] = receive(dead)
    assert (letter["Body"], letter["Attributes"]["ApproximateReceiveCount"]) == ("again", "6")
    assert counts(url) == (0, 0, 0)


@FACTS("c6-new-chains", "documented", "A message that no function of the chain sent begins a new chain.")
def test_other_messages_of_a_batch_are_delivered(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    seen = []

    def handler(event, context):
        seen.extend(record["body"] for record in event["Records"])
        if "loop" in [record["body"] for record in event["Records"]]:
            again(url, "loop")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    send(url, "loop")
    lambda_esm.clock.advance(seconds=1)
    assert seen == ["loop"] * 16
    lambda_esm.clock.advance(seconds=28)
    send(url, "innocent", DelaySeconds=1)
    lambda_esm.clock.advance(seconds=2)
    assert seen == ["loop"] * 16 + ["innocent"]
    assert counts(url) == (0, 1, 0)


def test_a_stopped_message_keeps_the_order_of_its_group(lambda_esm):
    dead = make_queue("dead.fifo")
    url = make_queue("orders.fifo", dead_letter=dead, after=2, VisibilityTimeout=30)
    seen = []

    def handler(event, context):
        seen.extend(record["body"] for record in event["Records"])
        for record in event["Records"]:
            if record["body"] == "loop":
                again(url, "loop")

    lambda_esm.function("orders", handler)
    mapping = subscribe(lambda_esm, url)
    again(url, "loop")
    lambda_esm.clock.advance(seconds=1)
    again(url, "behind")
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="other", MessageGroupId="B", MessageDeduplicationId="o")
    lambda_esm.clock.advance(seconds=1)
    assert seen == ["loop"] * 16 + ["other"]
    lambda_esm.clock.run_until_idle()
    assert seen == ["loop"] * 16 + ["other", "behind"]
    assert [letter["Body"] for letter in receive(dead)] == ["loop"]
    assert mapping.metrics["FailedInvokeEventCount"] == 3


@FACTS("c6-two-queues", "documented", "Two functions that feed each other through two queues are one chain.")
def test_two_queues_in_turn(lambda_esm):
    ping, pong = make_queue("ping", VisibilityTimeout=30), make_queue("pong", VisibilityTimeout=30)
    first = lambda_esm.function("first", forward(pong))
    second = lambda_esm.function("second", forward(ping))
    subscribe(lambda_esm, ping, "first")
    subscribe(lambda_esm, pong, "second")
    send(ping, "start")
    lambda_esm.clock.advance(seconds=1)
    assert (len(first.invocations), len(second.invocations)) == (8, 8)
    assert (counts(ping), counts(pong)) == ((0, 1, 0), (0, 0, 0))


@FACTS("c6-topic-and-queue", "documented", "A topic that feeds the queue belongs to the chain.")
@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_topic_that_feeds_the_queue(lambda_esm, raw):
    url = make_queue(VisibilityTimeout=30)
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(url), Attributes={"RawMessageDelivery": raw})
    orders = lambda_esm.function("orders", lambda event, context: sns.publish(TopicArn=topic, Message="again"))
    subscribe(lambda_esm, url)
    sns.publish(TopicArn=topic, Message="first")
    lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) == 16
    assert counts(url) == (0, 1, 0)


@FACTS("c6-invoke-and-queue", "documented", "Calls of Invoke belong to the chain.")
def test_an_invoke_between_queues(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    sender = lambda_esm.function("sender", lambda event, context: again(url))
    aws_lambda = boto3.client("lambda")
    orders = lambda_esm.function(
        "orders", lambda event, context: aws_lambda.invoke(FunctionName="sender", InvocationType="Event", Payload=b"1")
    )
    subscribe(lambda_esm, url)
    send(url, "first")
    lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) + len(sender.invocations) == 16


@FACTS("c6-allowed", "documented", "RecursiveLoop Allow turns the detection off for a function.")
def test_an_allowed_loop_goes_on(lambda_esm):
    url = make_queue(VisibilityTimeout=30)

    def handler(event, context):
        left = int(event["Records"][0]["body"])
        if left:
            again(url, str(left - 1))

    orders = lambda_esm.function("orders", handler)
    allow("orders")
    subscribe(lambda_esm, url)
    send(url, "40")
    lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) == 41
    boto3.client("lambda").put_function_recursion_config(FunctionName="orders", RecursiveLoop="Terminate")
    send(url, "40")
    lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) == 41 + 16
    allow("orders")
    lambda_esm.clock.advance(seconds=30)
    assert len(orders.invocations) == 41 + 41


@pytest.mark.lambda_esm(recursion_limit=0, loop_depth=20)
def test_without_the_detection_a_loop_through_a_queue_ends_the_test(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    orders = lambda_esm.function("orders", forward(url))
    subscribe(lambda_esm, url)
    send(url, "first")
    with pytest.raises(LambdaEsmError, match=r"feeds its own source: message .* at the end of a chain of 20"):
        lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) == 20


@FACTS("c6-streams", "documented", "Streams are not among the services through which Lambda detects loops.")
@pytest.mark.lambda_esm(loop_depth=41)
def test_a_loop_through_a_stream_and_a_queue_ends_the_test(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    forwarder = lambda_esm.function(
        "orders", lambda event, context: kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    )
    lambda_esm.function("reader", lambda event, context: again(url))
    subscribe(lambda_esm, url)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn="arn:aws:kinesis:us-east-1:123456789012:stream/s",
        FunctionName="reader",
        StartingPosition="TRIM_HORIZON",
    )
    lambda_esm.clock.advance(seconds=10)
    send(url, "first")
    with pytest.raises(LambdaEsmError, match="feeds its own source"):
        lambda_esm.clock.advance(seconds=1)
    assert len(forwarder.invocations) > 20
    assert forwarder.metrics["RecursiveInvocationsDropped"] == 0


@FACTS("c6-behind-a-stream", "documented", "Behind a stream a new chain begins, and is stopped after 16 invocations.")
def test_a_loop_behind_a_stream_is_stopped(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    reader = lambda_esm.function("reader", forward(url))
    orders = lambda_esm.function("orders", forward(url))
    subscribe(lambda_esm, url)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn="arn:aws:kinesis:us-east-1:123456789012:stream/s",
        FunctionName="reader",
        StartingPosition="TRIM_HORIZON",
    )
    lambda_esm.clock.advance(seconds=10)
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    lambda_esm.clock.advance(seconds=1)
    assert len(reader.invocations) + len(orders.invocations) == 16


@FACTS(
    "c6-function-of-the-dead-letter-queue",
    "chosen",
    "A function that reads the dead-letter queue gets the message that was stopped.",
)
def test_the_function_of_the_dead_letter_queue_gets_the_message(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1, VisibilityTimeout=30)
    lambda_esm.function("orders", forward(url))
    letters = lambda_esm.function("letters", lambda event, context: None)
    subscribe(lambda_esm, url)
    subscribe(lambda_esm, dead, "letters")
    send(url, "first")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in letters.invocations] == [["again"]]
