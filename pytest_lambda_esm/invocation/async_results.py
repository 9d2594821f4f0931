"""What a destination and a dead-letter target receive of an asynchronous invocation, member by member as recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.invocation.configuration import InvokeConfig
from pytest_lambda_esm.invocation.context import trace_header
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.observe.fates import DISCARDED, DONE, SENT
from pytest_lambda_esm.ports import Journal
from pytest_lambda_esm.timing import moment_of

SUCCESS: Final = "Success"
RETRIES_EXHAUSTED: Final = "RetriesExhausted"
EVENT_AGE_EXCEEDED: Final = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY: Final = "ZeroReservedConcurrency"
RECURSIVE_INVOCATION: Final = "RecursiveInvocation"
"""Chosen: AWS's guide says that such an event goes to the destination, and not with which condition."""
_LARGEST_MESSAGE: Final = 1024
"""Bytes of an error message that a dead-letter target receives."""


class AsyncResults:
    """Delivers what is known of ended events. ``causing(depth)`` marks what happens as the end of such a chain."""

    def __init__(
        self,
        destinations: Destinations,
        journal: Journal,
        causing: Callable[[int], AbstractContextManager[None]],
        new_id: Callable[[], str],
    ) -> None:
        self._destinations = destinations
        self._journal = journal
        self._causing = causing
        self._new_id = new_id

    def drop(self, function: Function, request_id: str, why: str) -> None:
        """Nobody learns of the event any more."""
        function.count("AsyncEventsDropped")
        self._journal.fate(function.arn, (request_id,), DISCARDED, why)

    def close(
        self, function: Function, ending: AsyncOutcome, config: InvokeConfig | None, dead_letter: str | None, depth: int
    ) -> None:
        """Tell the destination and, after a failure, the dead-letter target: both are fed where there are both."""
        succeeded = ending.condition == SUCCESS
        target = None if config is None else config.on_success if succeeded else config.on_failure
        delivered = False
        with self._causing(depth):
            if target is not None:
                message = for_destination(ending, self._new_id)
                delivered = self._deliver(function, ending, target, message, "DestinationDeliveryFailures")
            if not succeeded and dead_letter is not None:
                message = for_dead_letters(ending)
                delivered = self._deliver(function, ending, dead_letter, message, "DeadLetterErrors") or delivered
        text = f"{ending.condition} after {ending.attempts} attempts"
        if succeeded or delivered:
            fate = DONE if succeeded else SENT
            self._journal.fate(function.arn, (ending.request_id,), fate, text)
        else:
            self.drop(function, ending.request_id, text)

    def _deliver(
        self, function: Function, ending: AsyncOutcome, target: str, message: Message, failure_metric: str
    ) -> bool:
        try:
            self._destinations.deliver(target, message)
        except DeliveryFailed as error:
            function.count(failure_metric)
            self._journal.add("delivery", target, f"failed: {error}", (ending.request_id,))
            return False
        self._journal.add("delivery", target, f"{function.name}: {ending.condition}", (ending.request_id,))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncOutcome:
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


def for_destination(ending: AsyncOutcome, new_id: Callable[[], str]) -> Message:
    """The record for an on-success or on-failure destination, in all the forms that destinations need."""
    moment = moment_of(ending.at)
    result = "Success" if ending.condition == SUCCESS else "Failure"
    return Message(
        body=json.dumps(_record(ending), separators=(",", ":"), ensure_ascii=False),
        key=f"aws/lambda/async/{ending.function}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{new_id()}",
        detail_type=f"Lambda Function Invocation Result - {result}",
        resources=(ending.function_arn,),
        trace=trace_header(ending.request_id, ending.at),
    )


def _record(ending: AsyncOutcome) -> dict[str, Any]:
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


def for_dead_letters(ending: AsyncOutcome) -> Message:
    """The event as it was sent, for a function's dead-letter queue or topic; the attributes say what went wrong."""
    refusal = ending.refusal
    error = ending.last.error if ending.last is not None else None
    message = refusal.message if refusal is not None else error.message if error is not None else ""
    return Message(
        body=ending.payload,
        attributes={
            "RequestID": ending.request_id,
            "ErrorCode": refusal.code if refusal is not None else 200,
            "ErrorMessage": message.encode()[:_LARGEST_MESSAGE].decode(errors="ignore"),
        },
        trace=trace_header(ending.request_id, ending.at),
    )
