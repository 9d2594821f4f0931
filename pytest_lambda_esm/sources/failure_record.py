"""The record that a failure destination receives for a batch that was given up, as recorded from AWS.

It follows the pages "Retain discarded batch records" of the stream sources. Keys are in the order of AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

RETRIES_EXHAUSTED: Final = "RetryAttemptsExhausted"
TOO_OLD: Final = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class LastResponse:
    """What the function answered last: the version that ran, and ``"Unhandled"``, or None without a function error."""

    version: str
    function_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
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
    batch_info: Mapping[str, Any]


def failure_record(given_up: GivenUp) -> dict[str, Any]:
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
