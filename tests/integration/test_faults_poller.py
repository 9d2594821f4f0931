"""Failures behind the API: faults that a poller meets at the step and the time that a test chooses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pytest_lambda_esm import FakeLambda

REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"


class Shop:
    """A queue that a function is subscribed to."""

    def __init__(self, fake, **mapping):
        self.fake = fake
        self.sqs, self.aws_lambda = fake.client("sqs"), fake.client("lambda")
        self.url = self.sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
        self.orders = fake.function("orders", lambda event, context: None)
        answer = self.aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders", **mapping)
        self.mapping = fake.mapping(answer)
        fake.clock.advance(10)
        self.began = fake.clock.now

    def send(self, *bodies):
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def delivered(self):
        """What each invocation got, and how many seconds after the start."""
        return [
            (
                (invocation.started - self.began).total_seconds(),
                "".join(record["body"] for record in invocation.event["Records"]),
            )
            for invocation in self.orders.invocations
        ]

    def troubles(self):
        return [entry.detail for entry in self.fake.timeline.of("fault")]


@pytest.fixture
def fake():
    with FakeLambda(region=REGION) as fake:
        yield fake


@pytest.fixture
def shop(fake):
    return Shop(fake)


@pytest.mark.parametrize("word", ["throttled", "failed"])
def test_a_read_that_fails_is_tried_again(shop, word):
    shop.fake.faults.add("poller.Read", word, times=2)

    shop.send("a")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(2.0, "a")]
    assert shop.troubles() == [f"poller.Read: {word}, asked for by the test"] * 2


def test_what_is_sent_meanwhile_does_not_hasten_the_next_read(shop):
    shop.fake.faults.add("poller.Read", "throttled")

    shop.send("a")
    shop.fake.clock.advance(0.5)
    shop.send("b")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(1.0, "ab")]


def test_the_time_until_the_next_read_is_a_setting():
    with FakeLambda(region=REGION, read_retry_delay=20) as fake:
        shop = Shop(fake)
        fake.faults.add("poller.Read", "failed")
        shop.send("a")
        fake.clock.run_until_idle()

        assert shop.delivered() == [(20.0, "a")]


def test_a_batch_is_delivered_twice(shop):
    shop.fake.faults.add("poller.Read", "duplicated")

    shop.send("a", "b")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(0.0, "ab"), (0.0, "ab")]
    first, second = shop.orders.invocations
    assert first.event == second.event
    assert [fate.fate for fate in shop.fake.fates(QUEUE)] == ["deleted", "deleted"]


@pytest.mark.parametrize(("size", "expected"), [(10, ["bca"]), (1, ["b", "c", "a"])])
def test_the_oldest_message_is_passed_over(fake, size, expected):
    shop = Shop(fake, BatchSize=size)
    fake.faults.add("poller.Read", "reordered")

    shop.send("a", "b", "c")
    fake.clock.run_until_idle()

    assert [bodies for _, bodies in shop.delivered()] == expected
    records = [record for invocation in shop.orders.invocations for record in invocation.event["Records"]]
    assert [record["attributes"]["ApproximateReceiveCount"] for record in records] == ["1"] * 3


def test_a_lost_delete_succeeds_and_the_message_comes_again(shop):
    shop.fake.faults.add("poller.Delete", "lost")

    shop.send("a")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(0.0, "a"), (30.0, "a")]
    assert [invocation.outcome for invocation in shop.orders.invocations] == ["success", "success"]
    assert [fate.fate for fate in shop.fake.fates(QUEUE)] == ["deleted"]
    assert any("the delete was lost" in entry.detail for entry in shop.fake.timeline)


def test_a_function_that_is_throttled_is_tried_again_with_the_same_receipt(shop):
    shop.fake.faults.add("poller.Invoke", "throttled")

    shop.send("a")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(1.0, "a")]
    [invocation] = shop.orders.invocations
    assert invocation.attempt == 1
    assert any("throttled before it started" in entry.detail for entry in shop.fake.timeline)


def test_a_function_that_fails_before_it_starts_leaves_the_messages_hidden(shop):
    shop.fake.faults.add("poller.Invoke", "failed")

    shop.send("a")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(30.0, "a")]
    [invocation] = shop.orders.invocations
    assert invocation.attempt == 2
    assert any("failed before it started" in entry.detail for entry in shop.fake.timeline)


@pytest.mark.parametrize("step", ["poller.Read", "poller.Invoke"])
def test_the_service_disables_the_mapping(shop, step):
    shop.fake.faults.add(step, "disabled", message="PROBLEM: Function not found")

    shop.send("a")
    shop.fake.clock.run_until_idle()

    assert shop.mapping.state == "Disabled"
    assert shop.mapping.history[-1].reason == "PROBLEM: Function not found"
    assert len(shop.delivered()) == (step == "poller.Invoke")


def test_the_mapping_is_deleted_with_a_batch_in_hand(shop):
    shop.fake.faults.add("poller.Invoke", "deleted")

    shop.send("a")
    shop.fake.clock.advance(1)
    shop.send("b")
    shop.fake.clock.run_until_idle()

    assert shop.mapping.state == "Deleted"
    assert shop.delivered() == [(0.0, "a")]
    assert [fate.fate for fate in shop.fake.fates(QUEUE)] == ["deleted", "waiting"]


def test_match_knows_the_mapping_and_the_records(shop):
    other = shop.fake.faults.add("poller.Read", "failed", match={"Mapping": "another"}, optional=True)
    shop.fake.faults.add("poller.Delete", "lost", match=lambda call: len(call.params["Records"]) == 2)

    shop.send("a")
    shop.fake.clock.advance(5)
    shop.send("b", "c")
    shop.fake.clock.run_until_idle()

    assert shop.delivered() == [(0.0, "a"), (5.0, "bc"), (35.0, "bc")]
    assert other.hits == 0


def test_each_message_has_one_fate_in_the_end(shop):
    shop.fake.faults.add("poller.Read", "failed", after=1)
    shop.fake.faults.add("poller.Read", "duplicated", after=2, times=2)
    shop.fake.faults.add("poller.Delete", "lost", after=1)
    shop.fake.faults.add("poller.Invoke", "throttled", after=2)

    for body in "abcdef":
        shop.send(body)
        shop.fake.clock.advance(timedelta(seconds=3))
    shop.fake.clock.run_until_idle()

    assert [fate.fate for fate in shop.fake.fates(QUEUE)] == ["deleted"] * 6
