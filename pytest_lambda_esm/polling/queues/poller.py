"""Polls one SQS queue for one mapping: receive, filter, gather, and hand batches over to be invoked.

It follows the page "Using Lambda with Amazon SQS". Nothing ticks: a lane has at most one event on the clock for its
next poll, at the moment when the next message becomes visible, and none while the queue is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from typing import Any

from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, NOTHING, READ
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.loop_guard import LoopGuard
from pytest_lambda_esm.polling.ports import Deliver, Delivery
from pytest_lambda_esm.polling.queues.batch import BatchPorts, OpenBatch, QueueBatch
from pytest_lambda_esm.polling.queues.explain import described, explain_waiting, next_in_turn
from pytest_lambda_esm.polling.queues.scaling import Scaling
from pytest_lambda_esm.polling.queues.settings import VISIBILITY_RESERVE, QueuePolling, QueueSettings, settings_of
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.queue_ports import MESSAGE_ID, Queue, Queues, Received, most_receives
from pytest_lambda_esm.sources.sqs import Render
from pytest_lambda_esm.timing import MICROSECONDS, time_text


class QueuePoller:
    """The poller of one mapping on one queue.

    ``renderer`` tells for a mapping's settings how a message is rendered, ``timeout`` the function's timeout in
    seconds, None where it does not exist; ``changed`` is told when what is hidden has changed, since another mapping
    may poll the same queue.
    """

    def __init__(
        self,
        mapping: Mapping,
        *,
        queues: Queues,
        renderer: Callable[[ReadOnly[str, Any]], Render],
        deliver: Deliver,
        clock: Clock,
        journal: Journal,
        polling: QueuePolling,
        interference: PollerFaults,
        timeout: Callable[[Mapping], int | None],
        changed: Callable[[str], None],
    ) -> None:
        self._mapping = mapping
        self._source = mapping.source_arn
        self._queues = queues
        self._renderer = renderer
        self._clock = clock
        self._journal = journal
        self._polling = polling
        self._interference = interference
        self._timeout = timeout
        self._cannot = KEEPS_ITS_ORDER if self._source.endswith(".fifo") else NOTHING
        self._changed = changed
        self._current = settings_of(mapping.settings, polling, renderer)
        self._scaling = Scaling(self._current.bounds)
        self._ports = BatchPorts(
            mapping, queues, deliver, clock, journal, polling, self._ended, self._failed, interference
        )
        self._loops = LoopGuard(mapping, polling.loop_depth)
        self._polls = False
        self._not_before = 0
        self._in_flight: dict[int, QueueBatch] = {}
        self._gathering: OpenBatch | None = None
        self._last: Delivery | None = None
        self._upcoming: Any = None

    def start(self) -> None:
        """Begin to poll."""
        self._polls = True
        self.wake()

    def stop(self) -> None:
        """Poll no more. Batches in flight come to their end, and what has been received is delivered."""
        self._polls = False
        self._clock.cancel(self._upcoming)
        self._upcoming = None
        if self._gathering is not None:
            self._clock.cancel(self._gathering.closing)
            self._gathering.closing = self._clock.call_at(self._clock.instant, self._close, self._about_window)

    def wake(self) -> None:
        """See to it that the next poll is due when there is something for it, and not otherwise."""
        if not self._polls:
            return
        due = self._next_poll()
        if self._upcoming is not None:
            if self._upcoming.due == due:
                return
            self._clock.cancel(self._upcoming)
            self._upcoming = None
        if due is not None:
            self._upcoming = self._clock.call_at(due, self._poll, self._about_poll)

    def explain(self) -> list[str]:
        """Why what waits is not delivered now, and when it will be."""
        queue = self._queues.find(self._source)
        if queue is None:
            return [f"the queue {self._source} does not exist (any more)"]
        now, has_room = self._clock.instant, self._has_room(self._clock.instant)
        lines = self.in_hand()
        if self._timeout(self._mapping) is None:
            lines.append(f"the function {self._mapping.function_arn} does not exist (any more): each batch fails")
        if self._last is not None and not self._last.succeeded:
            lines.append(f"the last batch failed at {time_text(self._last.end, now)}: {self._last.about}")
        if not has_room:
            lines.append(f"all of the mapping's concurrency ({self._scaling.capacity(now)} batches) is in use")
        return lines + explain_waiting(queue, now, has_room)

    def in_hand(self) -> list[str]:
        """What has been received and is not over, also after polling has stopped; a line each."""
        lines = [batch.explain() for batch in self._in_flight.values()]
        if self._gathering is not None:
            gathered, size = len(self._gathering.messages), self._gathering.plan.batch_size
            closes = time_text(self._gathering.closes, self._clock.instant)
            lines.append(f"a batch is gathered: {gathered} of {size} messages; its window ends at {closes}")
        return lines

    # --- when to poll ------------------------------------------------------------------------------------

    def _plan(self) -> QueueSettings:
        settings = self._mapping.settings
        if self._current.settings is not settings:
            self._current = settings_of(settings, self._polling, self._renderer)
            self._scaling.rebind(self._current.bounds, self._clock.instant)
        return self._current

    def _has_room(self, now: int) -> bool:
        return self._gathering is not None or len(self._in_flight) < self._scaling.capacity(now)

    def _next_poll(self) -> int | None:
        queue = self._queues.find(self._source)
        visible = queue.next_visible() if queue is not None else None
        if visible is None:
            if not self._in_flight and self._gathering is None:
                self._scaling.rested()
            return None
        now = self._clock.instant
        due = max(visible + self._polling.latency, now, self._not_before)
        if due > now or self._has_room(now):
            return due
        return self._scaling.saturated(now)

    def _about_poll(self) -> str:
        queue = self._queues.find(self._source)
        upcoming = next_in_turn(queue) if queue is not None else None
        about = f" {described(upcoming)}" if upcoming is not None else ""
        return f"mapping {self._mapping.uuid}: receive{about} from {self._source}"

    def _about_window(self) -> str:
        return f"mapping {self._mapping.uuid}: the batching window ends"

    # --- receive and gather ------------------------------------------------------------------------------

    def _poll(self) -> None:
        self._upcoming = None
        queue = self._queues.find(self._source)
        plan = self._plan()
        now = self._clock.instant
        if queue is not None and self._has_room(now):
            trouble = self._interference.at(READ, self._mapping, cannot=self._cannot)
            if not self._polls:
                return  # The trouble was that somebody has disabled or deleted the mapping.
            if trouble in ("throttled", "failed"):
                self._not_before = now + self._polling.read_retry
            else:
                self._scaling.relieved(now)
                self._receive(queue, plan, now, trouble)
        self.wake()

    def _receive(self, queue: Queue, plan: QueueSettings, now: int, trouble: str | None) -> None:
        gathering = self._gathering or OpenBatch(plan, now)
        plan = gathering.plan
        if trouble == "duplicated":
            gathering.deliveries = 2
        elif trouble == "reordered":
            queue.pass_over(now)
        visibility = self._visibility(queue, plan)
        while (room := gathering.room) > 0:
            messages, dead_lettered, expired = queue.receive(room, now, gathering.admits, visibility)
            self._note(messages, dead_lettered, expired, now)
            passing = self._passing(queue, messages, plan)
            gathering.add(passing)
            if len(passing) == len(messages):
                break  # The queue gave all it had; else there is room for more in the place of what was dropped.
        if not gathering.messages:
            return
        if not plan.window or gathering.room == 0:
            self._clock.cancel(gathering.closing)
            self._gathering = None
            self._invoke(gathering)
        elif self._gathering is None:
            self._gathering = gathering
            gathering.closing = self._clock.call_at(gathering.closes, self._close, self._about_window)

    def _visibility(self, queue: Queue, plan: QueueSettings) -> int:
        """For how many seconds the next messages are hidden."""
        own = queue.visibility_timeout
        if not plan.window or not self._polling.extend_visibility:
            return own
        needed = plan.window // MICROSECONDS + (self._timeout(self._mapping) or 0)
        return own if needed <= own else needed + VISIBILITY_RESERVE

    def _note(
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
            self._mapping.counters["PolledEventCount"] += len(ids)

    def _passing(self, queue: Queue, messages: Sequence[Received], plan: QueueSettings) -> Sequence[Received]:
        """The messages that the mapping's filters let pass; the others are deleted at once."""
        if plan.filter is None:
            return messages
        verdicts = list(zip(messages, map(plan.filter.verdict, plan.render(messages)), strict=True))
        dropped = [(message, verdict) for message, verdict in verdicts if not verdict.passed]
        if dropped:
            queue.delete([message for message, _ in dropped], self._clock.instant)
            self._mapping.counters["FilteredOutEventCount"] += len(dropped)
            self._journal.fate(
                self._source,
                [message[MESSAGE_ID] for message, _ in dropped],
                FILTERED_OUT,
                f"{len(dropped)} filtered out and deleted",
                lambda place: dropped[place][1].why,
            )
        return [message for message, verdict in verdicts if verdict.passed]

    def _close(self) -> None:
        gathering, self._gathering = self._gathering, None
        assert gathering is not None
        self._invoke(gathering)
        self.wake()

    # --- hand over ---------------------------------------------------------------------------------------

    def _invoke(self, gathering: OpenBatch) -> None:
        batch = QueueBatch(self._ports, gathering.plan, gathering.messages)
        self._loops.refuse(batch, self._clock.instant)
        self._begin(batch)
        for _ in range(1, gathering.deliveries):
            self._begin(QueueBatch(self._ports, gathering.plan, gathering.messages))

    def _begin(self, batch: QueueBatch) -> None:
        if batch.begin():
            self._last = batch.delivery
        else:
            self._in_flight[id(batch)] = batch

    def _ended(self, batch: QueueBatch) -> None:
        del self._in_flight[id(batch)]
        self._last = batch.delivery
        self._changed(self._source)
        self.wake()

    def _failed(self) -> None:
        self._scaling.failed(self._clock.instant)
