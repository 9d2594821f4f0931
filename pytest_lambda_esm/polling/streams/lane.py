"""One reader of one shard: collect records, invoke the function, and act on the outcome.

Follows the pages "Using Lambda with Amazon Kinesis" and "... with Amazon DynamoDB" and recorded behaviour. A lane has
one batch at a time. It never polls in a loop: it has at most one event on the clock, and none while it waits for
records.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, READ
from pytest_lambda_esm.polling.lane_clock import LaneClock
from pytest_lambda_esm.polling.loop_guard import chain_error
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.streams.batch import Batch, OpenWindow, Selector
from pytest_lambda_esm.polling.streams.context import ShardContext
from pytest_lambda_esm.polling.streams.outcomes import LaneOutcomes
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.state import LaneState
from pytest_lambda_esm.polling.streams.wording import (
    batch_name,
    blocked,
    ids_of_ends,
    open_window,
    record_name,
    waiting,
)
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.wording import counted


class StreamLane:
    """A lane of one shard. It begins at the position ``start`` and reads the records that ``selects`` accepts.

    A step of the lane finds the shard and reads the settings once. Neither is kept after the step: the mapping may be
    updated, and the stream deleted or recreated, before the next one.
    """

    def __init__(self, shard_context: ShardContext, start: int, selects: Selector | None) -> None:
        self._shard_context = shard_context
        self._shard_id = shard_context.shard_id
        self._context = context = shard_context.stream
        self._state = LaneState(context, shard_context.history, start, selects)
        self._outcomes = LaneOutcomes(context, self._state)
        self._timer = LaneClock(context, step=self._step, mend=self._mend, about=self._about_step)
        self._in_flight: Batch | None = None
        self._polling = False
        self._last_age: int | None = None

    @property
    def checkpoint(self) -> int:
        """The position before which every record of this lane has a final fate."""
        return self._state.checkpoint

    @property
    def in_flight(self) -> Sequence[int]:
        """The positions that the function runs with now."""
        return self._in_flight.positions if self._in_flight else ()

    @property
    def idle(self) -> bool:
        """Whether the lane has no batch and no open window."""
        return self._state.idle

    @property
    def busy(self) -> bool:
        """Whether the function is running."""
        return self._in_flight is not None

    def start(self, shard: Shard | None, settings: StreamSettings) -> None:
        """Start reading at the checkpoint; ``shard`` is None if the stream does not exist."""
        self._polling = True
        self._timer.free_since = self._context.clock.instant
        if shard is not None:
            # A filter that was changed meanwhile may reject all that is left of a closed shard.
            self._continue(shard, settings)

    def stop(self) -> None:
        """Stop reading; an in-flight batch still completes."""
        self._polling = False
        self._timer.cancel()
        self._state.return_to_checkpoint(self._in_flight)

    def wake(self, shard: Shard, settings: StreamSettings) -> None:
        """Schedule the next step, which may be due earlier than before."""
        self._schedule(shard, settings)

    def iterator_age(self) -> int | None:
        """Return the age of the last record of the pending batch, or of the batch sent last, in microseconds."""
        batch = self._state.batches[0] if self._state.batches else None
        if batch is not None and batch.positions and batch.blocked_since is not None:
            shard = self._shard_context.shard()
            if shard is not None:
                return self._context.clock.instant - shard.arrival(batch.positions[-1])
        return self._last_age

    def explain(self) -> list[str]:
        """Return what the lane waits for; an empty list if it has read all records and is idle."""
        shard, state, now = self._shard_context.shard(), self._state, self._context.clock.instant
        if shard is None:
            return [f"{self._shard_id} does not exist (any more)"]
        if self._in_flight:
            return self.in_hand()
        if state.batches:
            batch = state.batches[0]
            following = batch.positions[-1] + 1 if batch.positions else state.checkpoint
            return [blocked(shard, batch, len(state.unread(shard, following)), now)]
        unread = state.unread(shard, state.checkpoint)
        lines = [waiting(shard, unread) + self._timer.next_step_text()] if unread else []
        if state.window is not None:
            lines.append(open_window(shard, state.window, self._context.polling.idle_wait, now))
        return lines

    def in_hand(self) -> list[str]:
        """Return what the function runs with, even after polling has stopped."""
        if self._in_flight is None:
            return []
        return [f"{self._shard_id}: the function runs with {counted(len(self._in_flight.positions), 'record')}"]

    # --- when the next step is due --------------------------------------------------------------------------

    def _schedule(self, shard: Shard, settings: StreamSettings) -> None:
        if not self._polling or self._in_flight:
            return
        due = self._next_due(shard, settings)
        if due is not None:
            self._timer.plan(due)

    def _next_due(self, shard: Shard, settings: StreamSettings) -> int | None:
        state = self._state
        if state.batches:
            due, expiry = state.batches[0].due, state.expiry(shard, settings, state.batches[0])
            return due if expiry is None else min(due, expiry)
        state.collect(shard, settings)
        if state.open_batch.positions:
            return max(self._batch_due(shard, settings), self._timer.no_read_before)
        due_times = []
        if state.open_batch.next_arrival is not None:
            due_times.append(state.open_batch.next_arrival + self._context.polling.latency)
        if state.window is not None:
            due_times.append(self._window_due(shard, state.window))
        return min(due_times, default=None)

    def _batch_due(self, shard: Shard, settings: StreamSettings) -> int:
        """A batch is due when it is complete, when no record can join it, or when the batch window ends."""
        batch = self._state.open_batch
        if batch.complete or batch.later_window or self._at_end(shard):
            return self._context.clock.instant
        return self._timer.batch_due(
            shard.arrival(batch.positions[0]), settings.batching_window, settings.kind.window_waits_for_record
        )

    def _window_due(self, shard: Shard, window: OpenWindow) -> int:
        """A tumbling window closes on a later record, at the end of its shard, on its state, or after ``idle_wait``."""
        if window.ends_early or self._state.open_batch.later_window or self._at_end(shard):
            return self._context.clock.instant
        return window.end + self._context.polling.idle_wait

    def _at_end(self, shard: Shard) -> bool:
        return shard.closed and self._state.open_batch.position >= shard.end

    # --- steps ----------------------------------------------------------------------------------------------

    def _about_step(self) -> str:
        mapping, batches, shard = self._context.mapping, self._state.batches, self._shard_context.shard()
        if batches and shard is not None:
            attempt = f"attempt {batches[0].invocations + 1} with {batch_name(shard, batches[0])}"
            return f"mapping {mapping.uuid}: {attempt} of {self._shard_id} in {mapping.source_arn}"
        return f"mapping {mapping.uuid}: read {self._shard_id} of {mapping.source_arn}"

    def _step(self) -> None:
        self._timer.next_step = None
        shard = self._shard_context.shard()
        if shard is None:
            return
        state, settings = self._state, self._context.settings()
        if not state.batches:
            self._start_batch(shard, settings)
        self._outcomes.drop_expired(shard, settings)
        if state.batches and state.batches[0].due <= self._context.clock.instant:
            settings = self._invoke(shard, settings, state.batches[0])
        self._continue(shard, settings)

    def _continue(self, shard: Shard, settings: StreamSettings) -> None:
        self._schedule(shard, settings)
        if self._timer.next_step is None and not self._in_flight and self._at_end(shard) and self.idle:
            self._shard_context.refresh()  # Child shards may wait for the end of this shard.

    def _start_batch(self, shard: Shard, settings: StreamSettings) -> None:
        """Start the collected batch, or the last invocation of a tumbling window, if it is due."""
        state, now = self._state, self._context.clock.instant
        state.collect(shard, settings)
        if state.open_batch.positions:
            if max(self._batch_due(shard, settings), self._timer.no_read_before) <= now:
                self._read_batch(shard, settings)
        elif state.window is not None and self._window_due(shard, state.window) <= now:
            state.batches.append(Batch(positions=(), final=True))

    def _read_batch(self, shard: Shard, settings: StreamSettings) -> None:
        """Start the collected batch, unless a fault of the test makes the read fail."""
        state, context = self._state, self._context
        fault = context.interference.at(READ, context.mapping, cannot=KEEPS_ITS_ORDER)
        if fault in ("throttled", "failed"):
            self._timer.pause_reading()
        elif self._polling:  # The fault may have disabled or deleted the mapping.
            positions = state.open_batch.take()
            state.batches.append(Batch(positions=positions, deliver_again=fault == "duplicated"))
            state.open_window(shard, settings, positions)
            context.mapping._counters["PolledEventCount"] += len(positions)

    def _invoke(self, shard: Shard, settings: StreamSettings, batch: Batch) -> StreamSettings:
        """Invoke the function. Return the settings afterwards, since the function may have updated its mapping."""
        context, attempt = self._context, batch.invocations + 1
        depth = shard.depth(batch.positions)
        if depth >= context.polling.loop_depth:
            first = f"{record_name(shard, batch.positions[0])} of {self._shard_id} in {context.mapping.source_arn}"
            now = f"{moment_of(context.clock.instant):%H:%M:%S.%f}"
            raise chain_error(context.mapping, depth, f"{first} (at {now}), or another record of its batch,")
        if batch.positions:
            self._last_age = context.clock.instant - shard.arrival(batch.positions[-1])
        text = f"{counted(len(batch.positions), 'record')} of {self._shard_id}, attempt {attempt}"
        context.journal.add("poll", context.source_arn, text, ids_of_ends(shard, batch.positions))
        event = self._outcomes.event(shard, settings, batch)
        self._in_flight = batch
        delivery = context.deliver(context.mapping, event, attempt, depth)
        settings = context.settings()
        if delivery.end <= context.clock.instant:
            self._complete(shard, settings, batch, delivery)
        else:
            self._timer.when_over(delivery, lambda: self._complete_later(batch, delivery))
        return settings

    def _complete(self, shard: Shard, settings: StreamSettings, batch: Batch, delivery: Delivery) -> None:
        self._in_flight = None
        self._timer.free_since = self._context.clock.instant
        self._outcomes.complete(shard, settings, batch, delivery)
        if not self._polling:
            self._state.return_to_checkpoint(None)
            self._shard_context.refresh()  # Other lanes may wait until this one has nothing in flight.

    def _mend(self) -> None:
        """Continue after a bug, or after the end of a chain of invocations."""
        self._in_flight = None
        if self._polling:
            self._timer.recover(self._state.batches)
        else:
            self._state.return_to_checkpoint(None)
            self._shard_context.refresh()

    def _complete_later(self, batch: Batch, delivery: Delivery) -> None:
        shard = self._shard_context.shard()
        if shard is None:
            self._in_flight = None
            return
        settings = self._context.settings()
        self._complete(shard, settings, batch, delivery)
        self._continue(shard, settings)
