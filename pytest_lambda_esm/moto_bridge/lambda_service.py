"""Answers requests to Lambda in place of moto, for every client of the process; follows moto's resets and deletions.

* ``LambdaResponse.call_action`` receives each request to moto's Lambda service, also from moto's server mode or the
  ``requests`` library. Account, region and credentials have been resolved by then.
* ``LambdaResponse.setup_class`` reads the body of a request.
* ``BotocoreStubber.process_request`` receives each request of botocore's clients, also to endpoints that moto does not
  know yet.
* ``LambdaBackend.reset``, ``delete_function`` and ``delete_alias`` are where moto forgets functions.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5, and botocore 1.36.0, 1.43.117 and 1.44.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from botocore.compat import HTTPHeaders
from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths
from moto.core.botocore_stubber import BotocoreStubber
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.aws_model.http import HttpRequest, HttpResponse
from pytest_lambda_esm.errors import NotSimulated, is_for_the_author
from pytest_lambda_esm.invocation.local_time import TimedOut
from pytest_lambda_esm.moto_bridge.client_calls import is_unnoticed
from pytest_lambda_esm.moto_bridge.service_faults import NETWORK_ERRORS
from pytest_lambda_esm.patching import Patches, original_of


class Lambda(Protocol):
    """Answers requests to Lambda."""

    def answer(
        self, request: HttpRequest, moto: Callable[[], HttpResponse], authorize: Callable[[], None]
    ) -> HttpResponse:
        """Return the response to a request.

        ``moto`` returns moto's own response. ``authorize`` is called first where moto has no part in the response.
        """
        ...


_IN_USE: Final = "lambda_esm_in_use"
"""An attribute of moto's class while a fake answers in its place: who opened it."""

_IGNORING_CASE: Final = (Headers, HTTPHeaders)
"""What moto keeps the headers of requests in: since 5.2 werkzeug's class, before that botocore's."""

_ANY_PATH: Final = r"{0}/.+$"

# boto3 1.44 sends requests for streams to an endpoint with the account in its name; moto 5.2.5 knows only the old one.
_STREAMS_BY_ACCOUNT: Final = re.compile(r"^(https?://)[^./]+\.streams-ddb\.")


def install_dispatcher(patches: Patches, service: Lambda, on_error: Callable[[BaseException], None]) -> None:
    """Have ``service`` answer every request to Lambda.

    ``on_error`` is called with each exception except those of network faults and of handlers that timed out; all are
    raised as well.
    """
    original = original_of(LambdaResponse, "call_action")

    def call_action(self: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        if is_unnoticed():
            return original(self)

        def authorize() -> None:
            self._authenticate_and_authorize_normal_action("*")

        try:
            response = service.answer(_http_request(self), lambda: _response_of_moto(original, self), authorize)
        except HTTPException:
            return original(self)  # moto's IAM refused the caller. It does so again, and moto renders the refusal.
        except TimedOut:
            raise  # The handler that made this call has timed out meanwhile.
        except NETWORK_ERRORS:
            raise  # The test asked for it, and the client should see it.
        except BaseException as error:
            on_error(error)
            raise
        headers = {**self.response_headers, **response.headers, "status": str(response.status)}
        return response.status, headers, response.body

    patches.set(LambdaResponse, "call_action", call_action)
    _install_body_reader(patches)
    # moto's own table misses the operations that moto lacks, and names with dots; this last entry catches the rest.
    patches.item(url_paths, _ANY_PATH, LambdaResponse.dispatch)


def _response_of_moto(call_action: Callable[[Any], Any], lambda_response: Any) -> HttpResponse:
    __tracebackhide__ = is_for_the_author
    try:
        status, headers, body = call_action(lambda_response)
    except NotImplementedError as missing:
        raise NotSimulated(
            f"moto has no answer to this operation of Lambda, and neither has pytest-lambda-esm: {missing}."
            f" Instead: let botocore's Stubber answer it, or ask for an error of it with lambda_esm.faults."
        ) from missing
    return HttpResponse(status, headers, body.encode() if isinstance(body, str) else bytes(body))


def _install_body_reader(patches: Patches) -> None:
    """Keep a payload that is not UTF-8 as bytes: Lambda refuses it, but moto would raise before the fake sees it."""
    original = original_of(LambdaResponse, "setup_class")

    def setup_class(self: Any, request: Any, full_url: str, headers: Any, use_raw_body: bool = False) -> None:
        try:
            original(self, request, full_url, headers, use_raw_body)
        except UnicodeDecodeError:
            original(self, request, full_url, headers, use_raw_body=True)

    patches.set(LambdaResponse, "setup_class", setup_class)


def _http_request(response: Any) -> HttpRequest:
    url = urlsplit(response.uri)
    body = response.raw_body if isinstance(response.raw_body, bytes) else str(response.body or "").encode()
    return HttpRequest(
        method=response.method,
        path=url.path,
        query=parse_qs(url.query, keep_blank_values=True),
        headers=_headers(response.headers),
        body=body,
        account_id=response.current_account,
        region=response.region,
    )


def _headers(given: Any) -> Any:
    """Return headers whose names are in lower case, or can be looked up in any case: most of them are never read."""
    if isinstance(given, _IGNORING_CASE):
        return given
    return {name.lower(): value for name, value in given.items()}


def install_endpoints(patches: Patches) -> None:
    """Rewrite requests to endpoints that moto does not know yet."""
    original = original_of(BotocoreStubber, "process_request")

    def process_request(self: Any, request: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        if "streams-ddb" in request.url:
            request.url = _STREAMS_BY_ACCOUNT.sub(r"\1streams.dynamodb.", request.url)
        return original(self, request)

    patches.set(BotocoreStubber, "process_request", process_request)


def install_resets(patches: Patches, forget: Callable[[str, str], None]) -> None:
    """Call ``forget(account, region)`` before moto resets a region."""
    original = original_of(LambdaBackend, "reset")

    def reset(self: Any) -> None:
        forget(self.account_id, self.region_name)
        original(self)

    patches.set(LambdaBackend, "reset", reset)


def install_deletions(patches: Patches, forget: Callable[[str, str, str, str | None], None]) -> None:
    """Call ``forget(account, region, function, qualifier)`` after a function, version or alias has been deleted."""
    delete_function = original_of(LambdaBackend, "delete_function")
    delete_alias = original_of(LambdaBackend, "delete_alias")

    def delete_and_forget(self: Any, function_name: str, qualifier: str | None = None) -> None:
        delete_function(self, function_name, qualifier)
        reference = parse(function_name, self.account_id, self.region_name)
        forget(self.account_id, self.region_name, reference.name, qualifier or reference.qualifier)

    def delete_alias_and_forget(self: Any, name: str, function_name: str) -> Any:
        deleted = delete_alias(self, name, function_name)
        reference = parse(function_name, self.account_id, self.region_name)
        forget(self.account_id, self.region_name, reference.name, name)
        return deleted

    patches.set(LambdaBackend, "delete_function", delete_and_forget)
    patches.set(LambdaBackend, "delete_alias", delete_alias_and_forget)


def claim(patches: Patches, owner: str) -> None:
    """Note who answers requests to Lambda in this process until ``patches`` are undone."""
    patches.set(LambdaResponse, _IN_USE, owner)


def owner() -> str | None:
    """Return who answers requests to Lambda in this process already, as it was noted, or None."""
    found: str | None = vars(LambdaResponse).get(_IN_USE)
    return found
