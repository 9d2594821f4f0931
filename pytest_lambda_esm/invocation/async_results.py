"""What a destination and a dead-letter target receive of an asynchronous invocation, member by member as recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.invocation.trace import trace_header
from pytest_lambda_esm.sources.destinations import Parcel

SUCCESS: Final = "Success"
RETRIES_EXHAUSTED: Final = "RetriesExhausted"
EVENT_AGE_EXCEEDED: Final = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY: Final = "ZeroReservedConcurrency"
RECURSIVE_INVOCATION: Final = "RecursiveInvocation"
"""Chosen: AWS's guide says that such an event goes to the destination, and not with which condition."""

_LARGEST_MESSAGE: Final = 1024
"""Bytes of an error message that a dead-letter target receives."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Lambda did not invoke: the status that Invoke would have answered, and its text."""

    code: int
    message: str


THROTTLED: Final = Refusal(429, "Rate Exceeded.")
FAILED: Final = Refusal(500, "The Lambda service encountered an internal error.")
RECURSIVE: Final = Refusal(
    400,
    "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your"
    " function's invocation.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an asynchronous event ended: ``condition`` in AWS's words, after ``attempts`` invocations.

    ``function_arn`` is qualified; ``last`` is the last invocation, None where there was none; ``refusal`` is why it
    was not invoked once more, None where it was.
    """

    condition: str
    function_arn: str
    function: str
    request_id: str
    payload: str
    attempts: int
    last: Invocation | None
    at: int
    refusal: Refusal | None = None


def for_destination(ending: Ending, new_id: Callable[[], str]) -> Parcel:
    """The record for an on-success or on-failure destination, in all the forms that destinations need."""
    moment = moment_of(ending.at)
    result = "Success" if ending.condition == SUCCESS else "Failure"
    return Parcel(
        body=json.dumps(_record(ending), separators=(",", ":"), ensure_ascii=False),
        key=f"aws/lambda/async/{ending.function}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{new_id()}",
        detail_type=f"Lambda Function Invocation Result - {result}",
        resources=(ending.function_arn,),
        trace=trace_header(ending.request_id, ending.at),
    )


def for_dead_letters(ending: Ending) -> Parcel:
    """The event as it was sent, for a function's dead-letter queue or topic; the attributes say what went wrong."""
    refusal = ending.refusal
    error = ending.last.error if ending.last is not None else None
    message = refusal.message if refusal is not None else error.message if error is not None else ""
    return Parcel(
        body=ending.payload,
        attributes={
            "RequestID": ending.request_id,
            "ErrorCode": refusal.code if refusal is not None else 200,
            "ErrorMessage": message.encode()[:_LARGEST_MESSAGE].decode(errors="ignore"),
        },
        trace=trace_header(ending.request_id, ending.at),
    )


def _record(ending: Ending) -> dict[str, Any]:
    moment = moment_of(ending.at)
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": ending.request_id,
            "functionArn": ending.function_arn,
            "condition": ending.condition,
            "approximateInvokeCount": ending.attempts,
        },
        "requestPayload": json.loads(ending.payload),
    }
    if ending.last is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": ending.last.context.function_version}
        if ending.last.error is not None:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = json.loads(ending.last.payload)
    return record
