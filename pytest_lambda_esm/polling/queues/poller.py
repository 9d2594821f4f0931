"""Polls one SQS queue for one mapping: receives messages, filters them, and collects and invokes batches.

Follows the page "Using Lambda with Amazon SQS". There are no periodic polls: the poller has at most one event on the
clock, for when the next message becomes visible, and none while the queue is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, NOTHING, READ
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.loop_guard import LoopGuard
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.queues.advice import advise_on_filtered
from pytest_lambda_esm.polling.queues.batch import OpenBatch, QueueBatch, most_receives
from pytest_lambda_esm.polling.queues.context import QueueContext
from pytest_lambda_esm.polling.queues.explain import described, explain_waiting, first_message
from pytest_lambda_esm.polling.queues.scaling import Scaling
from pytest_lambda_esm.polling.queues.settings import VISIBILITY_RESERVE, QueueSettings, settings_of
from pytest_lambda_esm.sources.queue_ports import DEPTH, MESSAGE_ID, Queue, Received, group_of
from pytest_lambda_esm.timing import MICROSECONDS, time_text
from pytest_lambda_esm.wording import counted


class QueuePoller:
    """The poller of one mapping on one queue."""

    def __init__(self, context: QueueContext) -> None:
        self._context = context
        self._mapping = context.mapping
        self._source = context.mapping.source_arn
        self._clock = context.clock
        self._journal = context.journal
        self._polling = context.polling
        self._is_fifo = self._source.endswith(".fifo")
        self._cannot = KEEPS_ITS_ORDER if self._is_fifo else NOTHING
        self._settings = settings_of(self._mapping.settings, self._source, self._polling)
        self._scaling = Scaling(self._settings.bounds)
        self._loops = LoopGuard(self._mapping, self._polling.loop_depth)
        self._polls = False
        self._not_before = 0
        self._in_flight: dict[int, QueueBatch] = {}
        self._running: QueueBatch | None = None
        self._open_batch: OpenBatch | None = None
        self._last: Delivery | None = None
        self._refused: str | None = None
        self._upcoming: Any = None
        self._poll_event = context.interruptions.event(self._poll, self._mend)
        self._close_event = context.interruptions.event(self._close, self._mend)

    def start(self) -> None:
        """Start polling."""
        self._polls = True
        self.wake()

    def stop(self) -> None:
        """Stop polling. Batches in flight still complete, and messages that were received are still delivered."""
        self._polls = False
        self._clock.cancel(self._upcoming)
        self._upcoming = None
        if self._open_batch is not None:
            self._clock.cancel(self._open_batch.closing)
            self._open_batch.closing = self._clock.call_at(self._clock.instant, self._close_event, self._describe_close)

    def wake(self) -> None:
        """Schedule the next poll for when there will be something to receive, and cancel it if there is nothing."""
        if not self._polls:
            return
        due = self._next_poll()
        if self._upcoming is not None:
            if self._upcoming.due == due:
                return
            self._clock.cancel(self._upcoming)
            self._upcoming = None
        if due is not None:
            self._upcoming = self._clock.call_in_turn(due, self._poll_event, self._describe_poll)

    def explain(self) -> list[str]:
        """Explain why messages are not delivered now, and when they will be."""
        queue = self._context.queues.find(self._source)
        if queue is None:
            return [f"the queue {self._source} does not exist (any more)"]
        now, has_room = self._clock.instant, self._has_room(self._clock.instant)
        lines = self.in_hand()
        if self._refused is not None:
            lines.append(f"it does not receive: {self._refused}")
        if self._context.timeout(self._mapping) is None:
            lines.append(f"the function {self._mapping.function_arn} does not exist (any more): each batch fails")
        if self._last is not None and not self._last.succeeded:
            lines.append(f"the last batch failed at {time_text(self._last.end, now)}: {self._last.about}")
        if not has_room:
            lines.append(
                f"all of the mapping's concurrency ({counted(self._scaling.capacity(now), 'batch')}) is in use"
            )
        return lines + explain_waiting(queue, now, has_room)

    def in_hand(self) -> list[str]:
        """Describe the batches that are in flight or open, also after polling has stopped; one line each."""
        lines = [batch.explain() for batch in self._in_flight.values()]
        if self._running is not None:
            lines.append(self._running.explain())
        if self._open_batch is not None:
            count, size = len(self._open_batch.messages), self._open_batch.settings.batch_size
            closes = time_text(self._open_batch.closes, self._clock.instant)
            lines.append(f"a batch is open: {count} of {size} messages; its window ends at {closes}")
        return lines

    # --- when to poll -----------------------------------------------------------------------------------------

    def _current_settings(self) -> QueueSettings:
        settings = self._mapping._in_force
        if self._settings.settings is not settings:
            self._settings = settings_of(settings, self._source, self._polling)
            self._scaling.set_bounds(self._settings.bounds, self._clock.instant)
        return self._settings

    def _has_room(self, now: int) -> bool:
        return self._open_batch is not None or len(self._in_flight) < self._scaling.capacity(now)

    def _next_poll(self) -> int | None:
        self._current_settings()  # An update may have raised the maximum concurrency.
        queue = self._context.queues.find(self._source)
        visible = queue.next_visible() if queue is not None else None
        if visible is None:
            if not self._in_flight and self._open_batch is None:
                self._scaling.reset()
            return None
        now = self._clock.instant
        due = max(visible + self._polling.latency, now, self._not_before)
        if due > now or self._has_room(now):
            return due
        return self._scaling.grow(now)

    def _describe_poll(self) -> str:
        queue = self._context.queues.find(self._source)
        first = first_message(queue) if queue is not None else None
        about = f" {described(first)}" if first is not None else ""
        return f"mapping {self._mapping.uuid}: receive{about} from {self._source}"

    def _describe_close(self) -> str:
        return f"mapping {self._mapping.uuid}: the batching window ends"

    # --- receive and collect ----------------------------------------------------------------------------------

    def _poll(self) -> None:
        self._upcoming = None
        queue = self._context.queues.find(self._source)
        settings = self._current_settings()
        now = self._clock.instant
        if self._is_refused():
            return  # A change of the role's policies wakes this poller.
        if queue is not None and self._has_room(now):
            fault = self._context.interference.at(READ, self._mapping, cannot=self._cannot)
            if not self._polls:
                return  # The fault was an action of the test that disabled or deleted the mapping.
            if fault in ("throttled", "failed"):
                self._not_before = now + self._polling.read_retry
            else:
                self._scaling.stop_growing(now)
                self._receive(queue, settings, now, fault)
        self.wake()

    def _is_refused(self) -> bool:
        """Whether the function's role may not read the queue, which the mapping's LastProcessingResult then shows."""
        forbidden = self._context.forbidden(self._mapping)
        if forbidden == self._refused:
            return forbidden is not None
        if forbidden is not None:
            self._mapping._last_result = f"PROBLEM: {forbidden}"
            self._journal.add("poll", f"mapping {self._mapping.uuid}", self._mapping._last_result)
        else:
            self._mapping._last_result = None
        self._refused = forbidden
        return forbidden is not None

    def _receive(self, queue: Queue, settings: QueueSettings, now: int, fault: str | None) -> None:
        batch = self._open_batch or OpenBatch(settings, now)
        settings = batch.settings
        if fault == "duplicated":
            batch.deliveries = 2
        elif fault == "reordered":
            queue.pass_over(now)
        visibility = self._visibility(queue, settings)
        while (room := batch.room) > 0:
            messages, dead_lettered, expired = queue.receive(room, now, batch.admits, visibility)
            self._record_receipt(messages, dead_lettered, expired, now)
            passing = self._filter(queue, messages, settings)
            batch.add(passing)
            if len(passing) == len(messages):
                break  # The queue had no more. Otherwise the filter made room for more.
        if not batch.messages:
            return
        if not settings.window or batch.room == 0:
            self._clock.cancel(batch.closing)
            self._open_batch = None
            self._deliver(batch)
        elif self._open_batch is None:
            self._open_batch = batch
            batch.closing = self._clock.call_at(batch.closes, self._close_event, self._describe_close)

    def _visibility(self, queue: Queue, settings: QueueSettings) -> int:
        """Return for how many seconds the next messages are hidden."""
        timeout = queue.visibility_timeout
        if not settings.window or not self._polling.extend_visibility:
            return timeout
        needed = settings.window // MICROSECONDS + (self._context.timeout(self._mapping) or 0)
        return timeout if needed <= timeout else needed + VISIBILITY_RESERVE

    def _record_receipt(
        self, messages: Sequence[Received], dead_lettered: Sequence[str], expired: Sequence[str], now: int
    ) -> None:
        if dead_lettered:
            text = f"{len(dead_lettered)} moved to the dead-letter queue"
            self._journal.fate(self._source, dead_lettered, DEAD_LETTERED, text)
        if expired:
            text = f"{len(expired)} expired at the queue's retention period"
            self._journal.fate(self._source, expired, EXPIRED, text)
        if messages:
            ids = tuple([message[MESSAGE_ID] for message in messages])
            text = f"received {len(ids)}, receive count up to {most_receives(messages)}"
            self._journal.add("poll", self._source, text, ids, now)
            self._mapping._counters["PolledEventCount"] += len(ids)

    def _filter(self, queue: Queue, messages: Sequence[Received], settings: QueueSettings) -> Sequence[Received]:
        """Return the messages that pass the mapping's filters. The others are deleted at once."""
        if settings.filter is None:
            return messages
        records = settings.render(messages)
        verdicts = list(zip(messages, map(settings.filter.verdict, records), strict=True))
        dropped = [(message, verdict) for message, verdict in verdicts if not verdict.passed]
        if dropped:
            refused = (record for record, (_, verdict) in zip(records, verdicts, strict=True) if not verdict.passed)
            advise_on_filtered(self._context, settings.filter, refused)
            queue.delete([message for message, _ in dropped], self._clock.instant)
            self._mapping._counters["FilteredOutEventCount"] += len(dropped)
            self._journal.fate(
                self._source,
                [message[MESSAGE_ID] for message, _ in dropped],
                FILTERED_OUT,
                f"{len(dropped)} filtered out and deleted",
                lambda place: dropped[place][1].why,
            )
        return [message for message, verdict in verdicts if verdict.passed]

    def _close(self) -> None:
        batch, self._open_batch = self._open_batch, None
        assert batch is not None
        self._deliver(batch)
        self.wake()

    # --- invoke -----------------------------------------------------------------------------------------------

    def _deliver(self, collected: OpenBatch) -> None:
        batch = self._batch(collected, collected.messages)
        if batch.attempt > 1 or chains.length(batch.depth) >= self._polling.loop_depth:
            self._loops.check(batch.messages, self._clock.instant)
        if batch.depth and self._context.stops_loop(self._mapping, batch.depth):
            stopped, others = self._stopped(batch.messages)
            self._invoke(self._batch(collected, stopped))
            if not others:
                return
            batch = self._batch(collected, others)
        self._invoke(batch)
        for _ in range(1, collected.deliveries):
            self._invoke(self._batch(collected, batch.messages))

    def _batch(self, collected: OpenBatch, messages: Sequence[Received]) -> QueueBatch:
        return QueueBatch(self._context, collected.settings, messages, self._on_late_end)

    def _stopped(self, messages: Sequence[Received]) -> tuple[list[Received], list[Received]]:
        """Divide a batch into the messages that Lambda's loop detection stops, and the others.

        What is behind a stopped message in its FIFO group stays with it, which keeps the order.
        """
        stopped: list[Received] = []
        others: list[Received] = []
        groups: set[str] = set()
        for message in messages:
            group = group_of(message) if self._is_fifo else None
            if group in groups or self._context.stops_loop(self._mapping, message[DEPTH]):
                stopped.append(message)
                groups |= {group} if group is not None else set()
            else:
                others.append(message)
        return stopped, others

    def _invoke(self, batch: QueueBatch) -> None:
        self._running = batch
        is_complete = batch.invoke()
        self._running = None
        if is_complete:
            self._record_result(batch)
        else:
            self._in_flight[id(batch)] = batch

    def _mend(self) -> None:
        """Continue after a bug: messages that were received return when their visibility timeout ends."""
        self._running = None
        self._not_before = self._clock.instant + self._polling.read_retry
        if self._polls:
            self._clock.cancel(self._upcoming)
            self._upcoming = self._clock.call_in_turn(self._not_before, self._poll_event, self._describe_poll)

    def _on_late_end(self, batch: QueueBatch) -> None:
        self._in_flight.pop(id(batch), None)
        self._record_result(batch)
        self._context.source_changed(self._source)
        self.wake()

    def _record_result(self, batch: QueueBatch) -> None:
        delivery = self._last = batch.delivery
        if delivery is None or delivery.succeeded or delivery.throttled or batch.settings.reports_failures:
            return
        self._scaling.shrink(self._clock.instant)
