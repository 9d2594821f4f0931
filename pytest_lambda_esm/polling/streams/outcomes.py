"""What follows from an invocation with stream records: done, again, split, or given up.

Follows the pages "Configuring partial batch response" and "Retain discarded batch records" of Kinesis and DynamoDB,
and recorded behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from pytest_lambda_esm.faults.poller_steps import CHECKPOINT
from pytest_lambda_esm.observe.fates import DONE, EXPIRED
from pytest_lambda_esm.polling.batch_response import Verdict, failure, judge, success
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.streams.batch import LastResponse, Piece, StreamEvent, halves
from pytest_lambda_esm.polling.streams.context import Bench
from pytest_lambda_esm.polling.streams.failures import RETRIES_EXHAUSTED, TOO_OLD, Discarded
from pytest_lambda_esm.polling.streams.state import LaneState
from pytest_lambda_esm.polling.streams.wording import counted, ends_of
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import time_text

CALL_FAILED: Final = "PROBLEM: Function call failed"


class LaneOutcomes:
    """Moves a lane's state on after each invocation, and when records become too old."""

    def __init__(self, bench: Bench, state: LaneState) -> None:
        self._bench = bench
        self._state = state

    def event(self, shard: Shard, piece: Piece) -> StreamEvent:
        """What makes a piece's event, anew each time, also long after.

        All attempts with a piece share it, until the mapping's settings change.
        """
        settings, window, known = self._bench.settings(), self._state.window, piece.event
        if known is not None and known.positions is piece.positions and known.settings is settings:
            return known
        reader, beside = self._bench.reader(), ""
        if window is not None:
            members = window.members(shard_id=shard.shard_id, source_arn=reader.source_arn, final=piece.final)
            beside = json.dumps(members)
        piece.event = StreamEvent(shard, piece.positions, reader, beside, settings)
        return piece.event

    def land(self, shard: Shard, piece: Piece, delivery: Delivery) -> None:
        """An invocation has ended."""
        mapping, count = self._bench.mapping, len(piece.positions)
        self._bench.journal.add("result", delivery.function, delivery.about)
        if not delivery.reached:
            if delivery.problem:
                mapping.counters["FailedInvokeEventCount"] += count
            mapping.last_result = f"PROBLEM: {delivery.problem}" if delivery.problem else CALL_FAILED
            piece.trouble = delivery.about
            self._wait(piece)
            return
        mapping.counters["InvokedEventCount"] += count
        piece.invocations += 1
        piece.request_id = delivery.request_id
        verdict = self._judge(shard, piece, delivery)
        piece.trouble = verdict.why
        mapping.last_result = "OK" if verdict.succeeded else CALL_FAILED
        if verdict.succeeded:
            self._succeed(shard, piece, delivery)
            return
        mapping.counters["FailedInvokeEventCount"] += verdict.reported or count
        piece.response = LastResponse(delivery.version, verdict.function_error)
        if verdict.done:
            self._succeed_in_part(shard, piece, verdict, delivery)
        else:
            self._fail(shard, piece)

    def drop_expired(self, shard: Shard) -> None:
        """Cut off what is too old: gone from the stream without a trace, or given up by the mapping's own limit."""
        now, pieces = self._bench.clock.instant, self._state.pieces
        while pieces and (expiry := self._state.expiry(shard, pieces[0])) is not None and expiry <= now:
            piece = pieces[0]
            if piece.final:
                since = time_text(piece.blocked_since or now, now)
                self._finish_window(f"given up: its last invocation fails since {since}")
                return
            self._cut_off(shard, piece, now)
            if not piece.positions:
                pieces.pop(0)

    # --- inside ---------------------------------------------------------------------------------------------

    def _judge(self, shard: Shard, piece: Piece, delivery: Delivery) -> Verdict:
        if not delivery.succeeded:
            return failure(delivery.about, "Unhandled")
        answer = delivery.result
        if self._state.window is not None and not (isinstance(answer, dict) and "state" in answer):
            return failure("the answer has no 'state', which a mapping with tumbling windows needs")
        if self._bench.settings().takes_partial_answers and piece.positions:
            return judge(answer, [shard.sequence_number(position) for position in piece.positions])
        return success(len(piece.positions))

    def _succeed(self, shard: Shard, piece: Piece, delivery: Delivery) -> None:
        if piece.final:
            self._finish_window("closed")
            return
        if self._comes_again(shard, piece):
            self._state.pieces[0] = Piece(positions=piece.positions)
            return
        self._state.pieces.pop(0)
        self._state.end(shard, piece.positions, DONE, f"attempt {piece.invocations}")
        self._carry_state(delivery)
        self._state.flush(shard)

    def _comes_again(self, shard: Shard, piece: Piece) -> bool:
        """Whether records that have succeeded are delivered once more, since the test has asked for it."""
        mapping = self._bench.mapping
        late = self._bench.interference.at(CHECKPOINT, mapping, lambda: [*map(shard.sequence_number, piece.positions)])
        if not (late or piece.comes_again):
            return False
        why = "the checkpoint is late" if late else "at-least-once delivery"
        text = f"{counted(len(piece.positions), 'record')} of {shard.shard_id} come again after success: {why}"
        self._bench.journal.add("fate", mapping.source_arn, text, ends_of(shard, piece.positions))
        return True

    def _succeed_in_part(self, shard: Shard, piece: Piece, verdict: Verdict, delivery: Delivery) -> None:
        """Recorded: what comes before the lowest reported record is done, and the others begin to count anew."""
        done, rest = piece.cut(verdict.done)
        self._state.end(shard, done.positions, DONE, f"attempt {piece.invocations}; a later record failed")
        self._carry_state(delivery)
        self._state.pieces[0] = rest
        self._wait(rest)
        self._state.flush(shard)

    def _fail(self, shard: Shard, piece: Piece) -> None:
        settings, count = self._bench.settings(), len(piece.positions)
        if piece.blocked_since is None:
            piece.blocked_since = self._bench.clock.instant
        if settings.bisects and count > 1:
            self._state.pieces[:1] = piece.cut(halves(count, self._bench.polling.larger_half))
        elif settings.maximum_retries is None or piece.invocations <= settings.maximum_retries:
            self._wait(piece)
        elif piece.final:
            self._finish_window(f"given up after {counted(piece.invocations, 'attempt')}")
        else:
            self._state.pieces.pop(0)
            self._give_up(shard, piece, piece.positions, RETRIES_EXHAUSTED)
            self._state.flush(shard)

    def _wait(self, piece: Piece) -> None:
        now = self._bench.clock.instant
        piece.setbacks += 1
        piece.due = now + self._bench.polling.backoff.after(piece.setbacks)
        if piece.blocked_since is None:
            piece.blocked_since = now

    def _carry_state(self, delivery: Delivery) -> None:
        if self._state.window is not None:
            self._state.window.accept(delivery.result["state"])

    def _finish_window(self, how: str) -> None:
        self._state.pieces.clear()
        self._state.close_window(how)

    def _cut_off(self, shard: Shard, piece: Piece, now: int) -> None:
        gone = piece.older_than(shard, now - shard.retention)
        if gone:
            about = f"the stream's retention ended after {counted(piece.invocations, 'attempt')}"
            self._state.end(shard, piece.positions[:gone], EXPIRED, about)
            piece.positions = piece.positions[gone:]
        age = self._bench.settings().maximum_age
        old = piece.older_than(shard, now - age) if age is not None else 0
        if old:
            self._give_up(shard, piece, piece.positions[:old], TOO_OLD)
            piece.positions = piece.positions[old:]

    def _give_up(self, shard: Shard, piece: Piece, positions: Sequence[int], condition: str) -> None:
        discarded = Discarded(
            mapping=self._bench.mapping,
            shard=shard,
            positions=positions,
            condition=condition,
            invocations=piece.invocations,
            response=piece.response if condition == RETRIES_EXHAUSTED else None,
            request_id=piece.request_id,
            event=self.event(shard, Piece(positions=positions)),
        )
        destination = self._bench.settings().failure_destination
        fate, about = self._bench.discards.give_up(discarded, destination, self._bench.clock.instant)
        self._state.end(shard, positions, fate, about)
