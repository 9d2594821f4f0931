"""What follows from an invocation with Kafka records: commit, retry, split, or discard.

Follows the pages "Configuring error handling controls for Kafka event sources" and "Capturing discarded batches". On
demand, a batch is retried as a whole; the other controls need provisioned pollers.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_lambda_esm.faults.poller_steps import CHECKPOINT
from pytest_lambda_esm.observe.fates import DONE, EXPIRED
from pytest_lambda_esm.polling.answers import advise_on_answer, advise_on_malformed
from pytest_lambda_esm.polling.attempts import CALL_FAILED, LastResponse, first_half, note_delivery
from pytest_lambda_esm.polling.failure_records import RETRIES_EXHAUSTED, TOO_OLD
from pytest_lambda_esm.polling.kafka.advice import advise_on_discard, advise_on_failure
from pytest_lambda_esm.polling.kafka.batch import KafkaBatch, Runs
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.failures import TOO_LARGE, DiscardedRecords
from pytest_lambda_esm.polling.kafka.response import KafkaVerdict, judge
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.kafka.share_state import ShareState
from pytest_lambda_esm.polling.kafka.state import KafkaState
from pytest_lambda_esm.polling.kafka.system_log import PollerLog
from pytest_lambda_esm.polling.kafka.wording import ids, ids_of_ends, places
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition
from pytest_lambda_esm.wording import counted


class KafkaOutcomes:
    """Updates a poller's state after each invocation, and when records become too old."""

    def __init__(self, context: KafkaContext, state: KafkaState | ShareState, log: PollerLog) -> None:
        self._context = context
        self._state = state
        self._log = log

    def complete(self, settings: KafkaSettings, batch: KafkaBatch, delivery: Delivery) -> None:
        """Handle the end of an invocation."""
        mapping, count = self._context.mapping, batch.runs.total
        if not note_delivery(self._context, batch, delivery, count):
            mapping._counters["InvokeErrorCount"] += bool(delivery.problem)
            return
        verdict = self._judge(settings, batch, delivery)
        batch.last_outcome = verdict.why
        mapping._last_result = "OK" if verdict.succeeded else CALL_FAILED
        if verdict.succeeded:
            self._succeed(batch)
            return
        mapping._counters["FailedInvokeEventCount"] += verdict.reported or count
        mapping._counters["InvokeErrorCount"] += 1
        batch.response = LastResponse(delivery.version, verdict.function_error)
        self._fail(settings, batch, verdict)

    def discard_oversized(self, settings: KafkaSettings, batch: KafkaBatch) -> None:
        """Discard a record that fits into no event."""
        self._discard(settings, batch, batch.runs, TOO_LARGE)
        self._state.batches.pop(0)
        self._state.commit()

    def expiry(self, settings: KafkaSettings, batch: KafkaBatch) -> int:
        """Return when the first of a batch's records is too old for the topic or the mapping.

        The age that the mapping limits is that of the record's timestamp, since it is all that Lambda can see.
        """
        expiries = [run.partition.arrival(run.offsets[0]) + run.partition.retention for run in batch.runs]
        age = settings.maximum_age
        if age is not None:
            expiries += [run.partition.created(run.offsets[0]) + age for run in batch.runs]
        return min(expiries)

    def drop_expired(self, settings: KafkaSettings) -> None:
        """Remove records that are too old from the pending batches."""
        now, batches = self._context.clock.instant, self._state.batches
        while batches and self.expiry(settings, batches[0]) <= now:
            batch = batches[0]
            expired, kept = _split(batch.runs, lambda partition, offset: offset < partition.start(now))
            about = f"the topic's retention ended after {counted(batch.invocations, 'attempt')}"
            self._context.end(expired, EXPIRED, about)
            if settings.maximum_age is not None:
                kept = self._drop_too_old(settings, batch, kept, now - settings.maximum_age)
            batch.runs = kept
            if not kept:
                batches.pop(0)
            self._state.commit()

    # --- inside ---------------------------------------------------------------------------------------------

    def _judge(self, settings: KafkaSettings, batch: KafkaBatch, delivery: Delivery) -> KafkaVerdict:
        if not delivery.succeeded:
            return KafkaVerdict(False, delivery.about, function_error="Unhandled")
        journal, mapping = self._context.journal, self._context.mapping
        advise_on_answer(journal, mapping, settings.reports_item_failures, delivery.result)
        if not settings.reports_item_failures:
            return KafkaVerdict(True, "success")
        verdict = judge(delivery.result, batch.runs)
        if not (verdict.succeeded or verdict.reported):
            advise_on_malformed(journal, mapping, verdict.why)
        return verdict

    def _drop_too_old(self, settings: KafkaSettings, batch: KafkaBatch, runs: Runs, oldest: int) -> Runs:
        too_old, kept = _split(runs, lambda partition, offset: partition.created(offset) <= oldest)
        if too_old:
            self._discard(settings, batch, too_old, TOO_OLD)
        return kept

    def _succeed(self, batch: KafkaBatch) -> None:
        if self._is_delivered_again(batch):
            self._state.batches[0] = KafkaBatch(runs=batch.runs)
            return
        self._state.batches.pop(0)
        self._context.end(batch.runs, DONE, f"attempt {batch.invocations}")
        self._state.commit()

    def _is_delivered_again(self, batch: KafkaBatch) -> bool:
        """Whether a fault of the test repeats a delivery that succeeded."""
        context = self._context
        late = context.interference.at(CHECKPOINT, context.mapping, lambda: ids(batch.runs))
        if not (late or batch.deliver_again):
            return False
        if late:
            context.mapping._counters["CommitErrorCount"] += 1
        why = "the offsets are not committed" if late else "at-least-once delivery"
        text = f"{places(batch.runs)} come again after success: {why}"
        context.journal.add("fate", context.source_arn, text, ids_of_ends(batch.runs))
        return True

    def _fail(self, settings: KafkaSettings, batch: KafkaBatch, verdict: KafkaVerdict) -> None:
        """Keep what failed of a batch: retry it, split it, or discard it."""
        context, state = self._context, self._state
        done, rest = state.split_failed(batch.runs, verdict.failed) if verdict.failed else (Runs(), batch.runs)
        if done:
            context.end(done, DONE, f"attempt {batch.invocations}; another record failed")
            batch = state.batches[0] = state.left(batch, rest)
            state.commit()
        if batch.invocations:
            self._split_or_give_up(settings, batch)
        else:
            batch.retry_later(context.clock.instant, context.polling.backoff)

    def _split_or_give_up(self, settings: KafkaSettings, batch: KafkaBatch) -> None:
        """Split a batch that has failed, retry it, give it back, or discard it."""
        context, state, count = self._context, self._state, batch.runs.total
        if batch.blocked_since is None:
            batch.blocked_since = context.clock.instant
        if not context.interruptions.pending:
            advise_on_failure(context, settings, batch)
        if settings.bisects and count > 1:
            halves = batch.runs.split(first_half(count, context.polling.larger_half))
            state.batches[:1] = [batch.part(half) for half in halves]
        elif settings.maximum_retries is None or batch.invocations <= settings.maximum_retries:
            batch.retry_later(context.clock.instant, context.polling.backoff)
        elif settings.failure_destination is not None or not state.give_back(batch):
            self._discard(settings, batch, batch.runs, RETRIES_EXHAUSTED)
            state.batches.pop(0)
            state.commit()

    def _discard(self, settings: KafkaSettings, batch: KafkaBatch, runs: Runs, condition: str) -> None:
        context = self._context
        discarded = DiscardedRecords(
            mapping=context.mapping,
            condition=condition,
            invocations=batch.invocations,
            response=batch.response if condition == RETRIES_EXHAUSTED else None,
            request_id=batch.request_id,
            event=context.event(runs),
        )
        now = context.clock.instant
        for part, fate, about in context.discarder.discard(discarded, settings.failure_destination, now):
            context.end(part, fate, about)
            self._log.warn(f"{places(part)} {fate}: {about}", condition)
            advise_on_discard(context, fate, settings.failure_destination)


def _split(runs: Runs, is_over: Callable[[KafkaPartition, int], bool]) -> tuple[Runs, Runs]:
    """Return the records at the start of each run that are over, and the others."""
    places = {}
    for partition, offsets in runs:
        place = 0
        while place < len(offsets) and is_over(partition, offsets[place]):
            place += 1
        places[partition.number] = place
    return runs.split_at(places)
