"""How asynchronous events end: their records for destinations and dead-letter targets, and the delivery of these.

The records have the members that were recorded, in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.invocation.configuration import InvokeConfig
from pytest_lambda_esm.invocation.context import trace_header
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.observe.fates import DISCARDED, DONE, SENT
from pytest_lambda_esm.ports import Journal
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.vocabulary import FateName
from pytest_lambda_esm.wording import counted

SUCCESS: Final = "Success"
RETRIES_EXHAUSTED: Final = "RetriesExhausted"
EVENT_AGE_EXCEEDED: Final = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY: Final = "ZeroReservedConcurrency"
RECURSIVE_INVOCATION: Final = "RecursiveInvocation"
"""Chosen: AWS's guide says that such an event goes to the destination, but not with which condition."""
BOTH_TARGETS: Final = (
    "{function!r} has a dead-letter queue and an on-failure destination: each asynchronous event that fails goes to"
    " both, as two messages of different forms"
)
FIFO_TARGET: Final = (
    "an on-failure or on-success destination of {function!r} is a FIFO queue or topic, to which Lambda cannot deliver:"
    " the records are lost, and only the metric DestinationDeliveryFailures shows it"
)
"""What the advice ESM130 says, as templates."""

_LARGEST_MESSAGE: Final = 1024
"""Bytes of an error message in a dead-letter record."""


class AsyncResults:
    """Delivers the records of events that have ended, and reports the events' fates.

    ``causing(depth, request_id)`` attributes what happens inside it to a chain of ``depth`` invocations, the last of
    which had this request.
    """

    def __init__(
        self,
        destinations: Destinations,
        journal: Journal,
        causing: Callable[[int, str], AbstractContextManager[None]],
        new_id: Callable[[], str],
    ) -> None:
        self._destinations = destinations
        self._journal = journal
        self._causing = causing
        self._new_id = new_id

    def drop(self, function: Function, request_id: str, why: str) -> None:
        """Discard an event without a record of it."""
        function._count("AsyncEventsDropped")
        self._journal.fate(function.arn, (request_id,), DISCARDED, why)

    def deliver(
        self,
        function: Function,
        outcome: AsyncOutcome,
        config: InvokeConfig | None,
        dead_letter: str | None,
        depth: int,
    ) -> None:
        """Deliver an event's record to its destination and, after a failure, also to the dead-letter target."""
        succeeded = outcome.condition == SUCCESS
        target = None if config is None else config.on_success if succeeded else config.on_failure
        delivered = False
        with self._causing(depth, outcome.request_id):
            if target is not None:
                message = _destination_message(outcome, self._new_id)
                delivered = self._send(function, outcome, target, message, "DestinationDeliveryFailures")
            if not succeeded and dead_letter is not None:
                if target is not None:
                    self._journal.advice.give("ESM130", function.name, what=BOTH_TARGETS.format(function=function.name))
                message = _dead_letter_message(outcome)
                delivered = self._send(function, outcome, dead_letter, message, "DeadLetterErrors") or delivered
        text = f"{outcome.condition} after {counted(outcome.attempts, 'attempt')}"
        if succeeded or delivered:
            fate: FateName = DONE if succeeded else SENT
            self._journal.fate(function.arn, (outcome.request_id,), fate, text)
        else:
            self.drop(function, outcome.request_id, text)

    def _send(
        self, function: Function, outcome: AsyncOutcome, target: str, message: Message, failure_metric: str
    ) -> bool:
        try:
            self._destinations.deliver(target, replace(message, sender=outcome.function_arn))
        except DeliveryFailed as error:
            function._count(failure_metric)
            self._journal.add("delivery", target, f"failed: {error}", (outcome.request_id,))
            return False
        self._journal.add("delivery", target, f"{function.name}: {outcome.condition}", (outcome.request_id,))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncOutcome:
    """How an asynchronous event ended: with AWS's ``condition``, after ``attempts`` invocations.

    ``function_arn`` is qualified. ``last`` is the last invocation, or None if there was none. ``refusal`` is why Lambda
    refused the last attempt, or None if it invoked the function.
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Lambda did not invoke the function: the status and the message of Invoke's error response."""

    code: int
    message: str


THROTTLED: Final = Refusal(429, "Rate Exceeded.")
FAILED: Final = Refusal(500, "The Lambda service encountered an internal error.")
RECURSIVE: Final = Refusal(
    400,
    "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your"
    " function's invocation.",
)


def _destination_message(outcome: AsyncOutcome, new_id: Callable[[], str]) -> Message:
    """Return the message for an on-success or on-failure destination of any type."""
    moment = moment_of(outcome.at)
    result = "Success" if outcome.condition == SUCCESS else "Failure"
    return Message(
        body=json.dumps(_record(outcome), separators=(",", ":"), ensure_ascii=False),
        key=f"aws/lambda/async/{outcome.function}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{new_id()}",
        detail_type=f"Lambda Function Invocation Result - {result}",
        resources=(outcome.function_arn,),
        trace=trace_header(outcome.request_id, outcome.at),
    )


def _record(outcome: AsyncOutcome) -> dict[str, Any]:
    moment = moment_of(outcome.at)
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": outcome.function_arn,
            "condition": outcome.condition,
            "approximateInvokeCount": outcome.attempts,
        },
        "requestPayload": _value(outcome.payload),
    }
    if outcome.last is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": outcome.last.context.function_version}
        if outcome.last.error is not None:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = _value(outcome.last.payload)
    return record


def _value(payload: str) -> Any:
    """Return a payload's JSON value; the text itself where it is not JSON, such as bytes of a handler (chosen)."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload


def _dead_letter_message(outcome: AsyncOutcome) -> Message:
    """Return the message for a dead-letter queue or topic: the event as sent, with the error in attributes."""
    refusal = outcome.refusal
    error = outcome.last.error if outcome.last is not None else None
    message = refusal.message if refusal is not None else error.message if error is not None else ""
    return Message(
        body=outcome.payload,
        attributes={
            "RequestID": outcome.request_id,
            "ErrorCode": refusal.code if refusal is not None else 200,
            "ErrorMessage": message.encode("utf-8", "backslashreplace")[:_LARGEST_MESSAGE].decode(errors="ignore"),
        },
        trace=trace_header(outcome.request_id, outcome.at),
    )
