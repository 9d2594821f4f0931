"""Faults of services other than Lambda, and the network that delays or loses requests and responses.

Faults strike where botocore hands a request to moto, so that botocore's own retries see them as on AWS. Seen with moto
5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BotocoreStubber.process_request``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar, cast

from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

from pytest_lambda_esm.errors import FaultError, is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import CONNECT_TIMEOUT, CONNECTION_RESET, LATENCY, AwsError, Effect, NetworkFault
from pytest_lambda_esm.faults.injection import FaultInjector
from pytest_lambda_esm.moto_bridge.client_calls import ClientCall, ClientCalls, is_unnoticed
from pytest_lambda_esm.moto_bridge.error_responses import error_response
from pytest_lambda_esm.moto_bridge.waits import first_time
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.timing import MICROSECONDS

NETWORK_ERRORS: Final = (ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError)
"""What a network fault raises."""

_DEFAULT_TIMEOUT: Final = 60.0
"""botocore's default for both timeouts, in seconds."""

Response = TypeVar("Response")


class ServiceFaults:
    """Strikes requests of boto3 clients to services other than Lambda with the faults of the injector.

    ``on_error`` is called with each exception of the injector, such as a FaultError, which is raised as well.
    """

    def __init__(
        self,
        injector: FaultInjector,
        requests: RequestReader,
        network: Network,
        new_id: Callable[[], str],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._injector = injector
        self._requests = requests
        self._network = network
        self._new_id = new_id
        self._on_error = on_error

    def install(self, patches: Patches) -> None:
        """Check each request from now on."""
        original = original_of(BotocoreStubber, "process_request")

        def process_request(stubber: Any, request: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            call = self._requests.client_calls.current
            if call is None or call.service == "lambda" or is_unnoticed():
                return original(stubber, request)
            effect = first_time(call, "effect", partial(self._effect, call, request))
            if isinstance(effect, NetworkFault):
                return self._network.carry(effect, request.url, lambda: original(stubber, request))
            if isinstance(effect, AwsError):
                return error_response(call.service_model, effect, self._new_id(), has_body=request.method != "HEAD")
            return original(stubber, request)

        patches.set(BotocoreStubber, "process_request", process_request)

    def _effect(self, call: ClientCall, request: Any) -> Effect | None:
        __tracebackhide__ = is_for_the_author
        try:
            return self._injector.on_call(self._requests.read(call, request))
        except BaseException as error:
            self._on_error(error)
            raise


class RequestReader:
    """Describes botocore's requests as the fault plan matches them. ``instant`` returns the current instant."""

    def __init__(self, client_calls: ClientCalls, account_id: str, instant: Callable[[], int]) -> None:
        self.client_calls = client_calls
        self._account_id = account_id
        self._instant = instant

    def read(self, call: ClientCall, request: Any) -> IncomingCall:
        """Return one attempt of a call."""
        attempt = _text(request.headers.get("amz-sdk-request")).partition("attempt=")[2].partition(";")[0]
        return IncomingCall(
            operation=f"{call.service}.{call.operation}",
            params=call.params,
            account_id=self._account_id,
            region=call.region,
            instant=self._instant(),
            attempt=int(attempt) if attempt.isdigit() else 1,
            logical_id=_text(request.headers.get("amz-sdk-invocation-id")),
        )


def _text(header: Any) -> str:
    return header.decode() if isinstance(header, bytes) else str(header or "")


class Network:
    """Carries requests through network faults.

    ``wait`` lets virtual seconds pass for the caller, ``now`` returns the caller's time in microseconds.
    """

    def __init__(self, client_calls: ClientCalls, wait: Callable[[float], None], now: Callable[[], int]) -> None:
        self._client_calls = client_calls
        self._wait = wait
        self._now = now

    def carry(self, fault: NetworkFault, url: str, perform: Callable[[], Response]) -> Response:
        """Send a request through a fault, and return the response where one arrives.

        Raises botocore's exception where none arrives, and FaultError where the client would wait forever.
        """
        call = self._client_calls.current
        if fault.kind == CONNECTION_RESET:
            raise _connection_reset(url)
        if fault.kind == CONNECT_TIMEOUT:
            self._wait(_timeout(call, fault, "connect_timeout"))
            raise ConnectTimeoutError(endpoint_url=url)
        sent = first_time(call, "sent", self._now)
        response = perform() if fault.arrives else None
        spent = (self._now() - sent) / MICROSECONDS  # An invocation or a long poll takes time itself.
        if fault.kind == LATENCY and not _times_out(call, spent + fault.seconds):
            self._wait(fault.seconds)
            return cast(Response, response)
        self._wait(max(0.0, _timeout(call, fault, "read_timeout") - spent))
        raise ReadTimeoutError(endpoint_url=url)


def _times_out(call: ClientCall | None, seconds: float) -> bool:
    timeout = _DEFAULT_TIMEOUT if call is None else call.read_timeout
    return timeout is not None and seconds > timeout  # Over HTTP, the client looks at its own clock.


def _timeout(call: ClientCall | None, fault: NetworkFault, name: str) -> float:
    if call is not None and call.over_http:
        return 0.0  # The connection is closed at once: nobody knows how long the client would wait.
    seconds: float | None = _DEFAULT_TIMEOUT if call is None else getattr(call, name)
    if seconds is None:
        raise FaultError(
            f"{fault!r} struck a client without a {name} (Config({name}=None)): it would wait for ever. Give the"
            f" client a timeout, or ask for connection_reset()."
        )
    return seconds


def _connection_reset(url: str) -> Any:
    reset = ConnectionResetError(104, "Connection reset by peer")
    return ConnectionClosedError(endpoint_url=url, error=reset)
