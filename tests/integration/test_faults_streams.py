"""Faults in the pollers of streams and FIFO queues, and at destinations, as a test chooses them."""

from __future__ import annotations

import json

import pytest

from pytest_lambda_esm import FakeLambda, FaultError

REGION = "eu-west-1"
STREAM = f"arn:aws:kinesis:{REGION}:123456789012:stream/clicks"


def arn(name):
    return f"arn:aws:sqs:{REGION}:123456789012:{name}"


class Site:
    """A stream with one shard that a function reads."""

    def __init__(self, fake, handler=lambda event, context: None, **mapping):
        self.fake = fake
        self.kinesis, aws_lambda = fake.client("kinesis"), fake.client("lambda")
        self.kinesis.create_stream(StreamName="clicks", ShardCount=1)
        self.function = fake.function("clicks", handler)
        answer = aws_lambda.create_event_source_mapping(
            EventSourceArn=STREAM, FunctionName="clicks", StartingPosition="TRIM_HORIZON", **mapping
        )
        self.mapping = fake.mapping(answer)
        fake.clock.advance(10)
        self.began = fake.clock.now

    def put(self, *names):
        for name in names:
            self.kinesis.put_record(StreamName="clicks", Data=name.encode(), PartitionKey=name)

    def delivered(self):
        """How many records each invocation got, and how many seconds after the start."""
        return [
            ((invocation.started - self.began).total_seconds(), len(invocation.event["Records"]), invocation.attempt)
            for invocation in self.function.invocations
        ]

    def fates(self):
        return [fate.fate for fate in self.fake.fates(STREAM)]


@pytest.fixture
def fake():
    with FakeLambda(region=REGION, advice="off") as fake:
        yield fake


@pytest.mark.parametrize("word", ["throttled", "failed"])
def test_a_read_that_fails_is_tried_again(fake, word):
    site = Site(fake)
    fake.faults.add("poller.Read", word, times=2)

    site.put("a")
    fake.clock.advance(1)
    site.put("b")
    fake.clock.run_until_idle()

    assert site.delivered() == [(2.0, 2, 1)]
    assert site.fates() == ["done"] * 2


@pytest.mark.parametrize(("step", "word"), [("poller.Read", "duplicated"), ("poller.Checkpoint", "late")])
def test_records_come_again_after_success(fake, step, word):
    site = Site(fake)
    fake.faults.add(step, word)

    site.put("a", "b")
    fake.clock.run_until_idle()
    site.put("c")
    fake.clock.run_until_idle()

    assert site.delivered() == [(0.0, 2, 1), (0.0, 2, 1), (0.0, 1, 1)]
    first, second, _ = site.function.invocations
    assert first.event == second.event
    assert site.fates() == ["done"] * 3


def test_a_late_checkpoint_in_a_tumbling_window(fake):
    site = Site(fake, lambda event, context: {"state": event["state"]}, TumblingWindowInSeconds=60)
    fake.faults.add("poller.Checkpoint", "late")

    site.put("a")
    fake.clock.run_until_idle()

    assert [count for _, count, _ in site.delivered()] == [1, 1, 0]
    assert site.fates() == ["done"]


def test_match_knows_the_records_of_a_stream(fake):
    site = Site(fake)
    fake.faults.add("poller.Checkpoint", "late", match=lambda call: len(call.params["Records"]) == 2)

    site.put("a")
    fake.clock.run_until_idle()
    site.put("b", "c")
    fake.clock.run_until_idle()

    assert [count for _, count, _ in site.delivered()] == [1, 2, 2]


@pytest.mark.parametrize("word", ["throttled", "failed"])
def test_a_function_that_does_not_start_is_tried_again_and_no_attempt_is_counted(fake, word):
    site = Site(fake)
    fake.faults.add("poller.Invoke", word, times=2)

    site.put("a")
    fake.clock.run_until_idle()

    assert site.delivered() == [(0.75, 1, 1)]


@pytest.mark.parametrize("step", ["poller.Read", "poller.Invoke"])
def test_the_service_disables_the_mapping_and_the_place_in_the_stream_is_kept(fake, step):
    site = Site(fake)
    fake.faults.add(step, "disabled", message="PROBLEM: internal error")

    site.put("a")
    fake.clock.run_until_idle()
    assert site.mapping.state == "Disabled"
    ran = len(site.function.invocations)
    assert ran == (step == "poller.Invoke")

    fake.client("lambda").update_event_source_mapping(UUID=site.mapping.uuid, Enabled=True)
    site.put("b")
    fake.clock.run_until_idle()
    assert sum(count for _, count, _ in site.delivered()) == 2
    assert site.fates() == ["done"] * 2


@pytest.mark.parametrize("source", ["stream", "fifo"])
def test_what_keeps_its_order_cannot_be_reordered(fake, source):
    if source == "stream":
        send = Site(fake).put
    else:
        sqs = fake.client("sqs")
        url = sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        fake.function("orders", lambda event, context: None)
        fake.client("lambda").create_event_source_mapping(EventSourceArn=arn("o.fifo"), FunctionName="orders")
        fake.clock.advance(10)

        def send(body):
            sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)

    fake.faults.add("poller.Read", "reordered")
    send("a")

    with pytest.raises(FaultError, match=r"'poller.Read', 'reordered'\) struck arn:.* where it is impossible"):
        fake.clock.run_until_idle()


def test_the_weather_reorders_no_stream():
    with FakeLambda(region=REGION, weather={"reordering": 1.0, "duplicates": 0.5}) as fake:
        site = Site(fake)
        for name in "abcdefgh":
            site.put(name)
            fake.clock.advance(1)

        received = [
            record["kinesis"]["sequenceNumber"] for i in site.function.invocations for record in i.event["Records"]
        ]
        assert received == sorted(received)
        assert len(set(received)) == 8 < len(received)
        assert site.fates() == ["done"] * 8


def test_a_failure_destination_refuses(fake):
    def fail(event, context):
        raise ValueError("no")

    fake.client("sqs").create_queue(QueueName="dead")
    destination = {"OnFailure": {"Destination": arn("dead")}}
    site = Site(fake, fail, MaximumRetryAttempts=0, DestinationConfig=destination)
    refused = fake.faults.add("poller.Send", "refused", match={"Destination": arn("dead")})

    site.put("a")
    fake.clock.run_until_idle()
    site.put("b")
    fake.clock.run_until_idle()

    [call] = refused.calls
    assert (call.account_id, call.region) == ("123456789012", site.mapping.region)
    assert sorted(site.fates()) == ["discarded", "sent to a destination"]
    assert site.mapping.metrics["DestinationDeliveryFailures"] == 1


def test_a_destination_of_an_asynchronous_invocation_refuses(fake):
    fake.client("sqs").create_queue(QueueName="done")
    fake.function("orders", lambda event, context: "well")
    aws_lambda = fake.client("lambda")
    destination = {"OnSuccess": {"Destination": arn("done")}}
    aws_lambda.put_function_event_invoke_config(FunctionName="orders", DestinationConfig=destination)
    refused = fake.faults.add("poller.Send", "refused")

    for _ in range(2):
        aws_lambda.invoke(FunctionName="orders", InvocationType="Event", Payload=b"{}")
        fake.clock.run_until_idle()

    assert json.loads(refused.calls[0].params["Body"])["responsePayload"] == "well"
    assert len(fake.fates(arn("done"))) == 1
