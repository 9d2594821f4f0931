"""The state of one Kafka poller: its partitions, the batch being collected, the batches pending, what is committed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from pytest_lambda_esm.observe.fates import EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.attempts import EVENT_CAPACITY
from pytest_lambda_esm.polling.kafka.batch import KafkaBatch, OpenBatch, Run, Runs
from pytest_lambda_esm.polling.kafka.checks import RecordChecks
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.streams.history import NO_MATCH
from pytest_lambda_esm.sources.kafka_ports import ConsumerGroup, KafkaPartition

_ENVELOPE: Final = 1024
"""Bytes that an event takes in addition to its records, with long names of servers."""

CAPACITY: Final = EVENT_CAPACITY - _ENVELOPE


class KafkaState:
    """The state of a poller. ``batches`` is the batch that was read, or what is left of it after splits, in order."""

    def __init__(self, context: KafkaContext, group: ConsumerGroup) -> None:
        self._context = context
        self._group = group
        self.numbers: list[int] = []
        self.open_batch = OpenBatch()
        self.batches: list[KafkaBatch] = []
        self._positions: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._turn = 0
        self._checks = RecordChecks(context)
        self._collected_with: KafkaSettings | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing has been read that is not committed."""
        return not (self.batches or self.open_batch.count)

    def assign(self, numbers: Sequence[int], in_flight: KafkaBatch | None) -> None:
        """Read these partitions from now on, each from where the group has committed it.

        What waits for a retry stays pending if its partition stays, with its attempts: rebalancing is cooperative.
        """
        context = self._context
        self.numbers = list(numbers)
        for number in numbers:
            committed = self._group.committed((context.topic, number))
            context.histories[number].others_committed(committed, context.clock.instant)
        for batch in self.batches:
            if batch is not in_flight:
                batch.runs = Runs(run for run in batch.runs if run.partition.number in numbers)
        self._restart([batch for batch in self.batches if batch.runs])

    def return_to_commits(self, in_flight: KafkaBatch | None) -> None:
        """Forget what was collected or waits for a retry, to read it again. An in-flight batch still completes."""
        self._restart([in_flight] if in_flight else [])

    def _restart(self, batches: list[KafkaBatch]) -> None:
        """Read what follows these batches."""
        over = {number: self._context.histories[number].over for number in self.numbers}
        self._committed, self._positions = over, dict(over)
        self.batches = batches
        restarted = OpenBatch()
        for partition, offsets in (run for batch in batches for run in batch.runs):
            number = partition.number
            if number in self._positions:
                self._positions[number] = offsets[-1] + 1
                rejected = self.open_batch.filtered.get(number, ())
                restarted.filtered[number] = [offset for offset in rejected if offset <= offsets[-1]]
        self.open_batch = restarted

    def unread(self) -> list[Run]:
        """Return the records of the poller's partitions that follow the pending batches."""
        found = []
        for number in self.numbers:
            partition = self._context.partition(number)
            first = self.open_batch.offsets.get(number)
            start = first[0] if first else self._positions[number]
            if start < partition.end:
                found.append(Run(partition, range(start, partition.end)))
        return found

    # --- collecting -----------------------------------------------------------------------------------------

    def collect(self, settings: KafkaSettings) -> None:
        """Collect the records that have arrived."""
        if self._collected_with is not settings:
            if self._collected_with is not None and not self.batches:
                self.return_to_commits(None)  # The new filters may accept records that the old ones rejected.
            self._collected_with = settings
        batch, count = self.open_batch, len(self.numbers)
        batch.next_arrival = None
        batch.complete = batch.complete or batch.count >= settings.batch_size
        for place in range(count):
            if batch.complete:
                return
            partition = self._context.partition(self.numbers[(self._turn + place) % count])
            self._collect_from(partition, settings)
        if not batch.count:
            self.commit()

    def take(self) -> KafkaBatch:
        """Return the collected batch, and start the next one with the next partition."""
        batch, self.open_batch = self.open_batch, OpenBatch(filtered=self.open_batch.filtered)
        self._turn = (self._turn + 1) % max(len(self.numbers), 1)
        runs = Runs(Run(self._context.partition(number), _compact(each)) for number, each in batch.offsets.items())
        return KafkaBatch(runs=runs, oversized=batch.oversized)

    def _collect_from(self, partition: KafkaPartition, settings: KafkaSettings) -> None:
        now = self._context.clock.instant
        self._skip_expired(partition, partition.start(now))
        arrived_by = now - self._context.polling.latency
        number, batch, end = partition.number, self.open_batch, partition.end
        while self._positions[number] < end and not batch.complete:
            position = self._positions[number]
            if partition.arrival(position) > arrived_by:
                batch.expect(partition.arrival(position))
                return
            if settings.record_filter is None and settings.registry is None:
                self._add_run(partition, settings, arrived_by)
            else:
                self._filter_or_add(partition, settings)
            batch.complete = batch.complete or batch.count >= settings.batch_size

    def _add_run(self, partition: KafkaPartition, settings: KafkaSettings, arrived_by: int) -> None:
        """Add consecutive records at once."""
        position, batch = self._positions[partition.number], self.open_batch
        stop = min(partition.end, position + settings.batch_size - batch.count)
        reached, size = partition.fitting(position, stop, arrived_by, CAPACITY - batch.size)
        if reached == position:
            self._add_one(partition)
            return
        batch.add(partition, range(position, reached), size)
        self._positions[partition.number] = reached

    def _filter_or_add(self, partition: KafkaPartition, settings: KafkaSettings) -> None:
        position = self._positions[partition.number]
        if self._checks.accepts(partition, position, settings):
            self._add_one(partition)
            return
        self.open_batch.filtered.setdefault(partition.number, []).append(position)
        self._positions[partition.number] = position + 1

    def _add_one(self, partition: KafkaPartition) -> None:
        """Add the next record if it fits; one that fits into no event is a batch of its own."""
        position, batch = self._positions[partition.number], self.open_batch
        size = self._checks.size(partition, position)
        batch.oversized = size > CAPACITY and not batch.count
        if size > CAPACITY - batch.size and not batch.oversized:
            batch.complete = True
            return
        batch.add(partition, (position,), size)
        batch.complete = batch.oversized
        self._positions[partition.number] = position + 1

    def _skip_expired(self, partition: KafkaPartition, start: int) -> None:
        """Skip records whose retention ended before they were sent: those collected before them have expired, too."""
        number, batch = partition.number, self.open_batch
        if self._positions[number] >= start:
            return
        rejected = set(batch.filtered.get(number, ()))
        gone = [offset for offset in range(self._committed[number], start) if offset not in rejected]
        batch.remove(partition, self._checks.size)
        self._positions[number] = start
        self._flush_filtered({number: start})
        expired = Runs((Run(partition, _compact(gone)),))
        self._context.end(expired, EXPIRED, "the topic's retention ended before they were read")

    # --- what became of a batch -----------------------------------------------------------------------------

    def split_failed(self, runs: Runs, failed: Mapping[int, Collection[int]]) -> tuple[Runs, Runs]:
        """Return the records that are done, and the others: all from the first failed one of a partition on."""
        return runs.split_at({number: min(places) for number, places in failed.items()})

    def left(self, batch: KafkaBatch, rest: Runs) -> KafkaBatch:
        """Return what is left of a batch that succeeded in part. Its attempts count from zero."""
        return batch.part(rest)

    def give_back(self, batch: KafkaBatch) -> bool:
        """Return False: a consumer group cannot release records."""
        return False

    # --- committing -----------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Commit what is over: everything before the first record of each partition that is still pending."""
        ends = {number: self._checkpoint(number) for number in self.numbers}
        self._flush_filtered(ends)
        context = self._context
        for number, end in ends.items():
            if end > self._committed[number]:
                context.mapping._counters["CommittedEventCount"] += end - self._committed[number]
                self._committed[number] = end
                self._group.commit((context.topic, number), end)

    def _checkpoint(self, number: int) -> int:
        first = self._first_pending(number)
        return self._positions[number] if first is None else first

    def _first_pending(self, number: int) -> int | None:
        for batch in self.batches:
            for partition, offsets in batch.runs:
                if partition.number == number:
                    return offsets[0]
        collected = self.open_batch.offsets.get(number)
        return collected[0] if collected else None

    def _flush_filtered(self, ends: dict[int, int]) -> None:
        """Note the fate of the records before these offsets that are not valid, or that were filtered out."""
        filtered = self.open_batch.filtered
        if not filtered:
            return
        over = []
        for number, end in ends.items():
            rejected = filtered.get(number, [])
            gone = [offset for offset in rejected if offset < end]
            filtered[number] = rejected[len(gone) :]
            partition = self._context.partition(number)
            gone = self._checks.discard_invalid(partition, gone)
            if gone:
                over.append(Run(partition, gone))
        if over:
            counters, count = self._context.mapping._counters, Runs(over).total
            counters["PolledEventCount"] += count
            counters["FilteredOutEventCount"] += count
            self._context.end(Runs(over), FILTERED_OUT, NO_MATCH, self._checks.why_filtered(self._collected_with))


def _compact(offsets: list[int]) -> Sequence[int]:
    first, last = offsets[0], offsets[-1]
    return range(first, last + 1) if last - first + 1 == len(offsets) else tuple(offsets)
