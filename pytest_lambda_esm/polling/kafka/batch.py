"""Batches of Kafka records: collected from several partitions, sent, and split after a failure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pytest_lambda_esm.polling.attempts import Attempts
from pytest_lambda_esm.sources import kafka
from pytest_lambda_esm.sources.kafka_ports import KafkaKind, KafkaPartition


class Run(NamedTuple):
    """Records of one partition, in order."""

    partition: KafkaPartition
    offsets: Sequence[int]


class Runs(tuple[Run, ...]):
    """Records of some partitions: each partition occurs once, none is empty."""

    __slots__ = ()

    @property
    def total(self) -> int:
        """How many records there are."""
        return sum(len(run.offsets) for run in self)

    def split(self, first: int) -> tuple[Runs, Runs]:
        """Return the ``first`` records, and the rest."""
        head: list[Run] = []
        tail: list[Run] = []
        for partition, offsets in self:
            taken, first = offsets[:first], max(first - len(offsets), 0)
            head.append(Run(partition, taken))
            tail.append(Run(partition, offsets[len(taken) :]))
        return _without_empty(head), _without_empty(tail)

    def split_at(self, places: Mapping[int, int]) -> tuple[Runs, Runs]:
        """Return the records before the first failed one of each partition, and the others.

        ``places`` has, by the partition's number, how many records of a partition come before it; partitions that it
        does not name are done.
        """
        done, rest = [], []
        for partition, offsets in self:
            place = places.get(partition.number, len(offsets))
            done.append(Run(partition, offsets[:place]))
            rest.append(Run(partition, offsets[place:]))
        return _without_empty(done), _without_empty(rest)

    def pick(self, failed: Mapping[int, Collection[int]]) -> tuple[Runs, Runs]:
        """Return the records that did not fail, and those that did.

        ``failed`` has, by the partition's number, the places of failed records among those of the partition.
        """
        done, rest = [], []
        for partition, offsets in self:
            places = failed.get(partition.number, ())
            done.append(Run(partition, [each for place, each in enumerate(offsets) if place not in places]))
            rest.append(Run(partition, [each for place, each in enumerate(offsets) if place in places]))
        return _without_empty(done), _without_empty(rest)

    def records(self) -> Iterator[Run]:
        """Return each record as a run of its own."""
        for partition, offsets in self:
            for offset in offsets:
                yield Run(partition, (offset,))


def _without_empty(runs: Sequence[Run]) -> Runs:
    return Runs(run for run in runs if len(run.offsets))


@dataclass(slots=True, kw_only=True)
class KafkaBatch(Attempts):
    """Records that are sent together. ``oversized`` is a single record that fits into no event, and is never sent."""

    runs: Runs
    oversized: bool = False

    def part(self, runs: Runs) -> KafkaBatch:
        """Return a new batch with some of the records. Its invocations count from zero."""
        return KafkaBatch(runs=runs, blocked_since=self.blocked_since, last_outcome=self.last_outcome)


@dataclass(frozen=True, slots=True)
class KafkaEvent:
    """Builds an event; each call returns a new one.

    ``source_arn`` is None for a self-managed cluster. ``records`` returns records as the function receives them.
    """

    kind: KafkaKind
    source_arn: str | None
    servers: str
    runs: Runs
    records: kafka.Records = kafka.records

    def __call__(self) -> dict[str, Any]:
        """Build the event."""
        return kafka.event(self.kind, self.source_arn, self.servers, self.runs, self.records)


@dataclass(slots=True)
class OpenBatch:
    """A batch that is being collected.

    ``offsets`` are those of each partition by its number, in the order in which the partitions were read, ``filtered``
    those that the filters rejected. ``complete`` means that no more records fit. ``first_arrival`` is when the first of
    its records arrived, ``next_arrival`` when the next record arrives, if it is known.
    """

    offsets: dict[int, list[int]] = field(default_factory=dict)
    filtered: dict[int, list[int]] = field(default_factory=dict)
    count: int = 0
    size: int = 0
    complete: bool = False
    oversized: bool = False
    first_arrival: int | None = None
    next_arrival: int | None = None

    def add(self, partition: KafkaPartition, offsets: Sequence[int], size: int) -> None:
        """Add records of a partition."""
        self.offsets.setdefault(partition.number, []).extend(offsets)
        self.count += len(offsets)
        self.size += size
        arrival = partition.arrival(offsets[0])
        if self.first_arrival is None or arrival < self.first_arrival:
            self.first_arrival = arrival

    def remove(self, partition: KafkaPartition, size: Callable[[KafkaPartition, int], int]) -> None:
        """Remove the records of a partition, because they have expired; ``size`` returns how many bytes one takes."""
        removed = self.offsets.pop(partition.number, [])
        self.count -= len(removed)
        self.size -= sum(size(partition, offset) for offset in removed)
        if removed:
            self.complete = self.oversized = False

    def expect(self, arrival: int) -> None:
        """Note when a record arrives."""
        if self.next_arrival is None or arrival < self.next_arrival:
            self.next_arrival = arrival
