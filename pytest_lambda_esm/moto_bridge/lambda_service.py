"""Takes Lambda's operations over from moto, for every client of the process, and lets no AWS request out of it.

Three places are replaced while a fake is active:

* ``LambdaResponse.call_action``, through which each request to moto's Lambda service goes, also one from moto's
  server mode or the ``requests`` library. Account, region and credentials have been resolved by then.
* ``BotocoreStubber.process_request``, for an endpoint that moto does not know yet.
* ``URLLib3Session.send``, botocore's way to the network: a client that was made before moto was imported does not
  ask moto; here its request is offered to moto after all, and what nobody answers is refused.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5, and botocore 1.36.0, 1.43.117 and 1.44.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths
from moto.core.botocore_stubber import BotocoreStubber
from werkzeug.exceptions import HTTPException

from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.aws_model.http import HttpRequest, HttpResponse
from pytest_lambda_esm.errors import NotSimulated, is_for_the_author
from pytest_lambda_esm.invocation.local_time import TimedOut
from pytest_lambda_esm.moto_bridge.service_faults import NETWORK_ERRORS
from pytest_lambda_esm.patching import Patches


class Lambda(Protocol):
    """What answers requests to Lambda."""

    def is_ours(self, request: HttpRequest) -> bool:
        """Whether moto has no part in the answer."""
        ...

    def answer(self, request: HttpRequest, otherwise: Callable[[], HttpResponse]) -> HttpResponse:
        """Answer a request; ``otherwise`` is moto's own answer."""
        ...


_ANY_PATH: Final = r"{0}/.+$"

# boto3 1.44 asks for streams at an endpoint with the account in its name; moto 5.2.5 knows the old one only.
_STREAMS_BY_ACCOUNT: Final = re.compile(r"^(https?://)[^./]+\.streams-ddb\.")


def install_dispatcher(patches: Patches, service: Lambda, on_error: Callable[[BaseException], None]) -> None:
    """Let ``service`` answer every request to Lambda; ``failed`` hears of exceptions, which also pass through."""
    original = LambdaResponse.call_action

    def call_action(self: Any) -> Any:
        __tracebackhide__ = is_for_the_author

        def by_moto() -> HttpResponse:
            try:
                status, headers, body = original(self)
            except NotImplementedError as missing:
                raise NotSimulated(
                    f"moto has no answer to this operation of Lambda, and neither has pytest-lambda-esm: {missing}."
                    f" Instead: let botocore's Stubber answer it, or ask for an error of it with lambda_esm.faults."
                ) from missing
            return HttpResponse(status, headers, body.encode() if isinstance(body, str) else bytes(body))

        request = _wire_request(self)
        if service.is_ours(request):
            try:
                # moto's IAM judges what moto does not answer, too.
                self._authenticate_and_authorize_normal_action("*")
            except HTTPException:
                return original(self)  # moto words its own refusal.
        try:
            reply = service.answer(request, by_moto)
        except TimedOut:
            raise  # The handler that made this call has come to its own end meanwhile.
        except NETWORK_ERRORS:
            raise  # A test asked for it, and it is the client's to see.
        except BaseException as error:
            on_error(error)
            raise
        headers = {**self.response_headers, **reply.headers, "status": str(reply.status)}
        return reply.status, headers, reply.body

    patches.set(LambdaResponse, "call_action", call_action)
    _read_any_body(patches)
    # moto's own table leaves out operations it lacks and names with dots; the last entry catches the rest.
    patches.item(url_paths, _ANY_PATH, LambdaResponse.dispatch)


def _read_any_body(patches: Patches) -> None:
    """A payload that is no UTF-8 is Lambda's to refuse; moto would fail over it before anybody is asked."""
    original = LambdaResponse.setup_class

    def setup_class(self: Any, request: Any, full_url: str, headers: Any, use_raw_body: bool = False) -> None:
        try:
            original(self, request, full_url, headers, use_raw_body)
        except UnicodeDecodeError:
            original(self, request, full_url, headers, use_raw_body=True)

    patches.set(LambdaResponse, "setup_class", setup_class)


def _wire_request(response: Any) -> HttpRequest:
    url = urlsplit(response.uri)
    body = response.raw_body if isinstance(response.raw_body, bytes) else str(response.body or "").encode()
    return HttpRequest(
        method=response.method,
        path=url.path,
        query=parse_qs(url.query, keep_blank_values=True),
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        account_id=response.current_account,
        region=response.region,
    )


def install_endpoints(patches: Patches) -> None:
    """Translate endpoints that moto does not know yet."""
    original = BotocoreStubber.process_request

    def process_request(self: Any, request: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        if "streams-ddb" in request.url:
            request.url = _STREAMS_BY_ACCOUNT.sub(r"\1streams.dynamodb.", request.url)
        return original(self, request)

    patches.set(BotocoreStubber, "process_request", process_request)


def install_resets(patches: Patches, forget: Callable[[str, str], None]) -> None:
    """Have ``forget(account, region)`` called when moto forgets all functions of a region."""
    original = LambdaBackend.reset

    def reset(self: Any) -> None:
        forget(self.account_id, self.region_name)
        original(self)

    patches.set(LambdaBackend, "reset", reset)


def install_deletions(patches: Patches, forget: Callable[[str, str, str, str | None], None]) -> None:
    """Have ``forget(account, region, function, qualifier)`` called when a function, version or alias is deleted."""
    delete_function, delete_alias = LambdaBackend.delete_function, LambdaBackend.delete_alias

    def function_deleted(self: Any, function_name: str, qualifier: str | None = None) -> None:
        delete_function(self, function_name, qualifier)
        reference = parse(function_name, self.account_id, self.region_name)
        forget(self.account_id, self.region_name, reference.name, qualifier or reference.qualifier)

    def alias_deleted(self: Any, name: str, function_name: str) -> Any:
        answer = delete_alias(self, name, function_name)
        reference = parse(function_name, self.account_id, self.region_name)
        forget(self.account_id, self.region_name, reference.name, name)
        return answer

    patches.set(LambdaBackend, "delete_function", function_deleted)
    patches.set(LambdaBackend, "delete_alias", alias_deleted)


def is_taken() -> bool:
    """Whether a fake of this process has taken Lambda over already."""
    return "call_action" in vars(LambdaResponse)
