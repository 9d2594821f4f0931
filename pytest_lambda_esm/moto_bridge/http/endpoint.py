"""Answers HTTP requests as moto and the fake answer those of boto3 clients, and clients of this process at once.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BotocoreStubber.process_request``, which receives every request of
botocore's clients and so meets the faults, the log of calls and Lambda's operations; ``sqs.models.Queue.url``.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.model import OperationNotFoundError, ServiceModel
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber
from moto.sqs.models import Queue

from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.errors import NotSimulated, is_for_the_author
from pytest_lambda_esm.faults.effects import AwsError
from pytest_lambda_esm.moto_bridge import aws_names
from pytest_lambda_esm.moto_bridge.client_calls import ClientCall, ClientCalls
from pytest_lambda_esm.moto_bridge.error_responses import error_response
from pytest_lambda_esm.moto_bridge.http.operations import models_of, operation_of
from pytest_lambda_esm.moto_bridge.http.services import UNKNOWN, Recogniser, Scope, signed_scope
from pytest_lambda_esm.moto_bridge.http.wire import BadRequest, WireRequest
from pytest_lambda_esm.moto_bridge.service_faults import NETWORK_ERRORS
from pytest_lambda_esm.patching import Patches, original_of

_OWN_HEADERS: Final = frozenset({"connection", "content-length", "date", "status", "transfer-encoding"})
"""The headers of an answer that the endpoint writes itself."""


class Dropped(ConnectionError):
    """A fault of the network: the client gets no answer, but the end of the connection."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers requests. ``origin`` is the endpoint's address, a URL without a path."""

    origin: str
    recogniser: Recogniser
    client_calls: ClientCalls

    def answer(self, request: WireRequest) -> HttpResponse:
        """Return the answer to a request.

        Raises Dropped where a fault loses it, and NotSimulated for what neither moto nor this package has.
        """
        url = self.recogniser.aws_url(request)
        known = operation_of(url, request)
        if known is None:
            return self._answer_unknown(url, request)
        scope = signed_scope(request)
        region = scope.region if scope is not None else self.recogniser.region
        call = ClientCall(*known, region, None, None, over_http=True)
        with self.client_calls.over_http(call):
            answer = _process(url, request, is_form=bool(request.parameter("Action")))
            if answer == _NOT_IMPLEMENTED:
                raise NotSimulated(
                    f"moto has no answer to {call.service}.{call.operation}, which came over HTTP. Instead: ask for an"
                    f" error of it with lambda_esm.faults, or keep the program from calling it."
                )
            if answer.status < _FIRST_REFUSAL:
                self.client_calls.note_success(call)
        return answer

    def _answer_unknown(self, url: str, request: WireRequest) -> HttpResponse:
        """Answer a request that no model of botocore has; moto may know it all the same."""
        model = next(models_of(url), None)
        if model is not None and model.service_name == "lambda":
            return _unknown(model, request)
        answer = _process(url, request, is_form=True)
        if answer != _NOT_IMPLEMENTED:
            return answer
        return _unknown(model, request) if model is not None else _nobody(url, request)

    def refusal(self, request: WireRequest, code: str, message: str) -> HttpResponse:
        """Return an error in the protocol of the request's service; SDKs do not repeat a request that gets it."""
        url = self.recogniser.aws_url(request)
        known = operation_of(url, request)
        model = next(models_of(url), None) if known is None else known[0]
        if model is None:
            return HttpResponse(_BAD_REQUEST, {"content-type": "text/plain"}, f"{code}: {message}".encode())
        return _error(model, request, AwsError(code, message, status=_BAD_REQUEST))

    def install(self, patches: Patches) -> None:
        """Answer boto3 clients of this process that were given the endpoint's address, in their own thread.

        They have the faults, the time and the place in the log that any client of the process has, and a handler that
        calls in this way is not in the way of its own request. Meanwhile, queues have URLs at the endpoint, for all.
        """
        origin = urlsplit(self.origin)
        process = original_of(BotocoreStubber, "process_request")
        queue_url = original_of(Queue, "url")

        def process_request(stubber: Any, request: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            if request.url.startswith("http://") and self._is_own(request.url):
                request.url = self.recogniser.aws_url(_wire_request(request), self._scope_of_client())
            return process(stubber, request)

        def url(queue: Any, request_url: Any) -> str:
            return str(queue_url(queue, origin))  # The SDK for JavaScript sends requests to the host in a queue's URL.

        patches.set(BotocoreStubber, "process_request", process_request)
        patches.set(Queue, "url", url)

    def _is_own(self, url: str) -> bool:
        own, other = urlsplit(self.origin), urlsplit(url)
        if own.port != other.port:
            return False
        return own.hostname == other.hostname or (
            aws_names.is_local(own.hostname) and aws_names.is_local(other.hostname)
        )

    def _scope_of_client(self) -> Scope | None:
        call = self.client_calls.current
        if call is None:
            return None
        return Scope(call.service_model.signing_name, call.region)


_BAD_REQUEST: Final = 400
_FIRST_REFUSAL: Final = 300
_NOT_IMPLEMENTED: Final = HttpResponse(404, {}, b"Not yet implemented")
"""moto's answer for a URL of AWS that it does not know; for some operations it raises NotImplementedError."""


def _error(model: ServiceModel, request: WireRequest, error: AwsError) -> HttpResponse:
    request_id = "00000000-0000-0000-0000-000000000000"
    status, headers, body = error_response(model, error, request_id, has_body=request.method != "HEAD")
    return HttpResponse(status, headers, body)


def _unknown(model: ServiceModel, request: WireRequest) -> HttpResponse:
    """Return AWS's answer to an operation that a service does not have."""
    action = request.parameter("Action")
    if request.aws_target:
        error = AwsError("UnknownOperationException", None, status=400)
    elif action:
        version = request.parameter("Version")
        error = AwsError("InvalidAction", f"Could not find operation {action} for version {version}", status=400)
    else:
        text = "Unable to determine service/operation name to be authorized"
        error = AwsError("AccessDeniedException", text, status=403)
    return _error(model, request, error)


def _process(url: str, request: WireRequest, *, is_form: bool) -> HttpResponse:
    """Return moto's answer, which is that of the fake for what the fake answers. Raises Dropped for network faults."""
    headers = HeadersDict({**request.headers, "host": urlsplit(url).netloc})
    if request.form and not is_form:
        del headers["content-type"]  # curl's default for any body, which moto would read as a form.
    prepared = AWSPreparedRequest(request.method, url, headers, request.body, False)
    try:
        answer = botocore_stubber.process_request(prepared)
    except NETWORK_ERRORS as error:
        raise Dropped(str(error)) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadRequest(f"The body is not compressed as its Content-Encoding says: {error}") from error
    except (NotImplementedError, OperationNotFoundError):
        return _NOT_IMPLEMENTED
    return _response(answer) if answer is not None else _NOT_IMPLEMENTED


def _response(answer: tuple[int, Mapping[str, Any], Any]) -> HttpResponse:
    status, headers, body = answer
    # The same header may be there in two spellings, of which clients see the last.
    last = {str(name).lower(): (str(name), str(value)) for name, value in headers.items()}
    kept = dict(pair for name, pair in last.items() if name not in _OWN_HEADERS)
    # The answer to a HEAD request has a length, and no body.
    length = dict(pair for name, pair in last.items() if name == "content-length")
    content = body.encode() if isinstance(body, str) else bytes(body)
    return HttpResponse(int(status), {**kept, **({} if content else length)}, content)


def _nobody(url: str, request: WireRequest) -> HttpResponse:
    text = f"Neither moto nor pytest-lambda-esm serves {url}."
    if urlsplit(url).netloc.startswith(UNKNOWN):
        asked = request.aws_target or f"{request.parameter('Action')} of version {request.parameter('Version')!r}"
        text = f"No service is known by {asked} alone: sign the request, or send its Host header as to AWS."
    return HttpResponse(404, {"content-type": "text/plain"}, text.encode())


def _wire_request(request: Any) -> WireRequest:
    """Return a prepared request of botocore's as it would arrive, as far as its service can be seen from it."""
    url = urlsplit(request.url)
    headers = {str(name).lower(): _text(value) for name, value in request.headers.items()}
    headers["host"] = url.netloc
    body = request.body if isinstance(request.body, (bytes, bytearray)) else _text(request.body).encode()
    target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    return WireRequest(request.method, target, headers, bytes(body))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
