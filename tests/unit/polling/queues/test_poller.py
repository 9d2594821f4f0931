"""The poller of a queue, with a simple queue of this file and without moto."""

import dataclasses
from datetime import datetime, timezone

import pytest

from helpers.interference import NoInterference
from pytest_lambda_esm import LambdaEsmError, Mapping, TransitionTimes
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.mappings.lifecycle import step_for_create, step_for_update
from pytest_lambda_esm.mappings.mapping import MappingSpec
from pytest_lambda_esm.observe.fates import FateLedger, Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.engine import Engine
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.queues.context import QueueContext, QueuePolling
from pytest_lambda_esm.polling.queues.poller import QueuePoller
from pytest_lambda_esm.polling.queues.scaling import ScalingRates
from pytest_lambda_esm.sources import sqs
from pytest_lambda_esm.sources.queue_ports import ReceivedMessage, WaitingMessage
from pytest_lambda_esm.timing import Backoff

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000
ARN = "arn:aws:sqs:us-east-1:123456789012:q"


@dataclasses.dataclass
class Waiting:
    name: str
    visible: int
    receives: int = 0


class MemoryQueue:
    """Messages in a list; a receipt handle is the name and the receive count."""

    visibility_timeout = 30
    missing_dead_letter_target = None
    has_dead_letter_queue = False

    def __init__(self):
        self.messages = []
        self.receives = 0

    def receive(self, limit, now, admits, visibility):
        self.receives += 1
        taken = [message for message in self.messages if message.visible <= now][:limit]
        for message in taken:
            message.visible = now + visibility * SECOND
            message.receives += 1
        return [self.received(message) for message in taken], [], []

    def received(self, message):
        values = dict.fromkeys(ReceivedMessage._fields)
        values |= {"message_id": message.name, "receipt_handle": f"{message.name}-{message.receives}"}
        values |= {"receive_count": message.receives, "depth": 0}
        return ReceivedMessage(**values)

    def delete(self, received, now):
        handles = {entry.receipt_handle for entry in received}
        gone = [message for message in self.messages if f"{message.name}-{message.receives}" in handles]
        self.messages = [message for message in self.messages if message not in gone]
        return [message.name for message in gone]

    def held_until(self, received):
        handles = {f"{message.name}-{message.receives}": message.visible for message in self.messages}
        return handles.get(received.receipt_handle)

    def blocked(self, now):
        return ()

    def next_visible(self):
        return min((message.visible for message in self.messages), default=None)

    def contents(self):
        return [WaitingMessage(message.name, message.visible, message.receives, 0) for message in self.messages]


class World:
    def __init__(self, outcome=lambda names: True, duration=0, delay=0, batch_size=2, **polling):
        self.clock = EventClock(START)
        self.queue = MemoryQueue()
        self.delivered = []
        self.outcome, self.duration = outcome, duration
        self.timeline = Timeline(lambda: self.clock.instant)
        self.ledger = FateLedger()
        rates = {"initial": 5, "growth": 0, "maximum": 1250, "lowered_by": 1}
        self.settings = QueuePolling(
            **{
                "latency": 0,
                "low_traffic_wait": 0,
                "extend_visibility": False,
                "read_retry": SECOND,
                "loop_depth": 1000,
                "throttle_backoff": Backoff(SECOND, 8 * SECOND),
                **polling,
            },
            rates=ScalingRates(**rates),
        )
        self.engine = Engine(
            self.clock,
            new_poller=self.poller,
            delay=delay * SECOND,
            polling_states=("Updating", "Disabling"),
        )
        self.mapping = Mapping(
            MappingSpec(
                uuid="a-uuid",
                arn="an-arn",
                account_id="123456789012",
                region="us-east-1",
                settings={
                    "FunctionArn": "f",
                    "EventSourceArn": ARN,
                    "BatchSize": batch_size,
                    "MaximumBatchingWindowInSeconds": 0,
                    "FunctionResponseTypes": [],
                },
                user_reason="USER_INITIATED",
                metric_names=sqs.STANDARD.metrics,
            ),
            times=TransitionTimes,
            clock=self.clock,
            on_transition=self.engine.on_transition,
        )
        self.mapping._begin(step_for_create(enabled=True))

    def find(self, arn):
        return self.queue

    def poller(self, mapping):
        context = QueueContext(
            mapping=mapping,
            queues=self,
            deliver=self.deliver,
            stops_loop=lambda mapping, depth: False,
            clock=self.clock,
            journal=Journal(self.timeline, self.ledger),
            polling=self.settings,
            interference=NoInterference(),
            interruptions=Interruptions(),
            timeout=lambda mapping: 3,
            source_changed=self.engine.source_changed,
        )
        return QueuePoller(context)

    def deliver(self, mapping, event, attempt, depth):
        names = [record["messageId"] for record in event()["Records"]]
        self.delivered.append((names, attempt, (self.clock.instant - self.first) / SECOND))
        if self.outcome(names) == "throttled":
            return Delivery(False, self.clock.instant, "f", "throttled", throttled=True)
        return Delivery(self.outcome(names), self.clock.instant + int(self.duration * SECOND), "f", "done")

    first = EventClock(START).instant

    def send(self, *names, delay=0):
        for name in names:
            self.queue.messages.append(Waiting(name, self.clock.instant + delay * SECOND))
        self.engine.source_changed(ARN)


def test_batches_are_delivered_from_the_moment_of_enabled_and_deleted():
    world = World()
    world.send("a", "b", "c")
    world.clock.run_until_idle()
    assert world.delivered == [(["a", "b"], 1, 5), (["c"], 1, 5)]
    assert world.queue.messages == []
    assert [(fate.record, fate.fate) for fate in world.ledger.final(ARN)] == [(name, "deleted") for name in "abc"]
    assert world.mapping.metrics == {
        "PolledEventCount": 3,
        "FilteredOutEventCount": 0,
        "InvokedEventCount": 3,
        "FailedInvokeEventCount": 0,
        "DeletedEventCount": 3,
    }


def test_polling_may_begin_later_than_enabled():
    world = World(delay=7)
    world.send("a")
    world.clock.run_until_idle()
    assert world.delivered == [(["a"], 1, 12)]


def test_latency_counts_from_visibility():
    world = World(latency=2 * SECOND)
    world.clock.advance(10)
    world.send("a")
    world.clock.run_until_idle()
    assert world.delivered == [(["a"], 1, 12)]


def test_an_idle_mapping_has_no_event_and_makes_no_receive():
    world = World()
    world.clock.run_until_idle()
    receives = world.queue.receives
    world.clock.advance(days=7)
    assert world.clock.pending == ()
    assert world.queue.receives == receives


def test_a_failed_batch_comes_again_at_receipt_plus_timeout():
    world = World(outcome=lambda names: len(world.delivered) == 3)
    world.send("a")
    world.clock.run_until_idle()
    assert world.delivered == [(["a"], 1, 5), (["a"], 2, 35), (["a"], 3, 65)]
    assert world.mapping.metrics["FailedInvokeEventCount"] == 2


def test_a_delayed_message_comes_when_it_is_visible():
    world = World()
    world.clock.advance(10)
    world.send("late", delay=20)
    world.clock.run_until_idle()
    assert world.delivered == [(["late"], 1, 30)]


def test_a_message_that_becomes_visible_earlier_is_not_waited_for():
    world = World()
    world.clock.advance(10)
    world.send("late", delay=20)
    world.queue.messages[0].visible = world.clock.instant + 3 * SECOND
    world.engine.source_changed(ARN)
    world.clock.run_until_idle()
    assert world.delivered == [(["late"], 1, 13)]


def test_the_result_lands_when_the_invocation_ends():
    world = World(duration=4)
    world.send("a")
    world.clock.advance(8.5)
    assert len(world.queue.messages) == 1
    world.clock.advance(0.5)
    assert world.queue.messages == []


def test_five_batches_are_in_flight_at_a_time():
    world = World(duration=10, batch_size=1)
    world.send(*"abcdefg")
    world.clock.run_until_idle()
    assert [when for _, _, when in world.delivered] == [5, 5, 5, 5, 5, 15, 15]


def test_a_stale_receipt_deletes_nothing():
    world = World(duration=40, batch_size=1)
    world.send("a")
    world.clock.advance(5 + 40)
    assert [(attempt, when) for _, attempt, when in world.delivered] == [(1, 5), (2, 35)]
    assert len(world.queue.messages) == 1
    world.clock.advance(30)
    assert "stale receipt" in world.timeline.of("fate")[0].text
    assert len(world.queue.messages) == 1


def test_a_disabled_mapping_polls_no_more_and_goes_on_when_enabled():
    world = World()
    world.clock.advance(5)
    world.mapping._begin(step_for_update("Enabled", False))
    world.send("while disabling")
    world.clock.advance(5)
    world.send("while disabled")
    world.clock.advance(60)
    assert [names for names, _, _ in world.delivered] == [["while disabling"]]
    world.mapping._begin(step_for_update("Disabled", True))
    world.clock.run_until_idle()
    assert world.delivered[-1] == (["while disabled"], 1, 75)


def test_a_mapping_that_was_disabled_does_not_poll_while_updating():
    world = World()
    world.clock.advance(5)
    world.mapping.force("Disabled")
    world.mapping._begin(step_for_update("Disabled", None))
    world.send("a")
    world.clock.run_until_idle()
    assert world.delivered == []


def test_updating_goes_on_polling_with_the_old_settings():
    world = World(batch_size=1)
    world.clock.advance(5)
    world.mapping._begin(step_for_update("Enabled", None), {**world.mapping.settings, "BatchSize": 2})
    world.send("a", "b")
    world.clock.advance(4)
    assert [names for names, _, _ in world.delivered] == [["a"], ["b"]]
    world.clock.advance(1)
    world.send("c", "d")
    world.clock.run_until_idle()
    assert world.delivered[-1][0] == ["c", "d"]


def test_a_queue_that_is_gone_is_left_alone():
    world = World()
    world.clock.advance(5)
    world.send("a")
    world.find = lambda arn: None
    world.queue = None
    world.clock.run_until_idle()
    assert world.delivered == []
    assert "does not exist" in world.engine.explain(world.mapping)[0]


def test_a_chain_of_invocations_that_feed_each_other_ends():
    world = World(loop_depth=3)
    world.queue.received = lambda message: MemoryQueue.received(world.queue, message)._replace(depth=3)
    world.send("a")
    with pytest.raises(LambdaEsmError, match="feeds its own source: message a on arn:aws:sqs"):
        world.clock.run_until_idle()


def test_explain_says_why_what_waits_is_not_delivered():
    world = World()
    assert world.engine.explain(world.mapping) == ["it does not poll in the state Creating"]
    world.clock.advance(5)
    assert world.engine.explain(world.mapping) == ["the queue holds no message"]
    world.send("a", delay=60)
    assert world.engine.explain(world.mapping) == ["the next message becomes visible at 00:01:05.000000: message a"]
    world.queue.messages[0].visible = world.clock.instant
    assert "clock.advance()" in world.engine.explain(world.mapping)[0]


def test_a_throttled_batch_is_kept_and_tried_again_with_backoff():
    world = World(outcome=lambda names: "throttled" if world.clock.instant < world.first + 12 * SECOND else True)
    world.send("a")
    world.clock.run_until_idle()
    assert world.delivered == [(["a"], 1, 5), (["a"], 1, 6), (["a"], 1, 8), (["a"], 1, 12)]
    assert world.queue.messages == []
    assert world.mapping.metrics["InvokedEventCount"] == 1


def test_a_batch_that_stays_throttled_is_let_go_when_its_visibility_timeout_ends():
    world = World(outcome=lambda names: "throttled" if world.clock.instant < world.first + 40 * SECOND else True)
    world.send("a")
    world.clock.run_until_idle()
    assert [(attempt, when) for _, attempt, when in world.delivered] == [
        *[(1, when) for when in (5, 6, 8, 12, 20, 28)],
        *[(2, when) for when in (35, 36, 38, 42)],
    ]
    [released] = [entry for entry in world.timeline.of("fate") if "returned to the queue" in entry.detail]
    assert (released.items, released.instant) == (("a",), world.first + 35 * SECOND)
    assert world.mapping.metrics["PolledEventCount"] == 2


def test_throttled_batches_hold_the_concurrency_and_no_more_is_received():
    world = World(outcome=lambda names: "throttled", batch_size=1)
    world.send(*"abcdefgh")
    world.clock.advance(20)
    assert [message.receives for message in world.queue.messages] == [1] * 5 + [0] * 3
    lines = world.engine.explain(world.mapping)
    assert "a batch of 1 has been throttled 5 times (throttled): next try at 00:00:28" in lines[0]
    assert "it returns to the queue at 00:00:35" in lines[0]


def test_batches_in_flight_come_to_their_end_after_polling_has_stopped():
    world = World(duration=20, batch_size=1)
    world.send("a")
    world.clock.advance(6)
    world.mapping.force("Disabled")
    world.clock.run_until_idle()
    assert world.queue.messages == []
