"""The failure records of mappings on streams and on Kafka: what they have in common, and how they are sent.

Follows the pages "Retain discarded batch records" of Kinesis and DynamoDB, and "Capturing discarded batches" of Amazon
MSK and self-managed Kafka.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DISCARDED, SENT
from pytest_lambda_esm.polling.attempts import LastResponse
from pytest_lambda_esm.vocabulary import FateName
from pytest_lambda_esm.wording import counted

RETRIES_EXHAUSTED: Final = "RetryAttemptsExhausted"
TOO_OLD: Final = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """Records that are discarded.

    ``condition`` is the reason, ``invocations`` how often the function ran with them. ``response`` is its last
    response, None where that is not the reason. ``event`` builds the event that the records would be in.
    """

    mapping: Mapping
    condition: str
    invocations: int
    response: LastResponse | None
    request_id: str
    event: Callable[[], dict[str, Any]]

    @property
    def about(self) -> str:
        """The reason as a text."""
        return f"{self.condition} after {counted(self.invocations, 'attempt')}"


@dataclass(frozen=True, slots=True)
class Discarder:
    """Sends failure records. ``payload_as_text`` writes the event as JSON text into those for buckets."""

    destinations: Destinations
    new_id: Callable[[], str]
    payload_as_text: bool
    refused: ClassVar[str] = "DestinationDeliveryFailures"
    """The metric of failure records that a destination has refused."""

    def drop(self, discarded: Discarded, count: int) -> tuple[FateName, str]:
        """Drop records without a failure destination. Return their fate, and what happened."""
        discarded.mapping._counters["DroppedEventCount"] += count
        return DISCARDED, f"{discarded.about}; there is no failure destination"

    def send(self, discarded: Discarded, destination: str, message: Message, count: int) -> tuple[FateName, str]:
        """Send the failure record of ``count`` records. Return their fate, and what happened."""
        counters = discarded.mapping._counters
        try:
            cause = message.cause or discarded.request_id
            sent = replace(message, cause=cause, sender=discarded.mapping.function_arn)
            self.destinations.deliver(destination, sent)
        except DeliveryFailed as error:
            counters[self.refused] += 1
            counters["DroppedEventCount"] += count
            return DISCARDED, f"{discarded.about}; the failure destination refused the failure record: {error}"
        counters["OnFailureDestinationDeliveredEventCount"] += count
        return SENT, f"{discarded.about}; the failure record was sent to {destination}"

    def failure_record(self, discarded: Discarded, at: datetime, *, without_response: bool = False) -> dict[str, Any]:
        """Return a failure record without its information about the batch.

        ``without_response`` states that there was no response, instead of leaving the member out.
        """
        record: dict[str, Any] = {
            "requestContext": {
                "requestId": discarded.request_id or self.new_id(),
                "functionArn": discarded.mapping.function_arn,
                "condition": discarded.condition,
                # Recorded: a batch that expired before it was ever sent also counts as one.
                "approximateInvokeCount": max(1, discarded.invocations),
            }
        }
        if discarded.response is not None:
            record["responseContext"] = {
                "statusCode": 200,
                "executedVersion": discarded.response.version,
                "functionError": discarded.response.function_error,
            }
        elif without_response:
            record["responseContext"] = None
        record["version"] = "1.0"
        record["timestamp"] = timestamp_text(at, "milliseconds")
        return record

    def to_bucket(self, record: dict[str, Any], discarded: Discarded, shard_id: str, at: datetime) -> Message:
        """Return the message for a bucket: the record and the event, as ``payload``."""
        event = discarded.event()
        record["payload"] = json.dumps(event) if self.payload_as_text else event
        key = f"aws/lambda/{discarded.mapping.uuid}/{shard_id}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{self.new_id()}"
        return Message(body=json.dumps(record), key=key)


def is_bucket(destination: str) -> bool:
    """Whether a failure destination is a bucket."""
    return destination.startswith("arn:") and destination.split(":")[2] == "s3"


def timestamp_text(moment: datetime, timespec: str) -> str:
    """Format a moment as AWS does, such as ``2019-11-14T00:38:06.021Z``."""
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
