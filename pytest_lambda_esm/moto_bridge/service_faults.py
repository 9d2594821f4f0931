"""FaultInjector of services other than Lambda, where botocore hands a request over: its retries are its own.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BotocoreStubber.process_request``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

from pytest_lambda_esm.errors import FaultError, is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import CONNECT_TIMEOUT, CONNECTION_RESET, LATENCY, AwsError, Effect, NetworkFault
from pytest_lambda_esm.faults.injection import FaultInjector
from pytest_lambda_esm.moto_bridge.client_calls import ClientCall, ClientCalls
from pytest_lambda_esm.moto_bridge.error_responses import error_answer
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.timing import MICROSECONDS

NETWORK_ERRORS: Final = (ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError)
"""What a network fault raises."""

_BOTOCORES_DEFAULT_TIMEOUT: Final = 60.0

Answer = TypeVar("Answer")


class Network:
    """Carries requests through trouble.

    ``wait`` lets virtual seconds pass for whoever is calling, ``now`` is the caller's time in microseconds.
    """

    def __init__(self, client_calls: ClientCalls, wait: Callable[[float], None], now: Callable[[], int]) -> None:
        self._client_calls = client_calls
        self._wait = wait
        self._now = now

    def carry(self, fault: NetworkFault, url: str, perform: Callable[[], Answer]) -> Answer:
        """Send a request into trouble: the answer that arrives, late perhaps.

        Raises botocore's exception where none arrives, and FaultError where the client would wait for ever.
        """
        exchange = self._client_calls.current
        if fault.kind == CONNECTION_RESET:
            raise _closed(url)
        if fault.kind == CONNECT_TIMEOUT:
            self._wait(_timeout(exchange, fault, "connect_timeout"))
            raise ConnectTimeoutError(endpoint_url=url)
        sent = self._now()
        answer = perform() if fault.arrives else None
        spent = (self._now() - sent) / MICROSECONDS  # An invocation or a long poll takes time itself.
        if fault.kind == LATENCY and not _is_too_late(exchange, spent + fault.seconds):
            self._wait(fault.seconds)
            return cast(Answer, answer)
        self._wait(max(0.0, _timeout(exchange, fault, "read_timeout") - spent))
        raise ReadTimeoutError(endpoint_url=url)


def _is_too_late(exchange: ClientCall | None, seconds: float) -> bool:
    timeout = _BOTOCORES_DEFAULT_TIMEOUT if exchange is None else exchange.read_timeout
    return timeout is not None and seconds > timeout


def _timeout(exchange: ClientCall | None, fault: NetworkFault, name: str) -> float:
    seconds: float | None = _BOTOCORES_DEFAULT_TIMEOUT if exchange is None else getattr(exchange, name)
    if seconds is None:
        raise FaultError(
            f"{fault!r} struck a client without a {name} (Config({name}=None)): it would wait for ever. Give the"
            f" client a timeout, or ask for connection_reset()."
        )
    return seconds


def _closed(url: str) -> Any:
    reset = ConnectionResetError(104, "Connection reset by peer")
    return ConnectionClosedError(endpoint_url=url, error=reset)


class ServiceFaults:
    """Asks, for each request of a boto3 client to a service other than Lambda, whether something goes wrong."""

    def __init__(
        self,
        faults: FaultInjector,
        client_calls: ClientCalls,
        network: Network,
        *,
        account_id: str,
        instant: Callable[[], int],
        new_id: Callable[[], str],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._faults = faults
        self._client_calls = client_calls
        self._network = network
        self._account_id = account_id
        self._instant = instant
        self._new_id = new_id
        self._failed = on_error

    def install(self, patches: Patches) -> None:
        """Begin."""
        original = BotocoreStubber.process_request

        def process_request(stubber: Any, request: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            exchange = self._client_calls.current
            if exchange is None or exchange.service == "lambda":
                return original(stubber, request)
            effect = self._effect(exchange, request)
            if isinstance(effect, NetworkFault):
                return self._network.carry(effect, request.url, lambda: original(stubber, request))
            if isinstance(effect, AwsError):
                return error_answer(exchange.service_model, effect, self._new_id(), has_body=request.method != "HEAD")
            return original(stubber, request)

        patches.set(BotocoreStubber, "process_request", process_request)

    def _effect(self, exchange: ClientCall, request: Any) -> Effect | None:
        __tracebackhide__ = is_for_the_author
        try:
            return self._faults.on_call(self._call(exchange, request))
        except BaseException as error:
            self._failed(error)
            raise

    def _call(self, exchange: ClientCall, request: Any) -> IncomingCall:
        attempt = _text(request.headers.get("amz-sdk-request")).partition("attempt=")[2].partition(";")[0]
        return IncomingCall(
            operation=f"{exchange.service}.{exchange.operation}",
            params=exchange.params,
            account_id=self._account_id,
            region=exchange.region,
            instant=self._instant(),
            attempt=int(attempt) if attempt.isdigit() else 1,
            logical_id=_text(request.headers.get("amz-sdk-invocation-id")),
        )


def _text(header: Any) -> str:
    return header.decode() if isinstance(header, bytes) else str(header or "")
