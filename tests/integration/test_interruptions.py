"""An exception for the test passes through a poller or the asynchronous queue, and both continue afterwards."""

import json
import time

import boto3
import pytest

from helpers.queues import arn_of, make_queue, send, subscribe
from helpers.streams import KinesisSource, TableSource
from pytest_lambda_esm import FakeLambda, FaultError, HandlerError, LambdaEsmError, NetworkBlocked
from pytest_lambda_esm.moto_bridge.sqs import storage
from pytest_lambda_esm.polling.streams.batch import OpenBatch
from pytest_lambda_esm.simulation.hooks import Hooks

FOR_THE_TEST = [NetworkBlocked("blocked"), pytest.fail.Exception("failed"), KeyboardInterrupt()]


@pytest.fixture(params=FOR_THE_TEST, ids=lambda error: type(error).__name__)
def error(request):
    return request.param


class Raising:
    """Raises an error the first few times that it is called; serves as a handler, a hook or a predicate."""

    def __init__(self, error, times=1):
        self.error, self.left, self.calls = error, times, []

    def __call__(self, *arguments):
        self.calls.append(arguments)
        if self.left:
            self.left -= 1
            raise self.error
        return False


def fates(fake, source):
    return [fate.fate for fate in fake.fates(source)]


# --- handlers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_messages_come_back_after_their_visibility_timeout(lambda_esm, error, suffix):
    url = make_queue(f"orders{suffix}", VisibilityTimeout=30)
    handler = Raising(error)
    lambda_esm.function("orders", handler)
    mapping = subscribe(lambda_esm, url)
    send(url, "a", "b", group="g" if suffix else None)
    with pytest.raises(type(error)):
        lambda_esm.clock.advance(1)
    assert fates(lambda_esm, mapping) == ["in flight", "in flight"]
    assert f"broken off by {type(error).__name__}" in lambda_esm.explain(mapping)
    before = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["deleted"] * 2
    assert lambda_esm.invocations[0].started.timestamp() == pytest.approx(before.timestamp() + 29)
    assert handler.calls[-1][0]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_handler_that_is_bound_too_late_gets_what_has_come_meanwhile(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    function = lambda_esm.function("orders")
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    for _ in range(2):
        with pytest.raises(HandlerError):
            lambda_esm.clock.advance(30)
    function.bind(lambda event, context: None)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["deleted"]


def test_the_concurrency_of_a_broken_batch_is_free_again(lambda_esm, error):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", Raising(error, times=2))
    mapping = subscribe(lambda_esm, url, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(url, *"abcd")
    for _ in range(2):
        with pytest.raises(type(error)):
            lambda_esm.clock.advance(1)
    lambda_esm.clock.advance(1)  # "c" and "d" do not need a third batch in flight.
    assert sorted(fates(lambda_esm, mapping)) == ["deleted", "deleted", "in flight", "in flight"]
    assert "is in use" not in lambda_esm.explain(mapping)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["deleted"] * 4


@pytest.mark.parametrize("make_source", [KinesisSource, TableSource])
def test_a_stream_retries_the_batch_and_counts_the_attempt(lambda_esm, error, make_source):
    source = make_source(lambda_esm)
    handler = Raising(error)
    lambda_esm.function("orders", handler)
    mapping = lambda_esm.mapping(
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn=source.arn, FunctionName="orders", StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=1
        )
    )
    source.put("a")
    with pytest.raises(type(error)):
        lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["waiting"]
    assert f"broken off by {type(error).__name__}" in lambda_esm.explain(mapping)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["done"]
    assert [invocation.attempt for invocation in lambda_esm.invocations] == [2]
    assert mapping.metrics["FailedInvokeEventCount"] == 1


def test_a_stream_discards_a_batch_whose_retries_are_used_up(lambda_esm, error):
    source = KinesisSource(lambda_esm)
    lambda_esm.function("orders", Raising(error, times=9))
    mapping = lambda_esm.mapping(
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn=source.arn, FunctionName="orders", StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=0
        )
    )
    source.put("a")
    with pytest.raises(type(error)):
        lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["discarded"]


def test_an_asynchronous_event_is_retried_after_a_minute(lambda_esm, error):
    handler = Raising(error)
    function = lambda_esm.function("orders", handler)
    boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event", Payload=b"{}")
    with pytest.raises(type(error)):
        lambda_esm.clock.advance(0)
    assert fates(lambda_esm, function) == ["waiting"]
    assert "attempt 2 is due" in lambda_esm.explain(function)
    lambda_esm.clock.advance(60)
    assert fates(lambda_esm, function) == ["done"]
    assert [invocation.attempt for invocation in function.invocations] == [2]


def test_an_asynchronous_event_ends_when_its_retries_are_used_up(lambda_esm, error):
    url = make_queue("dead")
    function = lambda_esm.function("orders", Raising(error, times=9))
    aws_lambda = boto3.client("lambda")
    aws_lambda.put_function_event_invoke_config(
        FunctionName="orders",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn_of(url)}},
    )
    aws_lambda.invoke(FunctionName="orders", InvocationType="Event", Payload=b"{}")
    with pytest.raises(type(error)):
        lambda_esm.clock.advance(0)
    assert fates(lambda_esm, function) == ["sent to a destination"]
    [message] = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert "responseContext" not in record


def test_a_handler_that_broke_off_late_ends_at_once_and_other_events_run_later(lambda_esm, error):
    """Two functions are due at the same instant; each move of the clock shows one exception."""

    def sleeps(event, context):
        time.sleep(2)
        raise error

    lambda_esm.function("first", sleeps)
    lambda_esm.function("second", Raising(error))
    third = lambda_esm.function("third", lambda event, context: None)
    for name in ("first", "second", "third"):
        boto3.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    before = lambda_esm.clock.now
    for _ in range(2):
        with pytest.raises(type(error)):
            lambda_esm.clock.advance(1)
        assert lambda_esm.clock.now == before
    assert third.invocations == []
    lambda_esm.clock.advance(1)
    assert fates(lambda_esm, third) == ["done"]


def test_a_duplicated_batch_runs_no_handler_after_an_exception(lambda_esm, error):
    url = make_queue(VisibilityTimeout=30)
    handler = Raising(error)
    lambda_esm.function("orders", handler)
    mapping = subscribe(lambda_esm, url)
    lambda_esm.faults.add("poller.Read", "duplicated")
    send(url, "a")
    with pytest.raises(type(error)):
        lambda_esm.clock.advance(1)
    assert len(handler.calls) == 1
    lambda_esm.clock.run_until_idle()
    assert (len(handler.calls), fates(lambda_esm, mapping)) == (2, ["deleted"])


@pytest.mark.lambda_esm(advice_ignore="ESM101")
def test_a_loop_that_was_stopped_leaves_no_batch_in_flight(lambda_esm):
    url = make_queue()
    answers = ["fail"] * 3000

    def handler(event, context):
        if answers:
            raise ValueError(answers.pop())

    lambda_esm.function("orders", handler)
    mapping = subscribe(lambda_esm, url)
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    send(url, "a")
    with pytest.raises(LambdaEsmError, match="in one instant"):
        lambda_esm.clock.advance(1)
    answers.clear()
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["deleted"]


# --- predicates of faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [ValueError("a bug in the predicate"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["poller.Read", "poller.Invoke", "poller.Delete"])
def test_a_raising_predicate_fails_the_step_of_a_queue(lambda_esm, step, broken):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", lambda event, context: None)
    mapping = subscribe(lambda_esm, url)
    fault = {"poller.Delete": "lost"}.get(step, "failed")
    lambda_esm.faults.add(step, fault, match=Raising(broken), optional=True)
    send(url, "a")
    with pytest.raises(FaultError if isinstance(broken, ValueError) else type(broken)):
        lambda_esm.clock.advance(1)
    assert len(lambda_esm.fates(mapping)) == 1
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["deleted"]


@pytest.mark.parametrize("step", ["poller.Read", "poller.Invoke", "poller.Checkpoint"])
def test_a_raising_predicate_fails_the_step_of_a_stream(lambda_esm, step):
    source = KinesisSource(lambda_esm)
    lambda_esm.function("orders", lambda event, context: None)
    mapping = lambda_esm.mapping(
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn=source.arn, FunctionName="orders", StartingPosition="TRIM_HORIZON"
        )
    )
    fault = {"poller.Checkpoint": "late"}.get(step, "failed")
    lambda_esm.faults.add(step, fault, match=Raising(KeyboardInterrupt()), optional=True)
    source.put("a")
    with pytest.raises(KeyboardInterrupt):
        lambda_esm.clock.run_until_idle()
    assert len(lambda_esm.fates(mapping)) == 1
    source.put("b")
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["done", "done"]


def test_a_raising_predicate_at_an_event_is_an_error_of_lambda_that_uses_no_retry(lambda_esm):
    function = lambda_esm.function("orders", lambda event, context: None)
    lambda_esm.faults.add("poller.InvokeEvent", "failed", match=Raising(KeyboardInterrupt()), optional=True)
    boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event", Payload=b"{}")
    with pytest.raises(KeyboardInterrupt):
        lambda_esm.clock.advance(0)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, function) == ["done"]
    assert [invocation.attempt for invocation in function.invocations] == [1]


@pytest.mark.parametrize("kind", ["event", "stream"])
def test_a_raising_predicate_at_a_destination_refuses_what_is_sent(lambda_esm, kind):
    destination = {"OnFailure": {"Destination": arn_of(make_queue("failures"))}}

    def handler(event, context):
        raise ValueError("no")

    source = function = lambda_esm.function("orders", handler)
    aws_lambda = boto3.client("lambda")
    if kind == "event":
        aws_lambda.put_function_event_invoke_config(
            FunctionName="orders", MaximumRetryAttempts=0, DestinationConfig=destination
        )
        aws_lambda.invoke(FunctionName="orders", InvocationType="Event", Payload=b"{}")
    else:
        stream = KinesisSource(lambda_esm)
        source = lambda_esm.mapping(
            aws_lambda.create_event_source_mapping(
                EventSourceArn=stream.arn,
                FunctionName="orders",
                StartingPosition="TRIM_HORIZON",
                MaximumRetryAttempts=0,
                DestinationConfig=destination,
            )
        )
        stream.put("a")
    lambda_esm.faults.add("poller.Send", "refused", match=Raising(KeyboardInterrupt()), optional=True)
    with pytest.raises(KeyboardInterrupt):
        lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, source) == ["discarded"]
    lambda_esm.clock.run_until_idle()
    assert (fates(lambda_esm, source), len(function.invocations)) == (["discarded"], 1)


# --- hooks ---------------------------------------------------------------------------------------------------------


class RaisingHooks(Hooks):
    """Hooks; the one that ``armed`` names raises once."""

    def __init__(self, error):
        self.error, self.armed = error, None

    def _may_raise(self, name):
        if self.armed == name:
            self.armed = None
            raise self.error

    def call(self, call):
        self._may_raise("call")

    def transition(self, mapping, transition):
        self._may_raise(f"transition to {transition.state}")

    def take_part_in_invocations(self):
        return True

    def invoke(self, invocation):
        self._may_raise("invoke")
        return invocation.run()


@pytest.fixture
def hooked():
    with FakeLambda(region="us-east-1", advice="off", _hooks=RaisingHooks(KeyboardInterrupt())) as fake:
        yield fake


def test_a_raising_hook_around_the_handler_is_a_failed_attempt(hooked):
    url = make_queue(VisibilityTimeout=30)
    hooked.function("orders", lambda event, context: None)
    mapping = subscribe(hooked, url)
    hooked._hooks.armed = "invoke"
    send(url, "a")
    with pytest.raises(KeyboardInterrupt):
        hooked.clock.advance(1)
    hooked.clock.run_until_idle()
    assert fates(hooked, mapping) == ["deleted"]


@pytest.mark.parametrize("hook", ["transition to Creating", "transition to Enabled", "call"])
@pytest.mark.parametrize("enabling", [5, 0, "instant"])
def test_a_mapping_whose_hook_raised_becomes_enabled_all_the_same(hooked, hook, enabling):
    url = make_queue()
    hooked.function("orders", lambda event, context: None)
    hooked.transitions(creating=enabling)
    hooked._hooks.armed = hook
    with pytest.raises(KeyboardInterrupt):
        subscribe(hooked, url)
    hooked.clock.run_until_idle()
    [mapping] = hooked.mappings
    assert mapping.state == "Enabled"
    send(url, "a")
    hooked.clock.run_until_idle()
    assert fates(hooked, mapping) == ["deleted"]


def test_a_hook_that_raises_while_a_fault_disables_the_mapping(hooked):
    url = make_queue()
    hooked.function("orders", lambda event, context: None)
    mapping = subscribe(hooked, url)
    hooked.faults.add("poller.Read", "disabled")
    hooked._hooks.armed = "transition to Disabled"
    send(url, "a")
    with pytest.raises(KeyboardInterrupt):
        hooked.clock.advance(1)
    assert (mapping.state, fates(hooked, mapping)) == ("Disabled", ["waiting"])
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=True)
    hooked.clock.run_until_idle()
    assert fates(hooked, mapping) == ["deleted"]


# --- bugs of this package, which tests may also catch ----------------------------------------------------------------


def test_a_bug_in_a_queues_read_does_not_stop_its_poller(lambda_esm, monkeypatch):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", lambda event, context: None)
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    with monkeypatch.context() as patch:
        patch.setattr(storage.Receiver, "receive", Raising(RuntimeError("a bug"), times=99))
        with pytest.raises(RuntimeError, match="a bug"):
            lambda_esm.clock.advance(1)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["deleted"]


def test_a_bug_in_a_streams_read_does_not_stop_its_lane(lambda_esm, monkeypatch):
    source = KinesisSource(lambda_esm)
    lambda_esm.function("orders", lambda event, context: None)
    mapping = lambda_esm.mapping(
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn=source.arn, FunctionName="orders", StartingPosition="TRIM_HORIZON"
        )
    )
    lambda_esm.clock.run_until_idle()
    source.put("a")
    for name in ("take", "collect"):
        with monkeypatch.context() as patch:
            patch.setattr(OpenBatch, name, Raising(RuntimeError("a bug"), times=99))
            with pytest.raises(RuntimeError, match="a bug"):
                lambda_esm.clock.advance(1)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, mapping) == ["done"]


def test_a_bug_at_the_end_of_an_event_discards_it(lambda_esm, monkeypatch):
    function = lambda_esm.function("orders", lambda event, context: None)
    boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event", Payload=b"{}")
    results = lambda_esm._world.async_queue._results
    with monkeypatch.context() as patch:
        patch.setattr(results, "deliver", Raising(RuntimeError("a bug")))
        with pytest.raises(RuntimeError, match="a bug"):
            lambda_esm.clock.advance(1)
    lambda_esm.clock.run_until_idle()
    assert fates(lambda_esm, function) == ["discarded"]
