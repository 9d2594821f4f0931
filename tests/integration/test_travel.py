"""Tests that travel in time by their own means: each query of the fake, and each request, first catches up."""

import threading
import unittest
from datetime import datetime, timedelta, timezone

import boto3
import pytest
import requests
from freezegun import freeze_time

from pytest_lambda_esm import FakeLambda

MINUTE = timedelta(minutes=1)


class Freezegun:
    """A freezer within the fake, like pytest-freezer's, moved by its own methods."""

    name = "freezegun"

    def __init__(self, now):
        self._freezer = freeze_time(now)
        self._factory = self._freezer.start()
        self.stop = self._freezer.stop

    def tick(self, span):
        self._factory.tick(span)

    def move_to(self, moment):
        self._factory.move_to(moment)


class TimeMachine:
    """A traveller within the fake, moved by its own methods."""

    name = "time-machine"

    def __init__(self, now):
        self._travel = pytest.importorskip("time_machine").travel(now, tick=False)
        self._traveller = self._travel.start()
        self.stop = self._travel.stop

    def tick(self, span):
        self._traveller.shift(span)

    def move_to(self, moment):
        self._traveller.move_to(moment, tick=False)


@pytest.fixture(params=[Freezegun, TimeMachine], ids=["freezegun", "time-machine"])
def travel(request):
    """A fake, with a freezer or a traveller that the test moves."""
    with FakeLambda(wall_clock=request.param.name) as fake:
        tool = request.param(fake.clock.now)
        try:
            yield fake, tool
        finally:
            tool.stop()


def connected(connect, fake, handler=lambda event, context: None, delay=60):
    """Connect a queue with a function, and send a message that becomes visible after a delay."""
    setup = connect(fake, handler)
    setup.wait_until_enabled()
    setup.send("m", DelaySeconds=delay)
    return setup


LOOKS = {
    "fake.invocations": lambda fake, setup: len(fake.invocations) == 1,
    "function.invocations": lambda fake, setup: bool(setup.function.invocations),
    "function.metrics": lambda fake, setup: setup.function.metrics["Invocations"] == 1,
    "repr of the function": lambda fake, setup: "1 invocation>" in repr(setup.function),
    "mapping.metrics": lambda fake, setup: fake.mapping(setup.uuid).metrics["DeletedEventCount"] == 1,
    "fates": lambda fake, setup: fake.fates(setup.queue_arn)[0].fate == "deleted",
    "journey": lambda fake, setup: bool(fake.journey(fake.fates(setup.queue_arn)[0]).invocations),
    "explain": lambda fake, setup: "00:01:0" in fake.explain(),
    "timeline": lambda fake, setup: bool(fake.timeline.of("invocation")),
    "text of the timeline": lambda fake, setup: "invocation" in str(fake.timeline),
    "clock.now": lambda fake, setup: fake.clock.now.minute == 1,
    "clock.next_event": lambda fake, setup: fake.clock.next_event is None,
    "clock.pending": lambda fake, setup: fake.clock.pending == (),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_at_what_happened_catches_up_first(travel, connect, look):
    fake, tool = travel
    setup = connected(connect, fake)
    fake.mapping(setup.uuid)
    tool.tick(MINUTE)
    assert look(fake, setup)


HELD = {
    "invocations": (lambda fake, setup: fake.invocations, lambda log: len(log) == 1),
    "first invocation": (lambda fake, setup: fake.invocations, lambda log: log[0].outcome == "success"),
    "invocations of the function": (lambda fake, setup: setup.function.invocations, lambda log: list(log) != []),
    "repr": (lambda fake, setup: setup.function.invocations, lambda log: repr(log) != "[]"),
    "timeline": (lambda fake, setup: fake.timeline, lambda log: "invocation" in [entry.kind for entry in log]),
    "last of the timeline": (lambda fake, setup: fake.timeline, lambda log: log[-1].kind != "transition"),
    "mapping": (lambda fake, setup: fake.mapping(setup.uuid), lambda log: log.metrics["PolledEventCount"] == 1),
    "fault": (lambda fake, setup: fake.faults.add("poller.Read", "failed"), lambda log: log.hits == 1),
    "calls of the fault": (lambda fake, setup: fake.faults.add("poller.Read", "failed"), lambda log: log.calls != ()),
    "rest of the fault": (lambda fake, setup: fake.faults.add("poller.Read", "failed"), lambda log: log.remaining == 0),
}  # fmt: skip


@pytest.mark.parametrize(("get", "look"), HELD.values(), ids=HELD)
def test_so_does_a_log_that_the_test_has_held_since_before(travel, connect, get, look):
    fake, tool = travel
    log = get(fake, connected(connect, fake))
    tool.tick(MINUTE)
    assert look(log)


CALLS_OF_A_HANDLER = {
    "length": lambda calls: len(calls) == 2,
    "iteration": lambda calls: [call.operation for call in calls][1:] == ["ListFunctions"],
    "index": lambda calls: calls[1].operation == "ListFunctions",
    "repr": lambda calls: repr(calls) == "<2 calls>",
    "all": lambda calls: calls.all[-1].operation == "ListFunctions",
    "last": lambda calls: calls.last.operation == "ListFunctions",
    "of": lambda calls: len(calls.of("ListFunctions")) == 1,
    "assertion": lambda calls: calls.assert_called("ListFunctions", times=1) is None,
}


@pytest.mark.parametrize("look", CALLS_OF_A_HANDLER.values(), ids=CALLS_OF_A_HANDLER)
def test_so_does_the_log_of_calls(lambda_esm, connect, freezer, look):
    client = boto3.client("lambda")
    setup = connect(lambda_esm, lambda event, context: client.list_functions())
    setup.send("m", DelaySeconds=60)
    calls = lambda_esm.calls
    freezer.tick(61)
    assert look(calls)


def test_so_does_the_list_of_errors(lambda_esm, connect, freezer):
    setup = connect(lambda_esm)

    def unbound(event, context):
        boto3.client("lambda").invoke(FunctionName="not-bound")

    lambda_esm.function("not-bound")
    setup.function.bind(unbound)
    setup.send("m", DelaySeconds=60)
    freezer.tick(61)
    with pytest.raises(Exception, match="no handler bound"):
        _ = lambda_esm.errors
    assert len(lambda_esm.errors) == 1


STATES = {
    "state": lambda mapping: mapping.state == "Enabled",
    "history": lambda mapping: [transition.state for transition in mapping.history] == ["Creating", "Enabled"],
    "stable_state": lambda mapping: mapping.stable_state == "Enabled",
    "last_modified": lambda mapping: mapping.last_modified.second == 5,
    "explain": lambda mapping: mapping.explain() == [],
    "settings": lambda mapping: mapping.settings["BatchSize"] == 10,
    "requested": lambda mapping: mapping.requested["BatchSize"] == 10,
    "repr": lambda mapping: " Enabled " in repr(mapping),
}


@pytest.mark.parametrize("look", STATES.values(), ids=STATES)
def test_the_state_of_a_mapping_is_that_of_the_time_travelled_to(travel, connect, look):
    fake, tool = travel
    mapping = fake.mapping(connect(fake).uuid)
    assert mapping.state == "Creating"
    tool.tick(MINUTE)
    assert look(mapping)


@pytest.mark.lambda_esm(advice_ignore="ESM113")
def test_the_age_of_an_iterator_grows(lambda_esm, freezer):
    kinesis, client = boto3.client("kinesis"), boto3.client("lambda")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]

    def fail(event, context):
        raise ValueError

    lambda_esm.function("f", fail)
    created = client.create_event_source_mapping(
        EventSourceArn=arn, FunctionName="f", StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=-1
    )
    mapping = lambda_esm.mapping(created)
    kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"1")
    freezer.tick(60)
    first = mapping.iterator_age
    freezer.tick(60)
    assert mapping.iterator_age - first == timedelta(seconds=60)


# --- requests --------------------------------------------------------------------------------------------------


def table_of_the_handler():
    table = boto3.resource("dynamodb").create_table(
        TableName="done",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return table, lambda event, context: table.put_item(Item={"id": event["Records"][0]["body"]}) and None


def test_a_request_to_any_service_catches_up_first(travel, connect):
    fake, tool = travel
    table, handler = table_of_the_handler()
    connected(connect, fake, handler)
    tool.tick(MINUTE)
    assert table.scan()["Items"] == [{"id": "m"}]


def test_so_does_a_request_without_botocore(lambda_esm, connect, freezer):
    bucket = boto3.client("s3")
    bucket.create_bucket(Bucket="bucket")
    put = lambda event, context: bucket.put_object(Bucket="bucket", Key="k", Body=b"1", ACL="public-read") and None  # noqa: E731
    connected(connect, lambda_esm, put)
    freezer.tick(60)
    assert requests.get("https://bucket.s3.amazonaws.com/k", timeout=5).text == "1"


def test_so_does_a_request_of_another_thread(travel, connect):
    fake, tool = travel
    table, handler = table_of_the_handler()
    connected(connect, fake, handler)
    tool.tick(MINUTE)
    found = []
    thread = threading.Thread(target=lambda: found.extend(table.scan()["Items"]))
    thread.start()
    thread.join()
    assert found == [{"id": "m"}]


def test_a_fault_meets_the_request_at_the_time_travelled_to(lambda_esm, freezer):
    fault = lambda_esm.faults.add("sqs.ListQueues", "RequestThrottled", per="call")
    freezer.tick(60)
    with pytest.raises(Exception, match="RequestThrottled"):
        boto3.client("sqs").list_queues()
    assert fault.calls[0].instant >= lambda_esm.config.start.timestamp() * 1e6 + 60e6


def test_a_message_is_visible_again_after_a_travel(travel, connect):
    _, tool = travel
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert bodies(sqs, url) == ["m"]
    tool.tick(timedelta(seconds=29))
    assert bodies(sqs, url) == []
    tool.tick(timedelta(seconds=1))  # Exactly then.
    assert bodies(sqs, url) == ["m"]


def bodies(sqs, url):
    return [
        message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def test_travel_to_exactly_a_due_time_runs_what_is_due_then(travel, connect):
    fake, tool = travel
    setup = connected(connect, fake)
    due = fake.clock.next_event.due
    tool.move_to(due - timedelta(microseconds=1))
    assert len(setup.function.invocations) == 0
    tool.move_to(due)
    assert len(setup.function.invocations) == 1


def test_what_is_set_up_after_a_travel_meets_nothing_that_was_due_before(lambda_esm, connect, freezer):
    setup = connected(connect, lambda_esm)
    freezer.tick(60)
    lambda_esm.faults.add("poller.Read", "failed", optional=True)
    assert len(setup.function.invocations) == 1


# --- back ------------------------------------------------------------------------------------------------------


def test_a_freezer_moves_back_and_forth(travel, connect):
    fake, tool = travel
    setup = connected(connect, fake)
    start = fake.clock.now
    tool.move_to(start - timedelta(days=1))
    assert fake.clock.now == start - timedelta(days=1)
    setup.send("then")
    assert [invocation.event["Records"][0]["body"] for invocation in setup.function.invocations] == []
    fake.clock.advance(1)
    assert [invocation.event["Records"][0]["body"] for invocation in setup.function.invocations] == ["then"]
    tool.move_to(start + timedelta(seconds=59))
    assert len(setup.function.invocations) == 1
    tool.move_to(start + timedelta(seconds=60))
    assert [invocation.event["Records"][0]["body"] for invocation in setup.function.invocations] == ["then", "m"]
    assert len({fate.record for fate in fake.fates(setup.queue_arn)}) == 2


def test_a_block_in_the_past_has_its_own_time_and_leaves_the_outer_one_where_it_was(lambda_esm, connect):
    setup = connected(connect, lambda_esm)
    before = lambda_esm.clock.now
    with freeze_time("2015-01-01 12:00:00"):
        assert lambda_esm.clock.now == datetime(2015, 1, 1, 12, tzinfo=timezone.utc)
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="old")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="m")
        assert bodies(sqs, url) == ["m"]
        lambda_esm.clock.advance(minutes=1)
        assert datetime.now() == datetime(2015, 1, 1, 12, 1)
    assert len(setup.function.invocations) == 0
    assert lambda_esm.clock.now == before
    lambda_esm.clock.advance(60)
    assert len(setup.function.invocations) == 1


def test_a_travel_back_within_a_time_machine(connect):
    time_machine = pytest.importorskip("time_machine")
    with FakeLambda(wall_clock="time-machine") as fake:
        setup = connected(connect, fake)
        before = fake.clock.now
        with time_machine.travel("2015-01-01T00:00:00Z", tick=False):
            setup.send("then")
            assert fake.clock.now.year == 2015
        assert fake.clock.now == before
        assert [invocation.event["Records"][0]["body"] for invocation in setup.function.invocations] == ["then"]


def test_travel_past_a_held_state_and_back(lambda_esm, connect, freezer):
    setup = connect(lambda_esm)
    mapping = lambda_esm.mapping(setup.uuid)
    mapping.hold("Creating")
    freezer.tick(3600)
    assert mapping.state == "Creating"
    freezer.tick(-3600)
    assert mapping.state == "Creating"
    assert "release()" in lambda_esm.explain(mapping)
    mapping.release()
    assert mapping.state == "Creating"  # It is due in five seconds.
    freezer.tick(5)
    assert mapping.state == "Enabled"


def test_a_handlers_invocation_that_ends_later_still_ends_after_a_travel_back(lambda_esm, connect, freezer):
    setup = connect(lambda_esm, mapping={"BatchSize": 1})
    setup.function.takes(3)
    setup.wait_until_enabled()
    setup.send("m")
    lambda_esm.clock.advance(1)
    freezer.tick(-3600)
    assert [fate.fate for fate in lambda_esm.fates(setup.queue_arn)] == ["in flight"]
    freezer.tick(3600)
    lambda_esm.clock.run_until_idle()
    assert [fate.fate for fate in lambda_esm.fates(setup.queue_arn)] == ["deleted"]
    assert len(setup.function.invocations) == 1


@freeze_time("2015-01-01 12:00:00")
@pytest.mark.usefixtures("lambda_esm")
class TestFrozenClass(unittest.TestCase):
    """freezegun freezes time for such a class before a fixture of a test is set up."""

    def test_its_time_is_adopted(self):
        assert boto3.client("sqs").create_queue(QueueName="q")
        assert datetime.now() == datetime(2015, 1, 1, 12)

    @freeze_time("2014-01-01 12:00:00")
    def test_a_method_may_have_another_time(self):
        boto3.client("s3").create_bucket(Bucket="old")
        assert boto3.client("s3").list_buckets()["Buckets"][0]["CreationDate"].year == 2014


# --- inside a handler -------------------------------------------------------------------------------------------


def test_a_handler_that_moves_the_freezer_takes_that_long(travel, connect):
    fake, tool = travel
    setup = connected(connect, fake, lambda event, context: tool.tick(timedelta(seconds=2)))
    start = fake.clock.now
    fake.clock.advance(60)
    assert setup.function.invocations[0].duration == timedelta(seconds=2)
    assert fake.clock.now == start + MINUTE
    assert datetime.now(timezone.utc) == start + MINUTE


def test_and_its_later_requests_see_the_later_time(travel, connect):
    fake, tool = travel
    sent = []

    def handler(event, context):
        tool.tick(timedelta(seconds=2))
        boto3.client("sqs").send_message(QueueUrl=setup.url, MessageBody="n", DelaySeconds=600)
        sent.append(context.get_remaining_time_in_millis())

    setup = connected(connect, fake, handler)
    fake.clock.advance(60)
    assert sent == [1000]


def test_a_handler_that_moves_it_past_its_timeout_times_out(travel, connect):
    fake, tool = travel
    setup = connected(connect, fake, lambda event, context: tool.tick(timedelta(seconds=20)))
    fake.clock.advance(60)
    assert setup.function.invocations[0].outcome == "timeout"


def test_a_handler_that_moves_it_back_does_not_move_time(travel, connect):
    fake, tool = travel
    start = fake.clock.now
    setup = connected(connect, fake, lambda event, context: tool.move_to(start))
    end = fake.clock.now + MINUTE
    fake.clock.advance(60)
    assert setup.function.invocations[0].duration == timedelta()
    assert fake.clock.now == datetime.now(timezone.utc) == end


def test_a_frozen_block_in_a_handler(lambda_esm, connect):
    def handler(event, context):
        with freeze_time("2015-01-01"):
            boto3.client("s3").create_bucket(Bucket="old")
        seen.append(datetime.now(timezone.utc))

    seen = []
    connected(connect, lambda_esm, handler)
    lambda_esm.clock.advance(60)
    assert seen == [lambda_esm.clock.now]
    assert boto3.client("s3").list_buckets()["Buckets"][0]["CreationDate"].year == 2015
