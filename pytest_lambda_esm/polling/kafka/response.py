"""What a function's response says about a batch of Kafka records, for mappings that use ReportBatchItemFailures.

Follows the page "Configuring error handling controls for Kafka event sources": an identifier is an object with the
partition, as in the event's ``records``, and the offset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.polling.batch_response import MalformedResponse, is_empty, read_entries
from pytest_lambda_esm.polling.kafka.batch import Runs


@dataclass(frozen=True, slots=True)
class KafkaVerdict:
    """What is done of a batch.

    ``failed`` has, for each partition with a reported record, the places of these among the partition's records in the
    batch. It is None if the response does not say what is done. ``why``, ``function_error`` and ``reported`` are as in
    ``batch_response.Verdict``.
    """

    succeeded: bool
    why: str
    failed: dict[int, set[int]] | None = None
    function_error: str | None = None
    reported: int = 0


def judge(response: Any, runs: Runs) -> KafkaVerdict:
    """Read a function's response to a batch."""
    if is_empty(response):
        return KafkaVerdict(True, "success")
    reading = _Reading(runs)
    try:
        for entry in read_entries(response):
            reading.read(entry)
    except MalformedResponse as malformed:
        return KafkaVerdict(False, str(malformed))
    first = ", ".join(f"{name} from offset {runs[index].offsets[place]}" for name, index, place in reading.named())
    failed: dict[int, set[int]] = {}
    for index, place in reading.reported:
        failed.setdefault(runs[index].partition.number, set()).add(place)
    why = f"batchItemFailures names {reading.entries}: {first}"
    reported = len(reading.reported)
    return KafkaVerdict(False, why, failed, reported=reported)


@dataclass(slots=True)
class _Reading:
    """The identifiers read so far: the lowest place in each run, by the run's index."""

    runs: Runs
    lowest: dict[int, int] = field(default_factory=dict)
    reported: set[tuple[int, int]] = field(default_factory=set)
    entries: int = 0
    _places: dict[str, tuple[int, dict[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, (partition, offsets) in enumerate(self.runs):
            self._places[partition.shard_id] = (index, {offset: place for place, offset in enumerate(offsets)})

    def read(self, entry: Any) -> None:
        """Read an entry of batchItemFailures. Raises MalformedResponse."""
        identifier = entry.get("itemIdentifier") if isinstance(entry, dict) else None
        name, offset = (
            (identifier.get("partition"), identifier.get("offset")) if isinstance(identifier, dict) else (None, None)
        )
        known = self._places.get(name) if isinstance(name, str) else None
        if known is None or not isinstance(offset, int) or isinstance(offset, bool) or offset not in known[1]:
            raise MalformedResponse(f"an entry of batchItemFailures names nothing in the batch ({entry!r:.120})")
        index, place = known[0], known[1][offset]
        self.entries += 1
        self.reported.add((index, place))
        self.lowest[index] = min(place, self.lowest.get(index, place))

    def named(self) -> list[tuple[str, int, int]]:
        """Return the name, the index and the lowest place of each run with a failed record."""
        return [(self.runs[index].partition.shard_id, index, place) for index, place in sorted(self.lowest.items())]
