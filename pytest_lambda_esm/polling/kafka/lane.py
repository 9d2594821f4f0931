"""One poller of a Kafka mapping: collect records of its partitions, invoke the function, and act on the outcome.

Follows the pages "Using Lambda with Amazon MSK" and "... with self-managed Apache Kafka". A poller is a member of the
mapping's consumer group. It has one batch at a time, whose records can be of several partitions. It never polls in a
loop: it has at most one event on the clock, and none while it waits for records.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pytest_lambda_esm.faults.poller_steps import KEEPS_ITS_ORDER, READ
from pytest_lambda_esm.polling.kafka.batch import KafkaBatch, Runs
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.modes import Mode
from pytest_lambda_esm.polling.kafka.outcomes import KafkaOutcomes
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.kafka.system_log import READ_FAILED, PollerLog
from pytest_lambda_esm.polling.kafka.wording import batch_name, blocked, ids_of_ends, places, record_name
from pytest_lambda_esm.polling.lane_clock import LaneClock
from pytest_lambda_esm.polling.loop_guard import chain_error
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.sources.kafka_ports import Membership, Place
from pytest_lambda_esm.timing import moment_of


class KafkaLane:
    """A poller, as a member of the consumer group."""

    def __init__(self, context: KafkaContext, mode: Mode, log: PollerLog) -> None:
        self._context = context
        self._log = log
        self._group: Membership = mode.members
        self._state = mode.new_state()
        self._outcomes = KafkaOutcomes(context, self._state, log)
        self._timer = LaneClock(context, step=self._step, mend=self._mend, about=self._about_step)
        self._in_flight: KafkaBatch | None = None
        self._polling = False
        self._last_age: int | None = None

    @property
    def topics(self) -> Sequence[str]:
        """The topic that it reads."""
        return (self._context.topic,)

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the partitions that it reads now."""
        return self._state.numbers

    @property
    def in_flight(self) -> Runs:
        """The records that the function runs with now."""
        return self._in_flight.runs if self._in_flight else Runs()

    @property
    def busy(self) -> bool:
        """Whether the function is running."""
        return self._in_flight is not None

    def start(self) -> None:
        """Start reading where the group has committed."""
        if self._polling:
            return
        self._polling = True
        self._timer.free_since = self._context.clock.instant
        self._group.join(self)
        self.on_assignment()

    def stop(self) -> None:
        """Stop reading; an in-flight batch still completes."""
        if not self._polling:
            return
        self._polling = False
        self._timer.cancel()
        self._group.leave(self)
        self._log.closed()
        self._state.return_to_commits(self._in_flight)

    def wake(self) -> None:
        """Schedule the next step, which may be due earlier than before."""
        self._schedule(self._context.settings())

    def holds(self, place: Place) -> bool:
        """Whether the function runs with records of a partition."""
        return any(run.partition.number == place[1] for run in self.in_flight)

    def on_assignment(self) -> None:
        """Read the partitions that the group assigns now."""
        numbers = [number for _, number in self._group.assigned(self)]
        self._timer.cancel()
        self._state.assign(numbers, self._in_flight)
        if self._polling:
            self._log.assigned(numbers)
            self._schedule(self._context.settings())

    def read_before(self, number: int) -> int:
        """Return the offset after the last record of a partition that is in a batch; 0 if none is."""
        runs = (run for batch in self._state.batches for run in batch.runs if run.partition.number == number)
        return max((run.offsets[-1] + 1 for run in runs), default=0)

    def iterator_age(self) -> int | None:
        """Return the age of the last record of the pending batch, or of the batch sent last, in microseconds."""
        batch = self._state.batches[0] if self._state.batches else None
        if batch is not None and batch.blocked_since is not None:
            return self._age(batch)
        return self._last_age

    def explain(self) -> list[str]:
        """Return what the poller waits for; an empty list if it has read all records and is idle."""
        state, now = self._state, self._context.clock.instant
        if self._in_flight:
            return self.in_hand()
        unread = Runs(state.unread())
        if state.batches:
            return [blocked(state.batches[0], unread.total, now)]
        if not unread:
            return []
        verb = "waits" if unread.total == 1 else "wait"
        first = record_name(unread[0].partition, unread[0].offsets[0])
        return [f"{places(unread)} {verb}, starting with {first}{self._timer.next_step_text()}"]

    def in_hand(self) -> list[str]:
        """Return what the function runs with, even after polling has stopped."""
        return [f"the function runs with {places(self.in_flight)}"] if self._in_flight else []

    # --- when the next step is due --------------------------------------------------------------------------

    def _schedule(self, settings: KafkaSettings) -> None:
        if not self._polling or self._in_flight:
            return
        due = self._next_due(settings)
        if due is not None:
            self._timer.plan(due)

    def _next_due(self, settings: KafkaSettings) -> int | None:
        state = self._state
        if state.batches:
            return min(state.batches[0].due, self._outcomes.expiry(settings, state.batches[0]))
        state.collect(settings)
        if state.open_batch.count:
            return max(self._batch_due(settings), self._timer.no_read_before)
        arrival = state.open_batch.next_arrival
        return None if arrival is None else arrival + self._context.polling.latency

    def _batch_due(self, settings: KafkaSettings) -> int:
        """A batch is due when it is complete, or when the batch window ends."""
        batch = self._state.open_batch
        if batch.complete or batch.first_arrival is None:
            return self._context.clock.instant
        return self._timer.batch_due(batch.first_arrival, settings.batching_window)

    # --- steps ----------------------------------------------------------------------------------------------

    def _about_step(self) -> str:
        mapping, batches = self._context.mapping, self._state.batches
        if batches:
            attempt = f"attempt {batches[0].invocations + 1} with {batch_name(batches[0].runs)}"
            return f"mapping {mapping.uuid}: {attempt} in {mapping.source_arn}"
        return f"mapping {mapping.uuid}: read the topic {self._context.topic} of {mapping.source_arn}"

    def _step(self) -> None:
        self._timer.next_step = None
        state, settings = self._state, self._context.settings()
        if not state.batches:
            self._start_batch(settings)
        self._outcomes.drop_expired(settings)
        if state.batches and state.batches[0].oversized:
            self._outcomes.discard_oversized(settings, state.batches[0])
        elif state.batches and state.batches[0].due <= self._context.clock.instant:
            settings = self._invoke(state.batches[0])
        self._schedule(settings)

    def _start_batch(self, settings: KafkaSettings) -> None:
        """Start the collected batch if it is due, unless a fault of the test makes the read fail."""
        state, context = self._state, self._context
        state.collect(settings)
        now = context.clock.instant
        if not state.open_batch.count or max(self._batch_due(settings), self._timer.no_read_before) > now:
            return
        fault = context.interference.at(READ, context.mapping, cannot=KEEPS_ITS_ORDER)
        if fault in ("throttled", "failed"):
            context.mapping._counters["PollingErrorCount"] += 1
            self._log.warn(f"The records could not be read: {fault}", READ_FAILED)
            self._timer.pause_reading()
        elif self._polling and state.open_batch.count:  # The fault may have disabled or deleted the mapping.
            batch = state.take()
            batch.deliver_again = fault == "duplicated"
            state.batches.append(batch)
            context.mapping._counters["PolledEventCount"] += batch.runs.total

    def _invoke(self, batch: KafkaBatch) -> KafkaSettings:
        """Invoke the function. Return the settings afterwards, since the function may have updated its mapping."""
        context, attempt = self._context, batch.invocations + 1
        depth = max(partition.depth(offsets) for partition, offsets in batch.runs)
        if depth >= context.polling.loop_depth:
            now = f"{moment_of(context.clock.instant):%H:%M:%S.%f}"
            first = record_name(batch.runs[0].partition, batch.runs[0].offsets[0])
            record = f"{first} in {context.mapping.source_arn} (at {now}), or another record of its batch,"
            raise chain_error(context.mapping, depth, record)
        self._last_age = self._age(batch)
        text = f"{places(batch.runs)}, attempt {attempt}"
        context.journal.add("poll", context.source_arn, text, ids_of_ends(batch.runs))
        self._in_flight = batch
        delivery = context.deliver(context.mapping, context.event(batch.runs), attempt, depth)
        if delivery.end <= context.clock.instant:
            self._complete(batch, delivery)
        else:
            self._timer.when_over(delivery, lambda: self._complete_later(batch, delivery))
        return context.settings()

    def _complete(self, batch: KafkaBatch, delivery: Delivery) -> None:
        self._in_flight = None
        self._timer.free_since = self._context.clock.instant
        self._outcomes.complete(self._context.settings(), batch, delivery)
        if not self._polling:
            self._state.return_to_commits(None)
        self._group.settle()

    def _complete_later(self, batch: KafkaBatch, delivery: Delivery) -> None:
        self._complete(batch, delivery)
        self._schedule(self._context.settings())

    def _mend(self) -> None:
        """Continue after a bug, or after the end of a chain of invocations."""
        self._in_flight = None
        if self._polling:
            self._timer.recover(self._state.batches)
        else:
            self._state.return_to_commits(None)
            self._group.settle()

    def _age(self, batch: KafkaBatch) -> int:
        partition, offsets = batch.runs[-1]
        return self._context.clock.instant - partition.created(offsets[-1])


def owners(lanes: Collection[KafkaLane]) -> dict[int, KafkaLane]:
    """Return the poller of each partition, by its number."""
    return {number: lane for lane in lanes for number in lane.numbers}
