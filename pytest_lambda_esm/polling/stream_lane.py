"""One reader of one shard: collect, invoke, and move on, try again, split or give up.

Follows the pages "Using Lambda with Amazon Kinesis" and "... with Amazon DynamoDB" and recorded behaviour. A lane has
one batch at a time. Nothing ticks: it has at most one event on the clock, and none while it waits for records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DONE, EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.backoff import Backoff
from pytest_lambda_esm.polling.batch_answer import Verdict, failure, judge, success
from pytest_lambda_esm.polling.discards import Discarded, Discards
from pytest_lambda_esm.polling.gather import Belongs, Gatherer
from pytest_lambda_esm.polling.piece import Piece, halves
from pytest_lambda_esm.polling.ports import Clock, Deliver, Delivery, Journal
from pytest_lambda_esm.polling.shard_history import ShardHistory
from pytest_lambda_esm.polling.stream_settings import StreamSettings
from pytest_lambda_esm.polling.tumbling import OpenWindow
from pytest_lambda_esm.sources.failure_record import RETRIES_EXHAUSTED, TOO_OLD, LastResponse
from pytest_lambda_esm.sources.stream import Reader, Shard

CALL_FAILED = "PROBLEM: Function call failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPolling:
    """How streams are polled: ``latency`` and ``idle_wait`` (of tumbling windows) in microseconds, ``larger_half`` of
    a batch that is split, and how deep a chain of invocations may become that each feed the next."""

    latency: int
    backoff: Backoff
    idle_wait: int
    larger_half: str
    loop_depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the lanes of one mapping work with. ``shard`` finds a shard by its id, ``settings`` and ``reader`` are
    those in force; ``drained`` is told when a closed shard has been read to its end."""

    mapping: Mapping
    clock: Clock
    journal: Journal
    deliver: Deliver
    discards: Discards
    polling: StreamPolling
    shard: Callable[[str], Shard | None]
    settings: Callable[[], StreamSettings]
    reader: Callable[[], Reader]
    drained: Callable[[], None]


class StreamLane:
    """A lane of one shard. ``checkpoint`` is the position before which all records of the lane have their fate."""

    def __init__(self, bench: Bench, shard_id: str, history: ShardHistory, start: int, belongs: Belongs | None) -> None:
        self._bench = bench
        self._shard_id = shard_id
        self._history = history
        self._gatherer = Gatherer(position=start, belongs=belongs)
        self._belongs = belongs
        self._pieces: list[Piece] = []
        self._flying: Piece | None = None
        self._window: OpenWindow | None = None
        self._free_since = 0
        self._polls = False
        self._upcoming: Any = None
        self._last_age: int | None = None

    # --- what the poller needs -----------------------------------------------------------------------------

    @property
    def checkpoint(self) -> int:
        """Everything of this lane before this position has its fate."""
        if self._pieces and self._pieces[0].positions:
            return self._pieces[0].positions[0]
        return self._gatherer.positions[0] if self._gatherer.positions else self._gatherer.position

    @property
    def flying(self) -> Sequence[int]:
        """The positions with which the function runs now."""
        return self._flying.positions if self._flying else ()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no batch, no open window."""
        return not (self._pieces or self._gatherer.positions or self._window)

    def start(self) -> None:
        """Begin to read, or go on at the checkpoint."""
        self._polls = True
        self._free_since = self._bench.clock.instant
        self.wake()

    def stop(self) -> None:
        """Read no more; a batch in flight comes to its end."""
        self._polls = False
        self._bench.clock.cancel(self._upcoming)
        self._upcoming = None
        self._return_to_checkpoint()

    def wake(self) -> None:
        """See to it that the next step is made when it is due."""
        if not self._polls or self._flying:
            return
        shard = self._bench.shard(self._shard_id)
        due = self._next_due(shard) if shard is not None else None
        if due is None:
            return
        due = max(due, self._bench.clock.instant)
        if self._upcoming is not None:
            if self._upcoming.due <= due:
                return
            self._bench.clock.cancel(self._upcoming)
        self._upcoming = self._bench.clock.call_at(due, self._step, self._about_step)

    def iterator_age(self) -> int | None:
        """The age in microseconds of the last record of the batch that is under way, or was sent last."""
        if self._pieces and self._pieces[0].positions and self._pieces[0].invocations:
            shard = self._bench.shard(self._shard_id)
            if shard is not None:
                return self._bench.clock.instant - shard.arrival(self._pieces[0].positions[-1])
        return self._last_age

    def explain(self) -> list[str]:
        """What the lane waits for."""
        shard = self._bench.shard(self._shard_id)
        if shard is None:
            return []
        if self._flying:
            return [f"{self._shard_id}: the function runs with {len(self._flying.positions)} records"]
        if self._pieces:
            return [self._explain_blocked(shard, self._pieces[0])]
        waiting = shard.end - self.checkpoint
        if not waiting and self._window is None:
            return [f"{self._shard_id}: all records have been read"]
        due = f" next step at {moment_of(self._upcoming.due):%H:%M:%S.%f}" if self._upcoming else ""
        return [f"{self._shard_id}: {waiting} records from {self._name(shard, self.checkpoint)} on wait;{due}"]

    # --- what is due ----------------------------------------------------------------------------------------

    def _next_due(self, shard: Shard) -> int | None:
        if self._pieces:
            piece = self._pieces[0]
            return min(piece.due, self._expiry(shard, piece))
        settings = self._bench.settings()
        self._gather(shard, settings)
        gatherer = self._gatherer
        if gatherer.positions:
            return self._batch_due(shard, settings)
        waits = [gatherer.next_arrival + self._bench.polling.latency] if gatherer.next_arrival is not None else []
        if self._window is not None:
            waits.append(self._window_due(shard, self._window))
        return min(waits, default=None)

    def _batch_due(self, shard: Shard, settings: StreamSettings) -> int:
        """A batch goes when it is full, when nothing can join it, or when the batching window ends."""
        gatherer = self._gatherer
        if gatherer.complete or gatherer.later_window or self._at_end(shard):
            return self._bench.clock.instant
        arrived = shard.arrival(gatherer.positions[0]) + self._bench.polling.latency
        return max(self._free_since, arrived) + settings.batching_window

    def _window_due(self, shard: Shard, window: OpenWindow) -> int:
        """A tumbling window ends with a later record, with its shard, by its state, or some time after its end."""
        if window.ends_early or self._gatherer.later_window or self._at_end(shard):
            return self._bench.clock.instant
        return window.end + self._bench.polling.idle_wait

    def _at_end(self, shard: Shard) -> bool:
        return shard.closed and self._gatherer.position >= shard.end

    def _expiry(self, shard: Shard, piece: Piece) -> int:
        """When the first record of a piece is too old, by the stream or by the mapping."""
        arrival = shard.arrival(piece.positions[0]) if piece.positions else self._last_arrival()
        age = self._bench.settings().maximum_age
        return arrival + (shard.retention if age is None else min(age, shard.retention))

    def _last_arrival(self) -> int:
        return self._window.last_arrival if self._window else 0

    # --- steps ----------------------------------------------------------------------------------------------

    def _about_step(self) -> str:
        mapping = self._bench.mapping
        if self._pieces:
            return f"mapping {mapping.uuid}: attempt {self._pieces[0].invocations + 1} in {self._shard_id}"
        return f"mapping {mapping.uuid}: read {self._shard_id} of {mapping.source_arn}"

    def _step(self) -> None:
        self._upcoming = None
        shard = self._bench.shard(self._shard_id)
        if shard is None:
            return
        if not self._pieces:
            self._open_piece(shard)
        self._drop_expired(shard)
        if self._pieces and self._pieces[0].due <= self._bench.clock.instant:
            self._invoke(shard, self._pieces[0])
        self._go_on(shard)

    def _go_on(self, shard: Shard) -> None:
        self.wake()
        if self._upcoming is None and not self._flying and self._at_end(shard) and self.idle:
            self._bench.drained()

    def _gather(self, shard: Shard, settings: StreamSettings) -> None:
        gatherer, bench = self._gatherer, self._bench
        if self._window is not None and self._window.length != settings.tumbling_window:
            bench.journal.add("poll", bench.mapping.source_arn, "the tumbling window was changed; its state is dropped")
            self._window, gatherer.window_end = None, None
        if self._window is not None and self._window.ends_early:
            return
        gatherer.gather(shard, settings, bench.reader, bench.clock.instant - bench.polling.latency)
        self._flush()

    def _open_piece(self, shard: Shard) -> None:
        """Make a piece of what has been collected, if it is time."""
        now, settings = self._bench.clock.instant, self._bench.settings()
        self._gather(shard, settings)
        if self._gatherer.positions:
            if self._batch_due(shard, settings) <= now:
                self._pieces = [Piece(positions=self._gatherer.take())]
                self._note_polled(shard, settings)
        elif self._window is not None and self._window_due(shard, self._window) <= now:
            self._pieces = [Piece(positions=(), final=True)]

    def _note_polled(self, shard: Shard, settings: StreamSettings) -> None:
        positions = self._pieces[0].positions
        self._bench.mapping.counters["PolledEventCount"] += len(positions)
        if settings.tumbling_window:
            if self._window is None:
                self._window = OpenWindow.around(shard.arrival(positions[0]), settings.tumbling_window)
            self._window.last_arrival = shard.arrival(positions[-1])
            self._gatherer.window_end = self._window.end

    def _flush(self) -> None:
        """Note the fate of what was filtered out or had expired before the checkpoint."""
        gatherer, checkpoint = self._gatherer, self.checkpoint
        for kind, positions in ((FILTERED_OUT, gatherer.filtered), (EXPIRED, gatherer.expired)):
            if positions and positions[0] < checkpoint:
                passed = [position for position in positions if position < checkpoint]
                positions[:] = positions[len(passed) :]
                self._note_passed(kind, passed)

    def _note_passed(self, kind: str, positions: list[int]) -> None:
        counters = self._bench.mapping.counters
        if kind == FILTERED_OUT:
            counters["PolledEventCount"] += len(positions)
            counters["FilteredOutEventCount"] += len(positions)
            self._end(positions, FILTERED_OUT, "no filter of the mapping lets it pass")
        else:
            self._end(positions, EXPIRED, "expired at the stream's retention before it was read")

    def _drop_expired(self, shard: Shard) -> None:
        """Cut off what is too old: gone from the stream without a trace, or given up by the mapping's own limit."""
        now, settings = self._bench.clock.instant, self._bench.settings()
        while self._pieces:
            piece = self._pieces[0]
            if piece.final:
                if self._expiry(shard, piece) <= now:
                    self._close_window("given up: its records are too old")
                return
            gone = piece.older_than(shard, now - shard.retention)
            if gone:
                self._end(piece.positions[:gone], EXPIRED, f"expired at the stream's retention; {_attempts(piece)}")
                piece.positions = piece.positions[gone:]
            old = piece.older_than(shard, now - settings.maximum_age) if settings.maximum_age is not None else 0
            if old:
                self._give_up(shard, piece, piece.positions[:old], TOO_OLD)
                piece.positions = piece.positions[old:]
            if piece.positions:
                return
            self._pieces.pop(0)

    # --- invocations ----------------------------------------------------------------------------------------

    def _invoke(self, shard: Shard, piece: Piece) -> None:
        bench, count = self._bench, len(piece.positions)
        depth = max((shard.depth(position) for position in piece.positions), default=0)
        self._refuse_loops(shard, piece, depth)
        if count:
            self._last_age = bench.clock.instant - shard.arrival(piece.positions[-1])
        text = f"{count} records of {self._shard_id}, attempt {piece.invocations + 1}"
        bench.journal.add("poll", bench.mapping.source_arn, text, self._ends(shard, piece.positions))
        delivery = bench.deliver(bench.mapping, self._event(shard, piece), piece.invocations + 1, depth)
        if delivery.end <= bench.clock.instant:
            self._land(shard, piece, delivery)
            return
        self._flying = piece
        bench.clock.call_at(
            delivery.end,
            lambda: self._land_later(piece, delivery),
            lambda: f"mapping {bench.mapping.uuid}: {delivery.function} ends: {delivery.about}",
        )

    def _event(self, shard: Shard, piece: Piece) -> Callable[[], dict[str, Any]]:
        """What makes the piece's event, anew each time, also long after."""
        reader, positions = self._bench.reader(), piece.positions
        if self._window is None:
            return lambda: {"Records": shard.records(positions, reader)}
        members = self._window.members(shard_id=self._shard_id, source_arn=reader.source_arn, final=piece.final)
        frozen = json.dumps(members)
        return lambda: {"Records": shard.records(positions, reader), **json.loads(frozen)}

    def _land_later(self, piece: Piece, delivery: Delivery) -> None:
        self._flying = None
        shard = self._bench.shard(self._shard_id)
        if shard is None:
            return
        self._land(shard, piece, delivery)
        if not self._polls:
            self._return_to_checkpoint()
        self._go_on(shard)

    def _land(self, shard: Shard, piece: Piece, delivery: Delivery) -> None:
        bench, count = self._bench, len(piece.positions)
        bench.journal.add("result", delivery.function, delivery.about)
        self._free_since = bench.clock.instant
        piece.trouble = delivery.about
        if not delivery.reached:
            bench.mapping.last_result = f"PROBLEM: {delivery.problem}" if delivery.problem else CALL_FAILED
            self._wait(piece)
            return
        bench.mapping.counters["InvokedEventCount"] += count
        piece.invocations += 1
        piece.request_id = delivery.request_id
        verdict = self._judge(shard, piece, delivery)
        bench.mapping.last_result = "OK" if verdict.succeeded else CALL_FAILED
        if verdict.succeeded:
            self._succeed(piece, delivery)
            return
        piece.response = LastResponse(delivery.version, verdict.function_error)
        piece.trouble = verdict.why
        bench.mapping.counters["FailedInvokeEventCount"] += count - verdict.done
        self._fail(shard, piece, verdict, delivery)

    def _judge(self, shard: Shard, piece: Piece, delivery: Delivery) -> Verdict:
        if not delivery.succeeded:
            return failure(delivery.about, "Unhandled")
        answer = delivery.result
        if self._window is not None and not (isinstance(answer, dict) and "state" in answer):
            return failure("the answer has no 'state', which a mapping with tumbling windows needs")
        if self._bench.settings().takes_partial_answers and piece.positions:
            return judge(answer, [shard.sequence_number(position) for position in piece.positions])
        return success(len(piece.positions))

    def _succeed(self, piece: Piece, delivery: Delivery) -> None:
        self._pieces.pop(0)
        if piece.final:
            self._close_window("closed")
            return
        self._end(piece.positions, DONE, f"done, attempt {piece.invocations}")
        self._carry_state(delivery)
        self._flush()

    def _fail(self, shard: Shard, piece: Piece, verdict: Verdict, delivery: Delivery) -> None:
        settings, count = self._bench.settings(), len(piece.positions)
        if piece.blocked_since is None:
            piece.blocked_since = self._bench.clock.instant
        if verdict.done:
            # Recorded: what comes before the lowest reported record is done, and the others begin to count anew.
            done, rest = piece.cut(verdict.done)
            self._end(done.positions, DONE, f"done, attempt {piece.invocations}; a later record failed")
            self._carry_state(delivery)
            self._pieces[0] = rest
            self._wait(rest)
            self._flush()
        elif settings.bisects and count > 1:
            self._pieces[:1] = piece.cut(halves(count, self._bench.polling.larger_half))
        elif settings.maximum_retries is not None and piece.invocations > settings.maximum_retries:
            self._pieces.pop(0)
            if piece.final:
                self._close_window(f"given up after {piece.invocations} invocations")
            else:
                self._give_up(shard, piece, piece.positions, RETRIES_EXHAUSTED)
                self._flush()
        else:
            self._wait(piece)

    def _wait(self, piece: Piece) -> None:
        piece.setbacks += 1
        piece.due = self._bench.clock.instant + self._bench.polling.backoff.after(piece.setbacks)
        if piece.blocked_since is None:
            piece.blocked_since = self._bench.clock.instant

    def _carry_state(self, delivery: Delivery) -> None:
        if self._window is not None:
            self._window.accept(delivery.result["state"])

    def _close_window(self, how: str) -> None:
        assert self._window is not None
        bench = self._bench
        bench.journal.add("poll", bench.mapping.source_arn, f"a tumbling window of {self._shard_id} is {how}")
        self._pieces, self._window = [], None
        self._gatherer.window_end, self._gatherer.later_window = None, False

    # --- ends -----------------------------------------------------------------------------------------------

    def _give_up(self, shard: Shard, piece: Piece, positions: Sequence[int], condition: str) -> None:
        event_of = self._event(shard, Piece(positions=positions))
        discarded = Discarded(
            mapping=self._bench.mapping,
            shard=shard,
            positions=positions,
            condition=condition,
            invocations=piece.invocations,
            response=piece.response if condition == RETRIES_EXHAUSTED else None,
            request_id=piece.request_id,
            event=event_of,
        )
        destination = self._bench.settings().failure_destination
        fate, about = self._bench.discards.give_up(discarded, destination, self._bench.clock.instant)
        self._end(positions, fate, about)

    def _end(self, positions: Sequence[int], fate: str, about: str) -> None:
        """Records have met their fate."""
        bench = self._bench
        shard = bench.shard(self._shard_id)
        ends = self._ends(shard, positions) if shard is not None else ()
        text = f"{len(positions)} records of {self._shard_id} {fate}: {about}"
        bench.journal.add("fate", bench.mapping.source_arn, text, ends)
        self._history.add(positions, fate, bench.clock.instant, about)

    def _return_to_checkpoint(self) -> None:
        """Forget what is collected or waits to come again; it will be read once more from the checkpoint on."""
        flying = self._flying
        position = flying.positions[-1] + 1 if flying and flying.positions else self.checkpoint
        self._pieces = [flying] if flying else []
        fresh = Gatherer(position=position, belongs=self._belongs, window_end=self._gatherer.window_end)
        fresh.filtered = [passed for passed in self._gatherer.filtered if passed < position]
        fresh.expired = [passed for passed in self._gatherer.expired if passed < position]
        self._gatherer = fresh

    # --- words ----------------------------------------------------------------------------------------------

    def _explain_blocked(self, shard: Shard, piece: Piece) -> str:
        if piece.final:
            what = f"{self._shard_id} is suspended by the last invocation of a tumbling window"
        else:
            what = f"{self._shard_id} is blocked by {self._name(shard, piece.positions[0])}"
            if len(piece.positions) > 1:
                what += f" and the {len(piece.positions) - 1} records with it"
        since = f" since {moment_of(piece.blocked_since):%H:%M:%S.%f}" if piece.blocked_since is not None else ""
        behind = max(shard.end - (piece.positions[-1] + 1 if piece.positions else self.checkpoint), 0)
        return (
            f"{what}{since}: {_attempts(piece)} ({piece.trouble}); the next attempt comes at"
            f" {moment_of(piece.due):%H:%M:%S.%f}; {behind} records wait behind"
        )

    def _name(self, shard: Shard, position: int) -> str:
        if position >= shard.end:
            return "the end"
        return f"{shard.sequence_number(position)} (key {shard.key(position)})"

    def _ends(self, shard: Shard, positions: Sequence[int]) -> tuple[str, ...]:
        """The first and the last of some records, for the timeline."""
        if not positions:
            return ()
        ends = positions[:1] if len(positions) == 1 else (positions[0], positions[-1])
        return tuple(f"{self._shard_id}:{shard.sequence_number(position)}" for position in ends)

    def _refuse_loops(self, shard: Shard, piece: Piece, depth: int) -> None:
        if depth >= self._bench.polling.loop_depth:
            mapping = self._bench.mapping
            raise LambdaEsmError(
                f"the function {mapping.function_arn} feeds its own source: the records from"
                f" {self._name(shard, piece.positions[0])} on in {self._shard_id} of {mapping.source_arn} are the end"
                f" of a chain of {depth} invocations, each of which put the record that caused the next (at"
                f" {moment_of(self._bench.clock.instant):%H:%M:%S.%f}). Stop the loop, or raise the setting"
                f" 'loop_depth'."
            )


def _attempts(piece: Piece) -> str:
    return f"{piece.invocations} attempts so far" if piece.invocations != 1 else "1 attempt so far"
