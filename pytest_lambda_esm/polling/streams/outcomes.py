"""What follows from an invocation with stream records: checkpoint, retry, split, or discard.

Follows the pages "Configuring partial batch response" and "Retain discarded batch records" of Kinesis and DynamoDB,
and recorded behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pytest_lambda_esm.faults.poller_steps import CHECKPOINT
from pytest_lambda_esm.observe.fates import DONE, EXPIRED
from pytest_lambda_esm.polling.answers import advise_on_answer, advise_on_malformed
from pytest_lambda_esm.polling.attempts import CALL_FAILED, LastResponse, first_half, note_delivery
from pytest_lambda_esm.polling.batch_response import Verdict, failure, judge, success
from pytest_lambda_esm.polling.failure_records import RETRIES_EXHAUSTED, TOO_OLD
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.streams.advice import (
    advise_on_discard,
    advise_on_expiry,
    advise_on_failure,
    advise_on_large_state,
    advise_on_missing_state,
    advise_on_throttles,
)
from pytest_lambda_esm.polling.streams.batch import Batch, StreamEvent
from pytest_lambda_esm.polling.streams.context import StreamContext
from pytest_lambda_esm.polling.streams.failures import DiscardedBatch
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.state import LaneState
from pytest_lambda_esm.polling.streams.wording import ids_of_ends
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import time_text
from pytest_lambda_esm.wording import counted


class LaneOutcomes:
    """Updates a lane's state after each invocation, and when records become too old."""

    def __init__(self, context: StreamContext, state: LaneState) -> None:
        self._context = context
        self._state = state

    def event(self, shard: Shard, settings: StreamSettings, batch: Batch) -> StreamEvent:
        """Return the builder of a batch's event. It can still build the event after the records have expired.

        All attempts with a batch share it, until the mapping's settings change.
        """
        window, known = self._state.window, batch.event
        if known is not None and known.positions is batch.positions and known.settings is settings:
            return known
        reader, members = self._context.reader(), ""
        if window is not None:
            members = json.dumps(
                window.event_members(shard_id=shard.shard_id, source_arn=reader.source_arn, final=batch.final)
            )
        batch.event = StreamEvent(shard, batch.positions, reader, members, settings)
        return batch.event

    def complete(self, shard: Shard, settings: StreamSettings, batch: Batch, delivery: Delivery) -> None:
        """Handle the end of an invocation."""
        mapping, count = self._context.mapping, len(batch.positions)
        if not note_delivery(self._context, batch, delivery, count):
            if delivery.throttled:
                advise_on_throttles(self._context, settings, batch)
            return
        verdict = self._judge(shard, settings, batch, delivery)
        batch.last_outcome = verdict.why
        mapping._last_result = "OK" if verdict.succeeded else CALL_FAILED
        if verdict.succeeded:
            self._succeed(shard, batch, delivery)
            return
        mapping._counters["FailedInvokeEventCount"] += verdict.reported or count
        batch.response = LastResponse(delivery.version, verdict.function_error)
        if verdict.done:
            self._succeed_in_part(shard, batch, verdict, delivery)
        else:
            self._fail(shard, settings, batch)

    def drop_expired(self, shard: Shard, settings: StreamSettings) -> None:
        """Remove records that are too old from the pending batches."""
        now, batches = self._context.clock.instant, self._state.batches
        while batches and (expiry := self._state.expiry(shard, settings, batches[0])) is not None and expiry <= now:
            batch = batches[0]
            if batch.final:
                since = time_text(batch.blocked_since or now, now)
                self._finish_window(f"given up: its last invocation has failed since {since}")
                return
            self._drop_expired_records(shard, settings, batch)
            if not batch.positions:
                batches.pop(0)

    # --- inside ---------------------------------------------------------------------------------------------

    def _judge(self, shard: Shard, settings: StreamSettings, batch: Batch, delivery: Delivery) -> Verdict:
        if not delivery.succeeded:
            return failure(delivery.about, "Unhandled")
        response = delivery.result
        advise_on_answer(self._context.journal, self._context.mapping, settings.reports_item_failures, response)
        if self._state.window is not None and not (isinstance(response, dict) and "state" in response):
            advise_on_missing_state(self._context)
            return failure("the response has no 'state', which a mapping with tumbling windows requires")
        if settings.reports_item_failures and batch.positions:
            verdict = judge(response, [shard.sequence_number(position) for position in batch.positions])
            if not (verdict.succeeded or verdict.reported):
                advise_on_malformed(self._context.journal, self._context.mapping, verdict.why)
            return verdict
        return success(len(batch.positions))

    def _succeed(self, shard: Shard, batch: Batch, delivery: Delivery) -> None:
        if batch.final:
            self._finish_window("closed")
            return
        if self._is_delivered_again(shard, batch):
            self._state.batches[0] = Batch(positions=batch.positions)
            return
        self._state.batches.pop(0)
        self._state.end(shard, batch.positions, DONE, f"attempt {batch.invocations}")
        self._keep_window_state(delivery)
        self._state.flush(shard)

    def _is_delivered_again(self, shard: Shard, batch: Batch) -> bool:
        """Whether a fault of the test repeats a delivery that succeeded."""
        context = self._context
        late = context.interference.at(
            CHECKPOINT, context.mapping, lambda: [*map(shard.sequence_number, batch.positions)]
        )
        if not (late or batch.deliver_again):
            return False
        why = "the checkpoint is late" if late else "at-least-once delivery"
        text = f"{counted(len(batch.positions), 'record')} of {shard.shard_id} come again after success: {why}"
        context.journal.add("fate", context.source_arn, text, ids_of_ends(shard, batch.positions))
        return True

    def _succeed_in_part(self, shard: Shard, batch: Batch, verdict: Verdict, delivery: Delivery) -> None:
        """Recorded: the records before the lowest reported one are done; attempts with the others count from zero."""
        done, rest = batch.split(verdict.done)
        self._state.end(shard, done.positions, DONE, f"attempt {batch.invocations}; a later record failed")
        self._keep_window_state(delivery)
        rest.after_partial_success = True
        self._state.batches[0] = rest
        rest.retry_later(self._context.clock.instant, self._context.polling.backoff)
        self._state.flush(shard)

    def _fail(self, shard: Shard, settings: StreamSettings, batch: Batch) -> None:
        """Split a failed batch, retry it, or discard it."""
        count = len(batch.positions)
        if batch.blocked_since is None:
            batch.blocked_since = self._context.clock.instant
        if not self._context.interruptions.pending:
            advise_on_failure(self._context, settings, batch)
        if settings.bisects and count > 1:
            self._state.batches[:1] = batch.split(first_half(count, self._context.polling.larger_half))
        elif settings.maximum_retries is None or batch.invocations <= settings.maximum_retries:
            batch.retry_later(self._context.clock.instant, self._context.polling.backoff)
        elif batch.final:
            self._finish_window(f"given up after {counted(batch.invocations, 'attempt')}")
        else:
            self._discard(shard, settings, batch, batch.positions, RETRIES_EXHAUSTED)
            self._state.batches.pop(0)
            self._state.flush(shard)

    def _keep_window_state(self, delivery: Delivery) -> None:
        if self._state.window is not None:
            self._state.window.set_state(delivery.result["state"])
            if self._state.window.ends_early:
                advise_on_large_state(self._context)

    def _finish_window(self, how: str) -> None:
        self._state.batches.clear()
        self._state.close_window(how)

    def _drop_expired_records(self, shard: Shard, settings: StreamSettings, batch: Batch) -> None:
        """Records past the stream's retention leave no failure record; those past the mapping's maximum age do."""
        now = self._context.clock.instant
        expired = batch.count_until(shard, now - shard.retention)
        if expired:
            about = f"the stream's retention ended after {counted(batch.invocations, 'attempt')}"
            self._state.end(shard, batch.positions[:expired], EXPIRED, about)
            if not batch.invocations:
                advise_on_expiry(self._context, expired)
            batch.positions = batch.positions[expired:]
            self._context.lose_position()
        age = settings.maximum_age
        too_old = batch.count_until(shard, now - age) if age is not None else 0
        if too_old:
            self._discard(shard, settings, batch, batch.positions[:too_old], TOO_OLD)
            batch.positions = batch.positions[too_old:]

    def _discard(
        self, shard: Shard, settings: StreamSettings, batch: Batch, positions: Sequence[int], condition: str
    ) -> None:
        discarded = DiscardedBatch(
            mapping=self._context.mapping,
            shard=shard,
            positions=positions,
            condition=condition,
            invocations=batch.invocations,
            response=batch.response if condition == RETRIES_EXHAUSTED else None,
            request_id=batch.request_id,
            event=self.event(shard, settings, Batch(positions=positions)),
        )
        now = self._context.clock.instant
        fate, about = self._context.discarder.discard(discarded, settings.failure_destination, now)
        advise_on_discard(self._context, fate, settings.failure_destination)
        self._state.end(shard, positions, fate, about)
