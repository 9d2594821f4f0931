"""What happens to stream records that a mapping discards: a failure record goes to a destination, or they are lost.

Follows the pages "Retain discarded batch records" of Kinesis and DynamoDB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DISCARDED, SENT
from pytest_lambda_esm.polling.streams.batch import LastResponse
from pytest_lambda_esm.polling.streams.wording import counted
from pytest_lambda_esm.sources.stream_ports import Shard, StreamKind, stream_arn
from pytest_lambda_esm.timing import moment_of

RETRIES_EXHAUSTED: Final = "RetryAttemptsExhausted"
TOO_OLD: Final = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedBatch:
    """Records that are discarded; ``positions`` are those in ``shard``.

    ``condition`` is the reason, ``invocations`` how often the function ran with them. ``response`` is its last
    response, None where that is not the reason. ``event`` builds the event that the records would be in.
    """

    mapping: Mapping
    shard: Shard
    positions: Sequence[int]
    condition: str
    invocations: int
    response: LastResponse | None
    request_id: str
    event: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BatchDiscarder:
    """Discards batches. ``payload_as_text`` writes the event as JSON text into failure records for buckets."""

    destinations: Destinations
    kind: StreamKind
    new_id: Callable[[], str]
    payload_as_text: bool

    def discard(self, batch: DiscardedBatch, destination: str | None, now: int) -> tuple[str, str]:
        """Send a failure record, if there is a destination. Return the fate of the records, and what happened."""
        mapping, count = batch.mapping, len(batch.positions)
        about = f"{batch.condition} after {counted(batch.invocations, 'attempt')}"
        if destination is None:
            mapping.counters["DroppedEventCount"] += count
            return DISCARDED, f"{about}; there is no failure destination"
        try:
            self.destinations.deliver(destination, self._message(batch, destination, moment_of(now)))
        except DeliveryFailed as error:
            mapping.counters["DestinationDeliveryFailures"] += 1
            mapping.counters["DroppedEventCount"] += count
            return DISCARDED, f"{about}; the failure destination refused the failure record: {error}"
        mapping.counters["OnFailureDestinationDeliveredEventCount"] += count
        return SENT, f"{about}; the failure record was sent to {destination}"

    def _message(self, batch: DiscardedBatch, destination: str, at: datetime) -> Message:
        """Queues and topics receive the record; buckets also receive the event, as ``payload``."""
        record = self._failure_record(batch, at)
        if not destination.startswith("arn:") or destination.split(":")[2] != "s3":
            return Message(body=json.dumps(record))
        event = batch.event()
        record["payload"] = json.dumps(event) if self.payload_as_text else event
        key = object_key(batch.mapping.uuid, batch.shard.shard_id, at, self.new_id())
        return Message(body=json.dumps(record), key=key)

    def _failure_record(self, batch: DiscardedBatch, at: datetime) -> dict[str, Any]:
        record: dict[str, Any] = {
            "requestContext": {
                "requestId": batch.request_id or self.new_id(),
                "functionArn": batch.mapping.function_arn,
                "condition": batch.condition,
                # Recorded: a batch that expired before it was ever sent also counts as one.
                "approximateInvokeCount": max(1, batch.invocations),
            }
        }
        if batch.response is not None:
            record["responseContext"] = {
                "statusCode": 200,
                "executedVersion": batch.response.version,
                "functionError": batch.response.function_error,
            }
        record["version"] = "1.0"
        record["timestamp"] = timestamp_text(at, "milliseconds")
        record[self.kind.batch_info] = self._batch_info(batch)
        return record

    def _batch_info(self, batch: DiscardedBatch) -> dict[str, Any]:
        shard, first, last = batch.shard, batch.positions[0], batch.positions[-1]
        return {
            "shardId": shard.shard_id,
            "startSequenceNumber": shard.sequence_number(first),
            "endSequenceNumber": shard.sequence_number(last),
            "approximateArrivalOfFirstRecord": timestamp_text(moment_of(shard.arrival(first)), self.kind.timespec),
            "approximateArrivalOfLastRecord": timestamp_text(moment_of(shard.arrival(last)), self.kind.timespec),
            "batchSize": len(batch.positions),
            "streamArn": stream_arn(batch.mapping.source_arn),
        }


def timestamp_text(moment: datetime, timespec: str) -> str:
    """Format a moment as AWS does, such as ``2019-11-14T00:38:06.021Z``."""
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def object_key(uuid: str, shard_id: str, at: datetime, unique: str) -> str:
    """Return the key of a failure record in a bucket."""
    return f"aws/lambda/{uuid}/{shard_id}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{unique}"
