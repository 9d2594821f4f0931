"""The log of the calls that boto3 clients make to services other than Lambda.

What a service itself calls, such as CloudFormation for the resources of a stack, is not in it.
They are seen where botocore hands a request to moto, outside of the faults, so that each attempt counts, whatever it
met. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BotocoreStubber.process_request``, which returns the status, the
headers and the body, or None for a request that moto does not answer; with botocore 1.36.0 and 1.44.5:
``botocore.parsers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import HTTPClientError
from botocore.parsers import create_parser
from moto.core.botocore_stubber import BotocoreStubber

from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.moto_bridge.client_calls import ClientCall, is_unnoticed
from pytest_lambda_esm.moto_bridge.service_faults import RequestReader
from pytest_lambda_esm.moto_bridge.waits import first_time
from pytest_lambda_esm.observe.calls import LAMBDA, Call, Calls
from pytest_lambda_esm.observe.timeline import REQUEST, Timeline
from pytest_lambda_esm.patching import Patches, original_of

_RESOURCES: Final = ("QueueUrl", "StreamName", "StreamARN", "TableName", "TopicArn", "TargetArn", "Bucket", "Name")
"""The parameters that name what a call concerns, for the timeline."""


class ServiceCalls:
    """Logs each call to another service. ``now()`` is the caller's time, which inside a handler is the handler's."""

    def __init__(self, requests: RequestReader, calls: Calls, timeline: Timeline, now: Callable[[], int]) -> None:
        self._requests = requests
        self._calls = calls
        self._timeline = timeline
        self._now = now

    def install(self, patches: Patches) -> None:
        """Log each request from now on."""
        original = original_of(BotocoreStubber, "process_request")

        def process_request(stubber: Any, request: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            call = self._requests.client_calls.current
            if call is None or call.service == LAMBDA or is_unnoticed():
                return original(stubber, request)
            params = _copy(call.params)
            place, instant = first_time(call, "arrival", lambda: (len(self._timeline), self._now()))
            try:
                response = original(stubber, request)
            except HTTPClientError as error:  # A network fault.
                self._note(call, request, params, (place, instant), (0, {}, type(error).__name__, None))
                raise
            if response is not None:
                self._note(call, request, params, (place, instant), _answer(call, response))
            return response

        patches.set(BotocoreStubber, "process_request", process_request)

    def _note(
        self,
        call: ClientCall,
        request: Any,
        params: Mapping[str, Any],
        arrival: tuple[int, int],
        answer: tuple[int, Mapping[str, str], str | None, str | None],
    ) -> None:
        (place, instant), (status, headers, error, message) = arrival, answer
        read = self._requests.read(call, request)
        noted = Call(
            service=call.service,
            operation=call.operation,
            params=params,
            account_id=read.account_id,
            region=read.region,
            instant=instant,
            request_id=headers.get("x-amzn-requestid", headers.get("x-amz-request-id", "")),
            status=status,
            error=error,
            attempt=read.attempt,
            logical_id=read.logical_id,
            message=message,
        )
        self._calls._add(noted)
        resource = next((str(params[name]).rpartition("/")[2] for name in _RESOURCES if name in params), "")
        text = f"{resource} -> {noted._outcome}" if resource else f"-> {noted._outcome}"
        self._timeline._insert(place, REQUEST, noted.name, text, instant)


def _answer(call: ClientCall, response: Any) -> tuple[int, Mapping[str, str], str | None, str | None]:
    """Return a response's status, its headers in lower case, and the code and the text of its error."""
    status, headers, body = response
    headers = {str(name).lower(): str(value) for name, value in headers.items()}
    if status < 300:
        return status, headers, None, None
    model = call.service_model
    parser = create_parser(getattr(model, "resolved_protocol", None) or model.metadata["protocol"])
    raw = {"status_code": status, "headers": headers, "body": body.encode() if isinstance(body, str) else body}
    error = parser.parse(raw, None).get("Error", {})
    return status, headers, str(error.get("Code", "")) or None, str(error.get("Message", "")) or None


def _copy(value: Any) -> Any:
    """Copy the containers of parameters, which the caller may change later; streams and other objects stay the same."""
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value
