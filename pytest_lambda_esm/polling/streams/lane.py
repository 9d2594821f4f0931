"""One reader of one shard: collect, invoke, and then do what follows from it.

Follows the pages "Using Lambda with Amazon Kinesis" and "... with Amazon DynamoDB" and recorded behaviour. A lane has
one batch at a time. Nothing ticks: it has at most one event on the clock, and none while it waits for records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, READ
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.streams.batch import Batch, Belongs, OpenWindow
from pytest_lambda_esm.polling.streams.context import ShardContext
from pytest_lambda_esm.polling.streams.outcomes import LaneOutcomes
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.state import LaneState
from pytest_lambda_esm.polling.streams.wording import blocked, counted, ends_of, name_of, named, open_window, waiting
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import moment_of, time_text


class StreamLane:
    """A lane of one shard; it begins at the position ``start`` and takes the records that ``belongs`` gives it."""

    def __init__(self, shard_context: ShardContext, start: int, belongs: Belongs | None) -> None:
        self._shard_context = shard_context
        self._shard_id = shard_context.shard_id
        self._context = context = shard_context.stream
        self._state = LaneState(context, shard_context.history, start, belongs)
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

    def start(self, shard: Shard | None, settings: StreamSettings) -> None:
        """Begin to read, or go on at the checkpoint; ``shard`` is None while the stream does not exist."""
        self._polls = True
        self._free_since = self._context.clock.instant
        if shard is not None:
            # A filter that was changed meanwhile may reject all that is left of a closed shard.
            self._go_on(shard, settings)

    def stop(self) -> None:
        """Read no more; a batch in flight comes to its end."""
        self._polls = False
        self._context.clock.cancel(self._upcoming)
        self._upcoming = None
        self._state.return_to_checkpoint(self._flying)

    def wake(self, shard: Shard, settings: StreamSettings) -> None:
        """See to it that the next step is made when it is due."""
        self._schedule(shard, settings)

    def iterator_age(self) -> int | None:
        """The age in microseconds of the last record of the batch that is under way, or was sent last."""
        batch = self._state.batches[0] if self._state.batches else None
        if batch is not None and batch.positions and batch.blocked_since is not None:
            shard = self._shard_context.shard()
            if shard is not None:
                return self._context.clock.instant - shard.arrival(batch.positions[-1])
        return self._last_age

    def explain(self) -> list[str]:
        """What the lane waits for; nothing where it has read all and has nothing under way."""
        shard, state, now = self._shard_context.shard(), self._state, self._context.clock.instant
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

    def _schedule(self, shard: Shard, settings: StreamSettings) -> None:
        if not self._polls or self._flying:
            return
        due = self._next_due(shard, settings)
        if due is None:
            return
        due = max(due, self._context.clock.instant)
        if self._upcoming is not None:
            if self._upcoming.due <= due:
                return
            self._context.clock.cancel(self._upcoming)
        self._upcoming = self._context.clock.call_at(due, self._step, self._about_step)

    def _next_due(self, shard: Shard, settings: StreamSettings) -> int | None:
        state = self._state
        if state.batches:
            due, expiry = state.batches[0].due, state.expiry(shard, settings, state.batches[0])
            return due if expiry is None else min(due, expiry)
        state.gather(shard, settings)
        if state.gatherer.positions:
            return max(self._batch_due(shard, settings), self._not_before)
        waits = []
        if state.gatherer.next_arrival is not None:
            waits.append(state.gatherer.next_arrival + self._context.polling.latency)
        if state.window is not None:
            waits.append(self._window_due(shard, state.window))
        return min(waits, default=None)

    def _batch_due(self, shard: Shard, settings: StreamSettings) -> int:
        """A batch goes when it is full, when nothing can join it, or when the batching window ends.

        A window begins as soon as the invocation before has ended; the one after a window in which no record came
        begins with the next record.
        """
        gatherer = self._state.gatherer
        if gatherer.complete or gatherer.later_window or self._at_end(shard):
            return self._context.clock.instant
        arrived, window = self._arrived(shard, gatherer.positions[0]), settings.batching_window
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
        mapping, batches, shard = self._context.mapping, self._state.batches, self._shard_context.shard()
        if batches and shard is not None:
            attempt = f"attempt {batches[0].invocations + 1} with {named(shard, batches[0])}"
            return f"mapping {mapping.uuid}: {attempt} of {self._shard_id} in {mapping.source_arn}"
        return f"mapping {mapping.uuid}: read {self._shard_id} of {mapping.source_arn}"

    def _step(self) -> None:
        self._upcoming = None
        shard = self._shard_context.shard()
        if shard is None:
            return
        state, settings = self._state, self._context.settings()
        if not state.batches:
            self._open_piece(shard, settings)
        self._outcomes.drop_expired(shard, settings)
        if state.batches and state.batches[0].due <= self._context.clock.instant:
            settings = self._invoke(shard, settings, state.batches[0])
        self._go_on(shard, settings)

    def _go_on(self, shard: Shard, settings: StreamSettings) -> None:
        self._schedule(shard, settings)
        if self._upcoming is None and not self._flying and self._at_end(shard) and self.idle:
            self._shard_context.look_again()  # Children may wait for the end of this shard.

    def _open_piece(self, shard: Shard, settings: StreamSettings) -> None:
        """Make a batch of what has been collected, if it is time."""
        state, now = self._state, self._context.clock.instant
        state.gather(shard, settings)
        if state.gatherer.positions:
            if max(self._batch_due(shard, settings), self._not_before) <= now:
                self._read(shard, settings)
        elif state.window is not None and self._window_due(shard, state.window) <= now:
            state.batches.append(Batch(positions=(), final=True))

    def _read(self, shard: Shard, settings: StreamSettings) -> None:
        """Make a batch of what has been collected, unless the read fails."""
        state, context = self._state, self._context
        trouble = context.interference.at(READ, context.mapping, cannot=KEEPS_ITS_ORDER)
        if trouble in ("throttled", "failed"):
            self._not_before = context.clock.instant + context.polling.read_retry
        elif self._polls:  # The trouble may have been that somebody disables or deletes the mapping.
            positions = state.gatherer.take()
            state.batches.append(Batch(positions=positions, comes_again=trouble == "duplicated"))
            state.open_window(shard, settings, positions)
            context.mapping.counters["PolledEventCount"] += len(positions)

    def _invoke(self, shard: Shard, settings: StreamSettings, batch: Batch) -> StreamSettings:
        """Return the settings as they are after the function ran: it may have updated its mapping."""
        context = self._context
        depth = shard.depth(batch.positions)
        self._refuse_loops(shard, batch, depth)
        if batch.positions:
            self._last_age = context.clock.instant - shard.arrival(batch.positions[-1])
        text = f"{counted(len(batch.positions), 'record')} of {self._shard_id}, attempt {batch.invocations + 1}"
        context.journal.add("poll", context.source_arn, text, ends_of(shard, batch.positions))
        event = self._outcomes.event(shard, settings, batch)
        self._flying = batch
        try:
            delivery = context.deliver(context.mapping, event, batch.invocations + 1, depth)
        except BaseException:
            self._flying = None
            # A test may correct the cause, such as a missing handler, and go on.
            self._schedule(shard, context.settings())
            raise
        settings = context.settings()
        if delivery.end <= context.clock.instant:
            self._land(shard, settings, batch, delivery)
        else:
            context.clock.call_at(
                delivery.end,
                lambda: self._land_later(batch, delivery),
                lambda: f"mapping {context.mapping.uuid}: {delivery.function} ends: {delivery.about}",
            )
        return settings

    def _land(self, shard: Shard, settings: StreamSettings, batch: Batch, delivery: Delivery) -> None:
        self._flying = None
        self._free_since = self._context.clock.instant
        self._outcomes.land(shard, settings, batch, delivery)
        if not self._polls:
            self._state.return_to_checkpoint(None)
            self._shard_context.look_again()  # Other lanes may wait for this one to come to rest.

    def _land_later(self, batch: Batch, delivery: Delivery) -> None:
        shard = self._shard_context.shard()
        if shard is None:
            self._flying = None
            return
        settings = self._context.settings()
        self._land(shard, settings, batch, delivery)
        self._go_on(shard, settings)

    def _refuse_loops(self, shard: Shard, batch: Batch, depth: int) -> None:
        if depth >= self._context.polling.loop_depth:
            mapping, now = self._context.mapping, moment_of(self._context.clock.instant)
            raise LambdaEsmError(
                f"the function {mapping.function_arn} feeds its own source: {name_of(shard, batch.positions[0])} of"
                f" {self._shard_id} in {mapping.source_arn}, or one that comes with it, is the end of a chain of"
                f" {depth} invocations, each of which wrote the record that caused the next (at"
                f" {now:%H:%M:%S.%f}). Stop the loop, or raise the setting 'loop_depth'."
            )
