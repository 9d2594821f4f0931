"""Which records a poller delivers: those that the mapping's schema registry accepts, and then a filter.

A record that the registry does not accept is discarded. Its failure record, if there is a destination, is that of a
record that is too large, with another condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_lambda_esm.polling.answers import advise_on_passed
from pytest_lambda_esm.polling.kafka.advice import advise_on_discard
from pytest_lambda_esm.polling.kafka.batch import Run, Runs
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.failures import DiscardedRecords
from pytest_lambda_esm.polling.kafka.schemas import InvalidRecord, RecordSchemas
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.polling.streams.history import NO_MATCH
from pytest_lambda_esm.sources.kafka import records
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition


class RecordChecks:
    """Checks the records of one poller, and remembers why some are not valid until they are over."""

    def __init__(self, context: KafkaContext) -> None:
        self._context = context
        self._invalid: dict[tuple[int, int], InvalidRecord] = {}

    def accepts(self, partition: KafkaPartition, offset: int, settings: KafkaSettings) -> bool:
        """Whether a record is valid and a filter matches it. Filters see what the schema registry has read."""
        schemas, record_filter = self._context.schemas(), settings.record_filter
        if schemas is not None:
            invalid = schemas.check(partition, offset)
            if invalid is not None:
                self._invalid[partition.number, offset] = invalid
                return False
        if record_filter is None:
            return True
        verdict = record_filter.verdict(_entry(schemas, partition, offset))
        if verdict.passed:
            advise_on_passed(self._context.journal, self._context.mapping, verdict)
        return verdict.passed

    def why_filtered(self, settings: KafkaSettings | None) -> Callable[[KafkaPartition], Callable[[int], str]]:
        """Return what explains, when a test asks for it, why records of a partition were filtered out."""
        record_filter, schemas = settings.record_filter if settings is not None else None, self._context.schemas()
        if record_filter is None:
            return lambda partition: lambda offset: NO_MATCH
        return lambda partition: (
            lambda offset: f"{NO_MATCH}: {record_filter.verdict(_entry(schemas, partition, offset)).why}"
        )

    def size(self, partition: KafkaPartition, offset: int) -> int:
        """Return how many bytes a record takes in an event."""
        schemas = self._context.schemas()
        return partition.size(offset) if schemas is None else schemas.size(partition, offset)

    def discard_invalid(self, partition: KafkaPartition, offsets: Sequence[int]) -> list[int]:
        """Discard those of some rejected records that are not valid. Return the others."""
        return [offset for offset in offsets if not self._discarded(partition, offset)]

    def _discarded(self, partition: KafkaPartition, offset: int) -> bool:
        invalid = self._invalid.pop((partition.number, offset), None) if self._invalid else None
        if invalid is None:
            return False
        context, runs = self._context, Runs((Run(partition, (offset,)),))
        context.mapping._counters["PolledEventCount"] += 1
        context.mapping._counters["SchemaRegistryErrorCount"] += 1
        discarded = DiscardedRecords(
            mapping=context.mapping,
            condition=invalid.condition,
            invocations=0,
            response=None,
            request_id="",
            event=context.event(runs, raw=True),
        )
        destination = context.settings().failure_destination
        for part, fate, about in context.discarder.discard(discarded, destination, context.clock.instant):
            context.end(part, fate, f"{about} ({invalid.about})")
            advise_on_discard(context, fate, destination)
        return True


def _entry(schemas: RecordSchemas | None, partition: KafkaPartition, offset: int) -> dict[str, Any]:
    """Return a record as filters see it."""
    return records(partition, (offset,))[0] if schemas is None else schemas.for_filters(partition, offset)
