"""What happens to Kafka records that a mapping discards: failure records go to a destination, or they are lost.

Follows the pages "Capturing discarded batches" of Amazon MSK and self-managed Kafka, and "Using a Kafka topic as an
on-failure destination". A topic gets one message for each record, all other destinations one for the batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

from pytest_lambda_esm.destinations import Message
from pytest_lambda_esm.polling.failure_records import (
    RETRIES_EXHAUSTED,
    TOO_OLD,
    Discarded,
    Discarder,
    is_bucket,
    timestamp_text,
)
from pytest_lambda_esm.polling.kafka.batch import KafkaEvent, Run, Runs
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.vocabulary import FateName

TOO_LARGE: Final = "MaximumPayloadSizeExceeded"
TOPIC: Final = "kafka://"

_CONDITIONS_IN_TOPICS: Final = {RETRIES_EXHAUSTED: "RetriesExhausted"}
"""A topic gets another name of this condition (documented)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedRecords(Discarded):
    """Records of Kafka that are discarded: those of ``event``."""

    event: KafkaEvent

    @property
    def runs(self) -> Runs:
        """The records."""
        return self.event.runs


class MetFate(NamedTuple):
    """Records with the fate that they met, and what happened."""

    runs: Runs
    fate: FateName
    about: str


@dataclass(frozen=True, slots=True)
class KafkaDiscarder(Discarder):
    """Discards records."""

    refused: ClassVar[str] = "OnFailureDestinationDeliveryErrorCount"

    def discard(self, discarded: DiscardedRecords, destination: str | None, now: int) -> list[MetFate]:
        """Send failure records, if there is a destination. Return the fates of the records."""
        runs, at = discarded.runs, moment_of(now)
        if destination is None:
            return [MetFate(runs, *self.drop(discarded, runs.total))]
        if not destination.startswith(TOPIC):
            message = self._message(discarded, destination, at)
            return [MetFate(runs, *self.send(discarded, destination, message, runs.total))]
        return [
            MetFate(record, *self.send(discarded, destination, message, 1))
            for record, message in self._topic_messages(discarded, at)
        ]

    def _message(self, discarded: DiscardedRecords, destination: str, at: datetime) -> Message:
        """Queues and topics of SNS receive the record; buckets also receive the event, as ``payload``."""
        record = self._record(discarded, at)
        record["KafkaBatchInfo"] = {
            "batchSize": discarded.runs.total,
            **_source_info(discarded, discarded.event()),
            "recordsInfo": {run.partition.shard_id: _run_info(run) for run in discarded.runs},
        }
        if is_bucket(destination):
            return self.to_bucket(record, discarded, discarded.runs[0].partition.shard_id, at)
        return Message(body=json.dumps(record))

    def _record(self, discarded: DiscardedRecords, at: datetime) -> dict[str, Any]:
        """Documented: the record of records that are too large has a response, and it is null."""
        return self.failure_record(discarded, at, without_response=discarded.condition != TOO_OLD)

    def _topic_messages(self, discarded: DiscardedRecords, at: datetime) -> Iterator[tuple[Runs, Message]]:
        known = discarded.event
        for run in discarded.runs.records():
            runs = Runs((run,))
            event = replace(known, runs=runs)()
            record = self._record(discarded, at)
            context = record["requestContext"]
            context["functionArn"] = _with_version(context["functionArn"])
            context["condition"] = _CONDITIONS_IN_TOPICS.get(discarded.condition, discarded.condition)
            created = moment_of(run.partition.created(run.offsets[0]))
            record["KafkaBatchInfo"] = {
                "batchSize": 1,
                **_source_info(discarded, event),
                "recordInfo": {
                    "offset": str(run.offsets[0]),
                    "timestamp": timestamp_text(created, "milliseconds"),
                },
            }
            record["payload"] = event
            key = run.partition.stored(run.offsets)[0].key
            yield (
                runs,
                Message(
                    body=json.dumps(record),
                    cluster=discarded.mapping.source_arn,
                    record_key=key,
                    cause=f"{run.partition.shard_id}:{run.offsets[0]}",
                ),
            )


def _source_info(discarded: DiscardedRecords, event: dict[str, Any]) -> dict[str, Any]:
    source = {} if discarded.event.source_arn is None else {"eventSourceArn": discarded.event.source_arn}
    size = len(json.dumps(event, separators=(",", ":")).encode())
    return {**source, "bootstrapServers": discarded.event.servers, "payloadSize": size}


def _run_info(run: Run) -> dict[str, str]:
    partition, (first, last) = run.partition, (run.offsets[0], run.offsets[-1])
    return {
        "firstRecordOffset": str(first),
        "lastRecordOffset": str(last),
        "firstRecordTimestamp": timestamp_text(moment_of(partition.created(first)), "milliseconds"),
        "lastRecordTimestamp": timestamp_text(moment_of(partition.created(last)), "milliseconds"),
    }


def _with_version(function_arn: str) -> str:
    """Return a function's ARN with a qualifier, as messages in topics have it (documented)."""
    return function_arn if function_arn.count(":") > 6 else f"{function_arn}:$LATEST"
