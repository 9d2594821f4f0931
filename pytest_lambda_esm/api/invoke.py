"""Invoke, InvokeAsync and InvokeWithResponseStream.

Checks run in this order, which is chosen where it is not recorded: constraints of the service model (before these
functions are called), size of the request, region, qualifier, function, payload, limits of the invocation type,
concurrency.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from pytest_lambda_esm.api import unsupported
from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.payload import NotJson, client_context, read
from pytest_lambda_esm.arn import FunctionReference, parse
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.config import Config
from pytest_lambda_esm.invocation.async_queue import AsyncQueue
from pytest_lambda_esm.invocation.async_results import RECURSIVE
from pytest_lambda_esm.invocation.concurrency import RESERVED_LIMIT
from pytest_lambda_esm.invocation.configuration import Functions
from pytest_lambda_esm.invocation.invoker import Invoker, Throttled
from pytest_lambda_esm.invocation.record import Invocation, Request
from pytest_lambda_esm.vocabulary import EntryKind

LARGEST_REQUEST: Final = 6_291_456
LARGEST_EVENT: Final = MappingProxyType({"current": 1_048_576, "2020": 262_144})
"""The largest asynchronous event in bytes, by the setting ``limits``."""

LARGEST_LEGACY_EVENT: Final = 262_144
LARGEST_CLIENT_CONTEXT: Final = 3_583
TAIL: Final = 4_096
"""How many bytes at the end of the log are in LogResult."""


class Time(Protocol):
    """The caller's time, inside and outside of handlers."""

    def now(self) -> int:
        """Return the caller's time in microseconds since the epoch."""
        ...

    def wait_until(self, instant: int) -> None:
        """Let the caller's time pass until an instant."""
        ...

    def after_wait(self, action: Callable[[], object]) -> None:
        """Call ``action`` when the caller's time has passed."""
        ...

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """Keep everything else from moving time while a handler runs; ``about`` says in errors what runs."""
        ...

    def depth(self) -> int:
        """Return how many invocations, each caused by the one before, led to the caller."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationServices:
    """What runs invocations.

    ``stops_loop`` tells whether a chain of a given length has to end at a function. ``trace(request_id, header)`` is
    called with the trace header that came with a request; it may be empty.
    """

    functions: Functions
    invoker: Invoker
    queue: AsyncQueue
    stops_loop: Callable[[FunctionReference, int], bool]
    trace: Callable[[str, str], None]


class Invocations:
    """The operations that invoke a function. ``journal`` takes the kind, subject and text of timeline entries."""

    def __init__(
        self,
        config: Config,
        *,
        model: LambdaModel,
        services: InvocationServices,
        time: Time,
        journal: Callable[[EntryKind, str, str], object],
    ) -> None:
        self._largest_event = LARGEST_EVENT[config.limits]
        self._model = model
        self._services = services
        self._time = time
        self._journal = journal

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their API names."""
        return {
            "Invoke": self.invoke,
            "InvokeAsync": self.invoke_async,
            "InvokeWithResponseStream": self.invoke_with_response_stream,
        }

    # --- operations --------------------------------------------------------------------------------------

    def invoke(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Run a function and return its result, or queue an event, or only check the request."""
        unsupported.refuse_members(params)
        payload = params.get("Payload", b"")
        self._check_request_size(payload, "InvokeFunction")
        reference = self._reference(caller, params["FunctionName"], params.get("Qualifier"))
        kind = params.get("InvocationType", "RequestResponse")
        self._check_exists(reference)
        text = self._text(payload)
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            self._check_event_size(payload, "Event", self._largest_event)
            self._enqueue(caller, reference, text)
            return {"StatusCode": 202, "Payload": b""}
        invocation = self._run(caller, reference, text, self._client_context(params))
        return {
            "StatusCode": 200,
            "FunctionError": "Unhandled" if invocation.error is not None else None,
            "LogResult": _tail(invocation) if params.get("LogType") == "Tail" else None,
            "Payload": invocation.payload_bytes,
            "ExecutedVersion": invocation.context.function_version,
        }

    def invoke_async(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Queue an event, with the deprecated operation."""
        payload = params.get("InvokeArgs", b"")
        self._check_event_size(payload, "InvokeAsync", LARGEST_LEGACY_EVENT)
        reference = self._reference(caller, params["FunctionName"], None)
        self._check_exists(reference)
        self._enqueue(caller, reference, self._text(payload))
        return {"Status": 202}

    def invoke_with_response_stream(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Run a function and return a stream, of one chunk because Python's runtime does not stream."""
        unsupported.refuse_members(params)
        payload = params.get("Payload", b"")
        self._check_request_size(payload, "InvokeWithResponseStream")
        reference = self._reference(caller, params["FunctionName"], params.get("Qualifier"))
        self._check_exists(reference)
        text = self._text(payload)
        if params.get("InvocationType") == "DryRun":
            return {"StatusCode": 204}
        invocation = self._run(caller, reference, text, self._client_context(params))
        complete: dict[str, Any] = {}
        if invocation.error is not None:
            complete = {"ErrorCode": "Unhandled", "ErrorDetails": invocation.payload}
        if params.get("LogType") == "Tail":
            complete["LogResult"] = _tail(invocation)
        chunk = {"PayloadChunk": {"Payload": invocation.payload_bytes}}
        return {
            "StatusCode": 200,
            "ExecutedVersion": invocation.context.function_version,
            "ResponseStreamContentType": "application/json",
            "EventStream": [*([chunk] if invocation.error is None else []), {"InvokeComplete": complete}],
        }

    # --- inside ------------------------------------------------------------------------------------------

    def _run(
        self, caller: Caller, reference: FunctionReference, text: str, client_context: dict[str, Any] | None
    ) -> Invocation:
        function = self._services.functions.route(reference)
        if function is None:
            raise self._not_found(reference)
        depth = self._time.depth()
        if self._services.stops_loop(reference, depth):
            raise self._model.error("RecursiveInvocationException", RECURSIVE.message)
        request = Request(
            function=function,
            invoked_arn=reference.arn,
            event=lambda: json.loads(text),
            request_id=caller.request_id,
            depth=depth,
            client_context=client_context,
        )
        self._services.trace(caller.request_id, caller.trace)
        with self._time.occupied(lambda: f"{reference.name}, invoked synchronously"):
            outcome = self._services.invoker.attempt(request)
        if isinstance(outcome, Throttled):
            self._time.wait_until(outcome.at)
            raise self._throttled(outcome)
        self._time.wait_until(outcome._end)
        self._time.after_wait(lambda: self._journal("result", reference.name, str(outcome._answer)))
        return outcome

    def _enqueue(self, caller: Caller, reference: FunctionReference, text: str) -> None:
        self._services.trace(caller.request_id, caller.trace)
        self._services.queue.accept(reference, text, caller.request_id, self._time.depth(), self._time.now())

    def _reference(self, caller: Caller, text: str, qualifier: str | None) -> FunctionReference:
        reference = parse(text, caller.account_id, caller.region)
        if reference.region != caller.region:
            raise self._model.error(
                "ResourceNotFoundException",
                f"Functions from '{reference.region}' are not reachable in this region ('{caller.region}')",
            )
        if qualifier is None:
            return reference
        if reference.qualifier is not None and reference.qualifier != qualifier:
            raise self._model.error(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified qualifier.",
            )
        return dataclasses.replace(reference, qualifier=qualifier)

    def _check_exists(self, reference: FunctionReference) -> None:
        if self._services.functions.find(reference) is None:
            raise self._not_found(reference)

    def _not_found(self, reference: FunctionReference) -> ApiError:
        arn = f"{reference.unqualified_arn}:{reference.qualifier or '$LATEST'}"
        return self._model.error("ResourceNotFoundException", f"Function not found: {arn}")

    def _text(self, payload: bytes) -> str:
        try:
            return read(payload)
        except NotJson as error:
            raise self._model.error(
                "InvalidRequestContentException",
                f"Could not parse request body into json: Could not parse payload into json: {error}",
            ) from None

    def _client_context(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        text = params.get("ClientContext")
        if text is None:
            return None
        if len(text) > LARGEST_CLIENT_CONTEXT:
            raise self._model.error(
                "InvalidRequestContentException",
                f"Client context must be no more than {LARGEST_CLIENT_CONTEXT} bytes.",  # chosen
            )
        try:
            return client_context(text)
        except NotJson as error:
            raise self._model.error("InvalidRequestContentException", str(error)) from None

    def _throttled(self, throttled: Throttled) -> ApiError:
        # Throttles because of reserved concurrency have no Retry-After (recorded).
        wait = {} if throttled.reason == RESERVED_LIMIT else {"retryAfterSeconds": "1"}
        return self._model.error("TooManyRequestsException", "Rate Exceeded.", Reason=throttled.reason, **wait)

    def _check_request_size(self, payload: bytes, operation: str) -> None:
        if len(payload) > LARGEST_REQUEST:
            raise self._model.error(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {LARGEST_REQUEST} bytes for the {operation} operation",
            )

    def _check_event_size(self, payload: bytes, kind: str, largest: int) -> None:
        if len(payload) > largest:
            raise self._model.error(
                "RequestEntityTooLargeException",
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {largest} bytes)",
            )


def _tail(invocation: Invocation) -> str:
    return base64.b64encode(invocation.log.encode("utf-8", "replace")[-TAIL:]).decode()
