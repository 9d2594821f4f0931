"""The trace header of messages that a client sends: AWSTraceHeader, from the request or its HTTP header.

Follows "Amazon SQS and AWS X-Ray": a message has the header ``X-Amzn-Trace-Id`` of its request, which botocore adds in
a handler, or the system attribute that the request states. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: moto does not
know the HTTP header, and ignores the system attributes of SendMessageBatch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from moto.sqs.models import SQSBackend
from moto.sqs.responses import SQSResponse

from pytest_lambda_esm.moto_bridge.sqs.sending import attribute
from pytest_lambda_esm.patching import Patches, original_of

_HTTP_HEADER: Final = "X-Amzn-Trace-Id"
_ATTRIBUTE: Final = "AWSTraceHeader"

_OF_REQUEST: Final[ContextVar[str]] = ContextVar("trace_of_request", default="")
"""The HTTP header of the request to SQS that is answered now."""
_BATCH: Final[ContextVar[Iterator[Mapping[str, Any]] | None]] = ContextVar("entries_of_batch", default=None)
"""The entries of the batch that is sent now, from the one that moto sends next; None outside of batches."""


def install(patches: Patches) -> None:
    """Store the trace headers of messages until the patches are undone."""
    for name in ("send_message", "send_message_batch"):
        patches.set(SQSResponse, name, _noting_header(original_of(SQSResponse, name)))
    patches.set(SQSBackend, "send_message_batch", _noting_entries(original_of(SQSBackend, "send_message_batch")))
    patches.set(SQSBackend, "send_message", _with_trace(original_of(SQSBackend, "send_message")))


def _noting_header(respond: Callable[..., Any]) -> Callable[..., Any]:
    def send(response: Any) -> Any:
        token = _OF_REQUEST.set(response.headers.get(_HTTP_HEADER) or "")
        try:
            return respond(response)
        finally:
            _OF_REQUEST.reset(token)

    return send


def _noting_entries(send_all: Callable[..., Any]) -> Callable[..., Any]:
    def send_message_batch(backend: Any, queue_name: str, entries: Mapping[str, Mapping[str, Any]]) -> Any:
        token = _BATCH.set(iter(entries.values()))
        try:
            return send_all(backend, queue_name, entries)
        finally:
            _BATCH.reset(token)

    return send_message_batch


def _with_trace(send: Callable[..., Any]) -> Callable[..., Any]:
    def send_message(backend: Any, queue_name: str, message_body: str, *args: Any, **kwargs: Any) -> Any:
        # moto sends the entries in their order, and leaves out those that are refused.
        entry = next((each for each in _BATCH.get() or () if each["MessageBody"] == message_body), {})
        stated = kwargs.get("system_attributes") or entry.get("MessageSystemAttributes") or {}
        header = (stated.get(_ATTRIBUTE) or {}).get("StringValue") or _OF_REQUEST.get()
        if header:
            kwargs["system_attributes"] = {**stated, _ATTRIBUTE: attribute("String", header)}
        return send(backend, queue_name, message_body, *args, **kwargs)

    return send_message
