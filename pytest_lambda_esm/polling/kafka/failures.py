"""What happens to Kafka records that a mapping discards: failure records go to a destination, or they are lost.

Follows the pages "Capturing discarded batches" of Amazon MSK and self-managed Kafka, and "Using a Kafka topic as an
on-failure destination". A topic gets one message for each record, all other destinations one for the batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DISCARDED, SENT
from pytest_lambda_esm.polling.kafka.batch import KafkaEvent, Run, Runs
from pytest_lambda_esm.polling.streams.batch import LastResponse
from pytest_lambda_esm.polling.streams.failures import (
    RETRIES_EXHAUSTED,
    TOO_OLD,
    object_key,
    timestamp_text,
)
from pytest_lambda_esm.polling.streams.wording import counted
from pytest_lambda_esm.timing import moment_of

TOO_LARGE: Final = "MaximumPayloadSizeExceeded"
TOPIC: Final = "kafka://"

_CONDITIONS_IN_TOPICS: Final = {RETRIES_EXHAUSTED: "RetriesExhausted"}
"""A topic gets another name of this condition (documented)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedRecords:
    """Records that are discarded.

    ``condition`` is the reason, ``invocations`` how often the function ran with them. ``response`` is its last
    response, None where that is not the reason. ``event`` builds the event that the records would be in.
    """

    mapping: Mapping
    condition: str
    invocations: int
    response: LastResponse | None
    request_id: str
    event: KafkaEvent

    @property
    def runs(self) -> Runs:
        """The records."""
        return self.event.runs


class Discarded(NamedTuple):
    """Records with the fate that they met, and what happened."""

    runs: Runs
    fate: str
    about: str


@dataclass(frozen=True, slots=True)
class KafkaDiscarder:
    """Discards records. ``payload_as_text`` writes the event as JSON text into failure records for buckets."""

    destinations: Destinations
    new_id: Callable[[], str]
    payload_as_text: bool

    def discard(self, discarded: DiscardedRecords, destination: str | None, now: int) -> list[Discarded]:
        """Send failure records, if there is a destination. Return the fates of the records."""
        about = f"{discarded.condition} after {counted(discarded.invocations, 'attempt')}"
        if destination is None:
            discarded.mapping.counters["DroppedEventCount"] += discarded.runs.total
            return [Discarded(discarded.runs, DISCARDED, f"{about}; there is no failure destination")]
        at = moment_of(now)
        if not destination.startswith(TOPIC):
            message = self._message(discarded, destination, at)
            return [self._deliver(discarded, destination, message, discarded.runs, about)]
        return [
            self._deliver(discarded, destination, message, runs, about)
            for runs, message in self._topic_messages(discarded, at)
        ]

    def _deliver(
        self, discarded: DiscardedRecords, destination: str, message: Message, runs: Runs, about: str
    ) -> Discarded:
        counters = discarded.mapping.counters
        try:
            self.destinations.deliver(destination, message)
        except DeliveryFailed as error:
            counters["DroppedEventCount"] += runs.total
            counters["OnFailureDestinationDeliveryErrorCount"] += 1
            return Discarded(runs, DISCARDED, f"{about}; the failure destination refused the failure record: {error}")
        counters["OnFailureDestinationDeliveredEventCount"] += runs.total
        return Discarded(runs, SENT, f"{about}; the failure record was sent to {destination}")

    def _message(self, discarded: DiscardedRecords, destination: str, at: datetime) -> Message:
        """Queues and topics of SNS receive the record; buckets also receive the event, as ``payload``."""
        event = discarded.event()
        record = self._failure_record(discarded, at)
        record["KafkaBatchInfo"] = {
            "batchSize": discarded.runs.total,
            **_source_info(discarded, event),
            "recordsInfo": {run.partition.shard_id: _run_info(run) for run in discarded.runs},
        }
        if destination.split(":")[2:3] != ["s3"]:
            return Message(body=json.dumps(record))
        record["payload"] = json.dumps(event) if self.payload_as_text else event
        first = discarded.runs[0].partition.shard_id
        return Message(body=json.dumps(record), key=object_key(discarded.mapping.uuid, first, at, self.new_id()))

    def _topic_messages(self, discarded: DiscardedRecords, at: datetime) -> Iterator[tuple[Runs, Message]]:
        known = discarded.event
        for run in discarded.runs.records():
            runs = Runs((run,))
            event = replace(known, runs=runs)()
            record = self._failure_record(discarded, at)
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
            yield runs, Message(body=json.dumps(record), cluster=discarded.mapping.source_arn, record_key=key)

    def _failure_record(self, discarded: DiscardedRecords, at: datetime) -> dict[str, Any]:
        record: dict[str, Any] = {
            "requestContext": {
                "requestId": discarded.request_id or self.new_id(),
                "functionArn": discarded.mapping.function_arn,
                "condition": discarded.condition,
                "approximateInvokeCount": max(1, discarded.invocations),
            }
        }
        if discarded.response is not None:
            record["responseContext"] = {
                "statusCode": 200,
                "executedVersion": discarded.response.version,
                "functionError": discarded.response.function_error,
            }
        elif discarded.condition != TOO_OLD:
            record["responseContext"] = None  # Documented for records that are too large.
        record["version"] = "1.0"
        record["timestamp"] = timestamp_text(at, "milliseconds")
        return record


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
