"""Polls one queue of a message broker for one mapping: receives messages, filters them, and collects batches.

Follows the page "Using Lambda with Amazon MQ". There are no periodic polls: the poller has at most one event on the
clock for when the next message can be received, and none while the queue is empty or something prevents polling.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, READ
from pytest_lambda_esm.filters.mapping_filter import Verdict
from pytest_lambda_esm.observe.fates import DISCARDED, FILTERED_OUT
from pytest_lambda_esm.polling.answers import advise_on_passed
from pytest_lambda_esm.polling.brokers.advice import advise_on_oversized
from pytest_lambda_esm.polling.brokers.batch import BrokerBatch, OpenBatch
from pytest_lambda_esm.polling.brokers.context import BrokerContext, ids_of
from pytest_lambda_esm.polling.brokers.explain import explain_waiting
from pytest_lambda_esm.polling.brokers.problems import Problems
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.sources.broker_ports import Message, Queue
from pytest_lambda_esm.sources.mq_records import weight
from pytest_lambda_esm.timing import time_text
from pytest_lambda_esm.wording import counted

_LONGEST_ESCAPE: Final = 12
"""How many characters one of a text is in JSON at most."""


class Dropped(NamedTuple):
    """Messages that no batch gets: those that are larger than an event, and those that do not pass the filter."""

    oversized: list[Message]
    filtered: list[tuple[Message, Verdict]]


class BrokerPoller:
    """The poller of one mapping; it lives as long as its mapping, so that batches of an earlier run still count."""

    def __init__(self, context: BrokerContext) -> None:
        self._context = context
        self._mapping = context.mapping
        self._clock = context.clock
        self._problems = Problems(context)
        self._polls = False
        self._not_before = 0
        self._open: OpenBatch | None = None
        self._batches: list[BrokerBatch] = []
        self._last: Delivery | None = None
        self._upcoming: Any = None
        self._poll_event = context.interruptions.event(self._poll, self._mend)
        self._close_event = context.interruptions.event(self._close, self._mend)

    def start(self) -> None:
        """Start polling."""
        self._polls = True
        self._context.broker().listen(self.wake)
        self.wake()

    def stop(self) -> None:
        """Stop polling. Invocations still complete; messages that wait for one return to the queue."""
        self._polls = False
        self._context.broker().stop_listening(self.wake)
        self._clock.cancel(self._upcoming)
        self._upcoming = None
        self._withdraw()

    def wake(self) -> None:
        """Schedule the next poll for when there will be something to do, and cancel it if there is nothing."""
        if not self._polls or (self._upcoming is not None and self._upcoming.due <= self._clock.instant):
            return  # The poll that is due looks at everything.
        due = self._next_poll()
        if self._upcoming is not None:
            if self._upcoming.due == due:
                return
            self._clock.cancel(self._upcoming)
            self._upcoming = None
        if due is not None:
            self._upcoming = self._clock.call_in_turn(due, self._poll_event, self._about_poll)

    def explain(self) -> list[str]:
        """Explain why messages are not delivered now, and when they will be."""
        now, lines = self._clock.instant, self.in_hand()
        problem = self._problems.find()
        if problem is not None:
            return lines + self._problems.explain(problem)
        if self._context.timeout(self._mapping) is None:
            lines.append(f"the function {self._mapping.function_arn} does not exist (any more): each batch fails")
        if self._last is not None and not self._last.succeeded:
            lines.append(f"the last batch failed at {time_text(self._last.end, now)}: {self._last.about}")
        if not self._has_room():
            lines.append(f"all of the mapping's concurrency ({self._context.kind().consumers} batches) is in use")
        queue = self._context.queue()
        return lines + (explain_waiting(queue, now) if queue is not None else [])

    def in_hand(self) -> list[str]:
        """Describe the batches that are in flight, wait for their retry or are open; one line each."""
        lines = [batch.explain() for batch in self._batches]
        if self._open is not None:
            count, closes = len(self._open.messages), time_text(self._open.closes, self._clock.instant)
            lines.append(
                f"a batch is open: {count} of {counted(self._open.settings.batch_size, 'message')}; its window ends at"
                f" {closes}"
            )
        return lines

    # --- for its batches ------------------------------------------------------------------------------------

    def may_continue(self) -> bool:
        """Whether the mapping polls, so that a batch may be retried."""
        return self._polls and self._problems.find() is None

    def on_end(self, batch: BrokerBatch, *, pause: bool) -> None:
        """Forget a batch that is over; with ``pause``, receive again only a little later."""
        if batch in self._batches:
            self._batches.remove(batch)
        self._last = batch.delivery
        if pause:
            self._not_before = self._clock.instant + self._context.polling.read_retry
        self.wake()

    # --- when to poll -----------------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        return self._open is not None or len(self._batches) < self._context.kind().consumers

    def _next_poll(self) -> int | None:
        problem, now = self._problems.find(), self._clock.instant
        if self._problems.must_show(problem):
            return now
        queue = self._context.queue() if problem is None else None
        ready = queue.next_ready() if queue is not None and self._has_room() else None
        return None if ready is None else max(ready + self._context.polling.latency, now, self._not_before)

    def _about_poll(self) -> str:
        return (
            f"mapping {self._mapping.uuid}: receive from {self._context.settings().queue} of {self._mapping.source_arn}"
        )

    def _about_close(self) -> str:
        return f"mapping {self._mapping.uuid}: the batching window ends"

    # --- receive and collect ----------------------------------------------------------------------------------

    def _poll(self) -> None:
        self._upcoming = None
        problem = self._problems.find()
        self._problems.show(problem)
        queue = self._context.queue() if problem is None else None
        if queue is None:
            self._withdraw()
        elif self._has_room() and queue.first(self._clock.instant) is not None:
            fault = self._context.interference.at(READ, self._mapping, cannot=KEEPS_ITS_ORDER)
            if fault in ("throttled", "failed"):
                self._not_before = self._clock.instant + self._context.polling.read_retry
            elif self._polls:  # The fault may have disabled or deleted the mapping.
                self._receive(queue, fault == "duplicated")
        self.wake()

    def _receive(self, queue: Queue, twice: bool) -> None:
        now, context = self._clock.instant, self._context
        empty = len(json.dumps(context.kind().event(self._mapping.source_arn, queue, [])))
        batch = self._open or OpenBatch(queue, context.settings(), now, empty)
        batch.again = batch.again or twice
        context.end_expired(queue, queue.expire(now))
        self._collect(batch)
        self._open = batch
        if batch.is_full or (batch.messages and not batch.settings.window):
            self._close()
        elif not batch.messages:
            self._open = None
        elif batch.closing is None:
            batch.closing = self._clock.call_at(batch.closes, self._close_event, self._about_close)

    def _collect(self, batch: OpenBatch) -> None:
        """Move messages from the queue into the batch; drop those that are too large, and those that do not pass."""
        received, dropped = len(batch.messages), Dropped([], [])
        if batch.settings.record_filter is not None or not self._take_all(batch):
            self._take_one_by_one(batch, dropped)
        if len(batch.messages) > received:
            ids = ids_of(batch.messages[received:])
            text = f"received {counted(len(ids), 'message')}"
            self._context.journal.add("poll", batch.queue.address, text, ids)
        self._drop(batch.queue, dropped)

    def _take_all(self, batch: OpenBatch) -> bool:
        """Move all messages that there are into the batch if they fit for sure, without weighing each."""
        queue = batch.queue
        ready = queue.ready(self._clock.instant, batch.room)
        name = _LONGEST_ESCAPE * len(queue.name)
        bounds = [message.overhead + name + (len(message.body) + 2) // 3 * 4 for message in ready]
        if not batch.extend(ready, bounds):
            return False
        queue.take_all(ready)
        return True

    def _take_one_by_one(self, batch: OpenBatch, dropped: Dropped) -> None:
        now, kind = self._clock.instant, self._context.kind()
        queue, record_filter = batch.queue, batch.settings.record_filter
        batch.weigh(lambda message: weight(kind.record(queue, message, now)))
        while not batch.is_full and (message := queue.first(now)) is not None:
            record = kind.record(queue, message, now)
            size = weight(record)
            verdict = record_filter.verdict(record) if record_filter is not None else None
            if verdict is not None and not verdict.passed:
                dropped.filtered.append((message, verdict))
            elif size > batch.largest:
                dropped.oversized.append(message)
            elif not batch.add(message, size):
                break
            elif verdict is not None:
                advise_on_passed(self._context.journal, self._mapping, verdict)
            queue.take()

    def _drop(self, queue: Queue, dropped: Dropped) -> None:
        journal, oversized, filtered = self._context.journal, dropped.oversized, dropped.filtered
        if oversized:
            queue.acknowledge(oversized)
            text = f"{len(oversized)} dropped: larger than an event of 6 MB"
            journal.fate(queue.address, ids_of(oversized), DISCARDED, text)
            advise_on_oversized(self._context, len(oversized))
        if filtered:
            messages = [message for message, _ in filtered]
            queue.acknowledge(messages)
            text = f"{len(filtered)} filtered out and acknowledged"
            journal.fate(queue.address, ids_of(messages), FILTERED_OUT, text, lambda place: filtered[place][1].why)

    def _close(self) -> None:
        """Deliver the open batch."""
        collected, self._open = self._open, None
        assert collected is not None
        self._clock.cancel(collected.closing)
        batch = BrokerBatch(self._context, collected.queue, collected.messages, self)
        batch.again = collected.again
        self._batches.append(batch)
        batch.invoke()
        self.wake()

    def _withdraw(self) -> None:
        """Return all messages to the queue, except for those that the function runs with."""
        collected, self._open = self._open, None
        if collected is not None:
            self._clock.cancel(collected.closing)
            collected.queue.give_back(collected.messages)
        for batch in tuple(self._batches):
            batch.withdraw()

    def _mend(self) -> None:
        """Continue after a bug; the batch concerned has returned its messages."""
        self._not_before = self._clock.instant + self._context.polling.read_retry
        self.wake()
