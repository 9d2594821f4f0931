"""What happens to stream records that a mapping gives up: the failure destination, or nothing.

Follows the pages "Retain discarded batch records" of Kinesis and DynamoDB.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
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
    """A batch that was given up.

    ``condition`` is why, ``invocations`` how often the function was invoked with it, ``response`` its last answer,
    None where the condition does not come from one. ``batch_info`` is the member that describes the batch, by name.
    """

    request_id: str
    function_arn: str
    condition: str
    invocations: int
    response: LastResponse | None
    at: datetime
    batch_info: ReadOnly[str, Any]


def failure_record(given_up: DiscardedBatch) -> dict[str, Any]:
    """The record for queues and topics; buckets get a ``payload`` beside."""
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": given_up.request_id,
            "functionArn": given_up.function_arn,
            "condition": given_up.condition,
            # Recorded: a batch that expired before it was ever sent counts as one, too.
            "approximateInvokeCount": max(1, given_up.invocations),
        }
    }
    if given_up.response is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": given_up.response.version,
            "functionError": given_up.response.function_error,
        }
    return {**record, "version": "1.0", "timestamp": timestamp(given_up.at, "milliseconds"), **given_up.batch_info}


def timestamp(moment: datetime, timespec: str) -> str:
    """A moment as AWS writes it, such as ``2019-11-14T00:38:06.021Z``."""
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def object_key(uuid: str, shard_id: str, at: datetime, unique: str) -> str:
    """The key of a failure record in a bucket."""
    return f"aws/lambda/{uuid}/{shard_id}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{unique}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """Records that are given up, as the lane knows them; ``positions`` are those in ``shard``.

    ``event`` makes the event that they would be in.
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
class Discards:
    """Sends records of batches that were given up. ``payload_as_text`` is how buckets get the event."""

    destinations: Destinations
    kind: StreamKind
    new_id: Callable[[], str]
    payload_as_text: bool

    def give_up(self, discarded: Discarded, destination: str | None, now: int) -> tuple[str, str]:
        """Send the record, if there is a destination; the fate of the records, and what happened in words."""
        mapping, count = discarded.mapping, len(discarded.positions)
        about = f"{discarded.condition} after {counted(discarded.invocations, 'attempt')}"
        if destination is None:
            mapping.counters["DroppedEventCount"] += count
            return DISCARDED, f"{about}; there is no failure destination"
        try:
            self.destinations.deliver(destination, self._parcel(discarded, destination, now))
        except DeliveryFailed as error:
            mapping.counters["DestinationDeliveryFailures"] += 1
            mapping.counters["DroppedEventCount"] += count
            return DISCARDED, f"{about}; the failure destination did not take it: {error}"
        mapping.counters["OnFailureDestinationDeliveredEventCount"] += count
        return SENT, f"{about}; its record went to {destination}"

    def _parcel(self, discarded: Discarded, destination: str, now: int) -> Message:
        at = moment_of(now)
        record = failure_record(
            DiscardedBatch(
                request_id=discarded.request_id or self.new_id(),
                function_arn=discarded.mapping.function_arn,
                condition=discarded.condition,
                invocations=discarded.invocations,
                response=discarded.response,
                at=at,
                batch_info={self.kind.batch_info: self._batch_info(discarded)},
            )
        )
        if not destination.startswith("arn:") or destination.split(":")[2] != "s3":
            return Message(body=json.dumps(record))
        event = discarded.event()
        record["payload"] = json.dumps(event) if self.payload_as_text else event
        key = object_key(discarded.mapping.uuid, discarded.shard.shard_id, at, self.new_id())
        return Message(body=json.dumps(record), key=key)

    def _batch_info(self, discarded: Discarded) -> dict[str, Any]:
        shard, first, last = discarded.shard, discarded.positions[0], discarded.positions[-1]
        return {
            "shardId": shard.shard_id,
            "startSequenceNumber": shard.sequence_number(first),
            "endSequenceNumber": shard.sequence_number(last),
            "approximateArrivalOfFirstRecord": timestamp(moment_of(shard.arrival(first)), self.kind.timespec),
            "approximateArrivalOfLastRecord": timestamp(moment_of(shard.arrival(last)), self.kind.timespec),
            "batchSize": len(discarded.positions),
            "streamArn": stream_arn(discarded.mapping.source_arn),
        }
