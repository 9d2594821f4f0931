"""Polls one SQS queue for one mapping: receive, invoke, delete or let reappear.

It follows the page "Using Lambda with Amazon SQS". Nothing ticks: a lane has at most one event on the clock, at the
moment when the next message becomes visible, and none while the queue is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.faults.poller_steps import DELETE, READ
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, DELETED, EXPIRED
from pytest_lambda_esm.polling.interference import Interference
from pytest_lambda_esm.polling.ports import Clock, Deliver, Delivery, Journal
from pytest_lambda_esm.sources.queue import Queue, Queues, Receipt, ReceivedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolling:
    """How queues are polled: ``latency`` in microseconds from visibility to receipt, batches in flight at a time,
    how deep a chain of invocations may become that each feed the next, and after how many microseconds a failed read is
    tried again."""

    latency: int
    concurrency: int
    loop_depth: int
    read_retry: int


class QueueLane:
    """The poller of one mapping on one queue."""

    def __init__(
        self,
        mapping: Mapping,
        *,
        queues: Queues,
        record: Callable[[ReceivedMessage], dict[str, Any]],
        deliver: Deliver,
        clock: Clock,
        journal: Journal,
        polling: QueuePolling,
        interference: Interference,
    ) -> None:
        self._mapping = mapping
        self._queues = queues
        self._record = record
        self._deliver = deliver
        self._clock = clock
        self._journal = journal
        self._polling = polling
        self._interference = interference
        self._polls = False
        self._in_flight = 0
        self._not_before = 0
        self._upcoming: Any = None

    def start(self) -> None:
        """Begin to poll."""
        self._polls = True
        self.wake()

    def stop(self) -> None:
        """Poll no more; batches in flight come to their end."""
        self._polls = False
        self._clock.cancel(self._upcoming)
        self._upcoming = None

    def wake(self) -> None:
        """See to it that a poll is due when the next message is visible."""
        if not self._polls or self._in_flight >= self._polling.concurrency:
            return
        queue = self._queue()
        visible = queue.next_visible() if queue is not None else None
        if visible is None:
            return
        due = max(visible + self._polling.latency, self._clock.instant, self._not_before)
        if self._upcoming is not None:
            if self._upcoming.due <= due:
                return
            self._clock.cancel(self._upcoming)
        self._upcoming = self._clock.call_at(due, self._poll, self._about_poll)

    def explain(self) -> list[str]:
        """Why what waits is not delivered now, and when it will be."""
        queue = self._queue()
        if queue is None:
            return [f"the queue {self._mapping.source_arn} does not exist (any more)"]
        lines = []
        if self._in_flight:
            lines.append(f"{self._in_flight} batches are in flight")
        visible = queue.next_visible()
        if visible is None:
            lines.append("the queue holds no message")
        elif visible > self._clock.instant:
            lines.append(f"the next message becomes visible at {moment_of(visible):%H:%M:%S.%f}")
        else:
            lines.append("messages are visible and will be received as soon as the clock runs: clock.advance()")
        return lines

    # --- inside ------------------------------------------------------------------------------------------

    def _queue(self) -> Queue | None:
        return self._queues.find(self._mapping.source_arn)

    def _about_poll(self) -> str:
        return f"mapping {self._mapping.uuid}: receive from {self._mapping.source_arn}"

    def _poll(self) -> None:
        self._upcoming = None
        queue = self._queue()
        if queue is None:
            return
        trouble = self._interference.at(READ, self._mapping)
        if not self._polls:
            return
        if trouble in ("throttled", "failed"):
            self._not_before = self._clock.instant + self._polling.read_retry
            self.wake()
            return
        if trouble == "reordered":
            queue.pass_over(self._clock.instant)
        receipt = queue.receive(int(self._mapping.settings["BatchSize"]), self._clock.instant)
        self._note_fates(receipt)
        if receipt.messages:
            for _ in range(2 if trouble == "duplicated" else 1):
                self._invoke(queue, receipt.messages)
        self.wake()

    def _invoke(self, queue: Queue, messages: Sequence[ReceivedMessage]) -> None:
        self._refuse_loops(messages)
        subject = self._mapping.source_arn
        ids = tuple(message.message_id for message in messages)
        receives = max(message.receive_count for message in messages)
        self._journal.add("poll", subject, f"received {len(ids)}, receive count up to {receives}", ids)
        self._mapping.counters["PolledEventCount"] += len(ids)
        self._mapping.counters["InvokedEventCount"] += len(ids)
        depth = max(message.depth for message in messages)
        delivery = self._deliver(self._mapping, partial(self._make_event, messages), receives, depth)
        if delivery.end <= self._clock.instant:
            self._complete(queue, messages, delivery)
            return
        self._in_flight += 1
        self._clock.call_at(
            delivery.end,
            lambda: self._complete_later(messages, delivery),
            lambda: f"mapping {self._mapping.uuid}: {delivery.function} ends: {delivery.about}",
        )

    def _make_event(self, messages: Sequence[ReceivedMessage]) -> dict[str, Any]:
        return {"Records": [self._record(message) for message in messages]}

    def _complete_later(self, messages: Sequence[ReceivedMessage], delivery: Delivery) -> None:
        self._in_flight -= 1
        queue = self._queue()
        if queue is not None:
            self._complete(queue, messages, delivery)
        self.wake()

    def _complete(self, queue: Queue, messages: Sequence[ReceivedMessage], delivery: Delivery) -> None:
        subject = self._mapping.source_arn
        self._journal.add("result", delivery.function, delivery.about)
        if not delivery.succeeded:
            ids = tuple(message.message_id for message in messages)
            self._mapping.counters["FailedInvokeEventCount"] += len(ids)
            text = f"{len(ids)} stay in the queue, hidden until their visibility timeout ends"
            self._journal.add("fate", subject, text, ids)
            return
        ids = tuple(message.message_id for message in messages)
        if self._interference.at(DELETE, self._mapping, ids) == "lost":
            self._journal.add("fate", subject, f"{len(ids)} not deleted after success: the delete was lost", ids)
            return
        deleted = queue.delete(messages)
        self._mapping.counters["DeletedEventCount"] += len(deleted)
        if deleted:
            self._journal.fate(subject, deleted, DELETED, f"{len(deleted)} deleted after success")
        if len(deleted) < len(messages):
            stale = tuple(message.message_id for message in messages if message.message_id not in deleted)
            text = f"{len(stale)} not deleted: deleted before, or received again meanwhile (stale receipt)"
            self._journal.add("fate", subject, text, stale)

    def _note_fates(self, receipt: Receipt) -> None:
        subject = self._mapping.source_arn
        if receipt.dead_lettered:
            text = f"{len(receipt.dead_lettered)} moved to the dead-letter queue"
            self._journal.fate(subject, receipt.dead_lettered, DEAD_LETTERED, text)
        if receipt.expired:
            text = f"{len(receipt.expired)} expired at the queue's retention period"
            self._journal.fate(subject, receipt.expired, EXPIRED, text)

    def _refuse_loops(self, messages: Sequence[ReceivedMessage]) -> None:
        for message in messages:
            if message.depth >= self._polling.loop_depth:
                raise LambdaEsmError(
                    f"the function {self._mapping.function_arn} feeds its own source: message {message.message_id} on"
                    f" {self._mapping.source_arn} is the end of a chain of {message.depth} invocations, each of"
                    f" which sent the message that caused the next (receive count {message.receive_count}, at"
                    f" {moment_of(self._clock.instant):%H:%M:%S.%f}). Stop the loop, or raise the setting 'loop_depth'."
                )
