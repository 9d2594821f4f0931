"""One reader of one shard: collect, invoke, and then do what follows from it.

Follows the pages "Using Lambda with Amazon Kinesis" and "... with Amazon DynamoDB" and recorded behaviour. A lane has
one batch at a time. Nothing ticks: it has at most one event on the clock, and none while it waits for records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, READ
from pytest_lambda_esm.polling.loop_guard import chain_error
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.streams.batch import Batch, Belongs, OpenWindow
from pytest_lambda_esm.polling.streams.context import StreamContext
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.outcomes import LaneOutcomes
from pytest_lambda_esm.polling.streams.state import LaneState
from pytest_lambda_esm.polling.streams.wording import blocked, counted, ends_of, name_of, named, open_window, waiting
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import moment_of, time_text


class StreamLane:
    """A lane of one shard; it begins at the position ``start`` and takes the records that ``belongs`` gives it."""

    def __init__(
        self, context: StreamContext, shard_id: str, history: ShardHistory, start: int, belongs: Belongs | None
    ) -> None:
        self._context = context
        self._shard_id = shard_id
        self._state = LaneState(context, history, start, belongs)
        self._outcomes = LaneOutcomes(context, self._state)
        self._flying: Batch | None = None
        self._free_since = 0
        self._not_before = 0
        self._polls = False
        self._upcoming: Any = None
        self._last_age: int | None = None

    @property
    def checkpoint(self) -> int:
        """Everything of this lane before this position has its fate."""
        return self._state.checkpoint

    @property
    def in_flight(self) -> Sequence[int]:
        """The positions with which the function runs now."""
        return self._flying.positions if self._flying else ()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no batch, no open window."""
        return self._state.idle

    @property
    def busy(self) -> bool:
        """Whether the function runs."""
        return self._flying is not None

    def start(self) -> None:
        """Begin to read, or go on at the checkpoint."""
        self._polls = True
        self._free_since = self._context.clock.instant
        shard = self._context.shard(self._shard_id)
        if shard is not None:
            self._go_on(shard)  # The rest of a closed shard may be what a filter, changed meanwhile, lets not pass.

    def stop(self) -> None:
        """Read no more; a batch in flight comes to its end."""
        self._polls = False
        self._context.clock.cancel(self._upcoming)
        self._upcoming = None
        self._state.return_to_checkpoint(self._flying)

    def wake(self) -> None:
        """See to it that the next step is made when it is due."""
        shard = self._context.shard(self._shard_id)
        if shard is not None:
            self._schedule(shard)

    def iterator_age(self) -> int | None:
        """The age in microseconds of the last record of the batch that is under way, or was sent last."""
        batch = self._state.batches[0] if self._state.batches else None
        if batch is not None and batch.positions and batch.blocked_since is not None:
            shard = self._context.shard(self._shard_id)
            if shard is not None:
                return self._context.clock.instant - shard.arrival(batch.positions[-1])
        return self._last_age

    def explain(self) -> list[str]:
        """What the lane waits for; nothing where it has read all and has nothing under way."""
        shard, state, now = self._context.shard(self._shard_id), self._state, self._context.clock.instant
        if shard is None:
            return [f"{self._shard_id} does not exist (any more)"]
        if self._flying:
            return self.in_hand()
        if state.batches:
            batch = state.batches[0]
            last = batch.positions[-1] + 1 if batch.positions else state.checkpoint
            return [blocked(shard, batch, len(state.still_to_read(shard, last)), now)]
        due = f"; the next step comes at {time_text(self._upcoming.due, now)}" if self._upcoming else ""
        unread = state.still_to_read(shard, state.checkpoint)
        lines = [waiting(shard, unread) + due] if unread else []
        if state.window is not None:
            lines.append(open_window(shard, state.window, self._context.polling.idle_wait, now))
        return lines

    def in_hand(self) -> list[str]:
        """What the function runs with, also after polling has stopped."""
        if self._flying is None:
            return []
        return [f"{self._shard_id}: the function runs with {counted(len(self._flying.positions), 'record')}"]

    # --- what is due ----------------------------------------------------------------------------------------

    def _schedule(self, shard: Shard) -> None:
        if not self._polls or self._flying:
            return
        due = self._next_due(shard)
        if due is None:
            return
        due = max(due, self._context.clock.instant)
        if self._upcoming is not None:
            if self._upcoming.due <= due:
                return
            self._context.clock.cancel(self._upcoming)
        self._upcoming = self._context.clock.call_at(due, self._step, self._about_step)

    def _next_due(self, shard: Shard) -> int | None:
        state = self._state
        if state.batches:
            due, expiry = state.batches[0].due, state.expiry(shard, state.batches[0])
            return due if expiry is None else min(due, expiry)
        state.gather(shard)
        if state.gatherer.positions:
            return max(self._batch_due(shard), self._not_before)
        waits = []
        if state.gatherer.next_arrival is not None:
            waits.append(state.gatherer.next_arrival + self._context.polling.latency)
        if state.window is not None:
            waits.append(self._window_due(shard, state.window))
        return min(waits, default=None)

    def _batch_due(self, shard: Shard) -> int:
        """A batch goes when it is full, when nothing can join it, or when the batching window ends.

        A window begins as soon as the invocation before has ended; the one after a window in which no record came
        begins with the next record.
        """
        gatherer = self._state.gatherer
        if gatherer.complete or gatherer.later_window or self._at_end(shard):
            return self._context.clock.instant
        arrived, window = self._arrived(shard, gatherer.positions[0]), self._context.settings().batching_window
        return (self._free_since if arrived < self._free_since + window else arrived) + window

    def _arrived(self, shard: Shard, position: int) -> int:
        return shard.arrival(position) + self._context.polling.latency

    def _window_due(self, shard: Shard, window: OpenWindow) -> int:
        """A tumbling window ends with a later record, with its shard, by its state, or some time after its end."""
        if window.ends_early or self._state.gatherer.later_window or self._at_end(shard):
            return self._context.clock.instant
        return window.end + self._context.polling.idle_wait

    def _at_end(self, shard: Shard) -> bool:
        return shard.closed and self._state.gatherer.position >= shard.end

    # --- steps ----------------------------------------------------------------------------------------------

    def _about_step(self) -> str:
        mapping, batches, shard = self._context.mapping, self._state.batches, self._context.shard(self._shard_id)
        if batches and shard is not None:
            attempt = f"attempt {batches[0].invocations + 1} with {named(shard, batches[0])}"
            return f"mapping {mapping.uuid}: {attempt} of {self._shard_id} in {mapping.source_arn}"
        return f"mapping {mapping.uuid}: read {self._shard_id} of {mapping.source_arn}"

    def _step(self) -> None:
        self._upcoming = None
        shard = self._context.shard(self._shard_id)
        if shard is None:
            return
        state = self._state
        if not state.batches:
            self._open_piece(shard)
        self._outcomes.drop_expired(shard)
        if state.batches and state.batches[0].due <= self._context.clock.instant:
            self._invoke(shard, state.batches[0])
        self._go_on(shard)

    def _go_on(self, shard: Shard) -> None:
        self._schedule(shard)
        if self._upcoming is None and not self._flying and self._at_end(shard) and self.idle:
            self._context.look_again()  # Children may wait for the end of this shard.

    def _open_piece(self, shard: Shard) -> None:
        """Make a batch of what has been collected, if it is time."""
        state, now = self._state, self._context.clock.instant
        state.gather(shard)
        if state.gatherer.positions:
            if max(self._batch_due(shard), self._not_before) <= now:
                self._read(shard, now)
        elif state.window is not None and self._window_due(shard, state.window) <= now:
            state.batches.append(Batch(positions=(), final=True))

    def _read(self, shard: Shard, now: int) -> None:
        """Make a batch of what has been collected, unless the read fails."""
        state, context = self._state, self._context
        trouble = context.interference.at(READ, context.mapping, cannot=KEEPS_ITS_ORDER)
        if trouble in ("throttled", "failed"):
            self._not_before = now + context.polling.read_retry
        elif self._polls:  # The trouble may have been that somebody disables or deletes the mapping.
            positions = state.gatherer.take()
            state.batches.append(Batch(positions=positions, comes_again=trouble == "duplicated"))
            state.open_window(shard, positions)
            context.mapping.counters["PolledEventCount"] += len(positions)

    def _invoke(self, shard: Shard, batch: Batch) -> None:
        context = self._context
        depth = shard.depth(batch.positions)
        if depth >= context.polling.loop_depth:
            first = f"{name_of(shard, batch.positions[0])} of {self._shard_id} in {context.mapping.source_arn}"
            now = f"{moment_of(context.clock.instant):%H:%M:%S.%f}"
            raise chain_error(context.mapping, depth, f"{first} (at {now}), or another record of its batch,")
        if batch.positions:
            self._last_age = context.clock.instant - shard.arrival(batch.positions[-1])
        text = f"{counted(len(batch.positions), 'record')} of {self._shard_id}, attempt {batch.invocations + 1}"
        context.journal.add("poll", context.mapping.source_arn, text, ends_of(shard, batch.positions))
        event = self._outcomes.event(shard, batch)
        self._flying = batch
        try:
            delivery = context.deliver(context.mapping, event, batch.invocations + 1, depth)
        except BaseException:
            self._flying = None
            self._schedule(shard)  # A test that mends what was wrong, such as a missing handler, goes on here.
            raise
        if delivery.end <= context.clock.instant:
            self._land(shard, batch, delivery)
            return
        context.clock.call_at(
            delivery.end,
            lambda: self._land_later(batch, delivery),
            lambda: f"mapping {context.mapping.uuid}: {delivery.function} ends: {delivery.about}",
        )

    def _land(self, shard: Shard, batch: Batch, delivery: Delivery) -> None:
        self._flying = None
        self._free_since = self._context.clock.instant
        self._outcomes.land(shard, batch, delivery)
        if not self._polls:
            self._state.return_to_checkpoint(None)
            self._context.look_again()  # Other lanes may wait for this one to come to rest.

    def _land_later(self, batch: Batch, delivery: Delivery) -> None:
        shard = self._context.shard(self._shard_id)
        if shard is None:
            self._flying = None
            return
        self._land(shard, batch, delivery)
        self._go_on(shard)
