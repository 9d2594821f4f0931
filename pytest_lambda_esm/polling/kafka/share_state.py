"""The state of one poller in queue mode: the records that it has acquired from a share group.

Follows the page "Polling Kafka topics in Queue mode" and Kafka's share groups. A poller holds a record until it has
acknowledged or released it: the lock of the broker is renewed as long as the function runs, or a retry is due.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pytest_lambda_esm.observe.fates import DISCARDED, EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.kafka.batch import KafkaBatch, OpenBatch, Run, Runs
from pytest_lambda_esm.polling.kafka.checks import RecordChecks
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.kafka.state import CAPACITY
from pytest_lambda_esm.polling.kafka.wording import ids_of_ends, places
from pytest_lambda_esm.polling.streams.history import NO_MATCH
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition, Place, ShareGroup
from pytest_lambda_esm.wording import times


class ShareState:
    """The state of a poller. ``batches`` is the batch that was acquired, or what is left of it after splits."""

    def __init__(self, context: KafkaContext, share: ShareGroup) -> None:
        self._context = context
        self._share = share
        self.numbers: list[int] = []
        self.open_batch = OpenBatch()
        self.batches: list[KafkaBatch] = []
        self._held: dict[int, set[int]] = {}
        self._turn = 0
        self._checks = RecordChecks(context)

    def assign(self, numbers: Sequence[int], _: KafkaBatch | None) -> None:
        """Read these partitions from now on."""
        self.numbers = list(numbers)

    def return_to_commits(self, in_flight: KafkaBatch | None) -> None:
        """Release what waits for a retry. An in-flight batch still completes."""
        for batch in [each for each in self.batches if each is not in_flight]:
            self.give_back(batch)
        self.open_batch = OpenBatch()

    def unread(self) -> list[Run]:
        """Return the records that any poller may acquire."""
        runs = [Run(self._context.partition(number), self._available(number)) for number in self.numbers]
        return [run for run in runs if run.offsets]

    # --- collecting -----------------------------------------------------------------------------------------

    def collect(self, settings: KafkaSettings) -> None:
        """Collect the records that have arrived, without acquiring them: another poller may be first."""
        self.open_batch = batch = OpenBatch()
        count = len(self.numbers)
        for place in range(count):
            partition = self._context.partition(self.numbers[(self._turn + place) % count])
            self._expire(partition)
            self._collect_from(partition, settings)
            if batch.complete:
                break
        if not batch.count and batch.filtered:
            self._acquire(batch)

    def take(self) -> KafkaBatch:
        """Acquire the collected batch, and start the next one with the next partition."""
        batch, self.open_batch = self.open_batch, OpenBatch()
        self._turn = (self._turn + 1) % max(len(self.numbers), 1)
        self._acquire(batch)
        runs = Runs(Run(self._context.partition(number), tuple(each)) for number, each in batch.offsets.items())
        return KafkaBatch(runs=runs, oversized=batch.oversized)

    def _collect_from(self, partition: KafkaPartition, settings: KafkaSettings) -> None:
        arrived_by = self._context.clock.instant - self._context.polling.latency
        batch = self.open_batch
        for offset in self._share.available(self._place(partition.number)):
            if batch.count >= settings.batch_size:
                batch.complete = True
            if batch.complete:
                return
            if partition.arrival(offset) > arrived_by:
                batch.expect(partition.arrival(offset))
                return
            if self._checks.accepts(partition, offset, settings):
                self._add(partition, offset)
            else:
                batch.filtered.setdefault(partition.number, []).append(offset)

    def _add(self, partition: KafkaPartition, offset: int) -> None:
        """Add a record if it fits; one that fits into no event is a batch of its own."""
        batch, size = self.open_batch, self._checks.size(partition, offset)
        batch.oversized = size > CAPACITY and not batch.count
        if size > CAPACITY - batch.size and not batch.oversized:
            batch.complete = True
            return
        batch.add(partition, (offset,), size)
        batch.complete = batch.oversized

    def _acquire(self, batch: OpenBatch) -> None:
        """Acquire records; those that are not valid, and those that no filter accepts, are over."""
        for number in {**batch.offsets, **batch.filtered}:
            offsets = sorted([*batch.offsets.get(number, ()), *batch.filtered.get(number, ())])
            self._share.acquire(self._place(number), offsets)
            self._held.setdefault(number, set()).update(batch.offsets.get(number, ()))
        rejected = self._runs(batch.filtered)
        if rejected:
            self._acknowledge(rejected)
            valid = self._runs({run.partition.number: self._checks.discard_invalid(*run) for run in rejected})
            self._count(PolledEventCount=valid.total, FilteredOutEventCount=valid.total)
            self._context.end(valid, FILTERED_OUT, NO_MATCH, self._checks.why_filtered(self._context.settings()))

    def _expire(self, partition: KafkaPartition) -> None:
        gone = self._share.expire(self._place(partition.number), partition.start(self._context.clock.instant))
        if gone:
            expired = Runs((Run(partition, gone),))
            self._context.end(expired, EXPIRED, "the topic's retention ended before they were read")

    # --- what became of a batch -----------------------------------------------------------------------------

    def split_failed(self, runs: Runs, failed: Mapping[int, Collection[int]]) -> tuple[Runs, Runs]:
        """Return the records that are done, and those that failed: exactly the reported ones."""
        return runs.pick(failed)

    def left(self, batch: KafkaBatch, rest: Runs) -> KafkaBatch:
        """Return what is left of a batch that succeeded in part: the attempt counts for it."""
        batch.runs = rest
        return batch

    def commit(self) -> None:
        """Acknowledge what is over: everything that was acquired and is not pending any more."""
        pending: dict[int, set[int]] = {}
        for batch in self.batches:
            for partition, offsets in batch.runs:
                pending.setdefault(partition.number, set()).update(offsets)
        over = {number: held - pending.get(number, set()) for number, held in self._held.items()}
        self._acknowledge(self._runs({number: sorted(offsets) for number, offsets in over.items()}))

    def give_back(self, batch: KafkaBatch) -> bool:
        """Release a batch: the broker delivers its records again, or archives them at the limit of deliveries."""
        self.batches.remove(batch)
        archived = {}
        for partition, offsets in batch.runs:
            self._held[partition.number].difference_update(offsets)
            archived[partition.number] = self._share.release(self._place(partition.number), offsets)
        over = self._runs(archived)
        limit = self._share.delivery_limit
        self._count(DroppedEventCount=over.total)
        self._context.end(over, DISCARDED, f"the broker archived it, because it was delivered {times(limit)}")
        released = batch.runs.total - over.total
        if released:
            text = f"{released} of {places(batch.runs)} come again: released to the share group"
            self._context.journal.add("fate", self._context.source_arn, text, ids_of_ends(batch.runs))
        return True

    # --- inside ---------------------------------------------------------------------------------------------

    def _acknowledge(self, runs: Runs) -> None:
        for partition, offsets in runs:
            self._held.setdefault(partition.number, set()).difference_update(offsets)
            self._share.acknowledge(self._place(partition.number), offsets)
        self._count(CommittedEventCount=runs.total)

    def _count(self, **counts: int) -> None:
        for name, count in counts.items():
            self._context.mapping._counters[name] += count

    def _available(self, number: int) -> list[int]:
        return list(self._share.available(self._place(number)))

    def _place(self, number: int) -> Place:
        return (self._context.topic, number)

    def _runs(self, offsets: Mapping[int, Sequence[int]]) -> Runs:
        return Runs(Run(self._context.partition(number), each) for number, each in offsets.items() if len(each))
