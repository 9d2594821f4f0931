"""Faults of services other than Lambda, where botocore hands a request over: its retries are its own.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BotocoreStubber.process_request``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from moto.core.botocore_stubber import BotocoreStubber

from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import AwsError, Effect, NetworkFault
from pytest_lambda_esm.moto_bridge.error_bodies import error_answer
from pytest_lambda_esm.moto_bridge.exchanges import Exchange, Exchanges
from pytest_lambda_esm.moto_bridge.network import Network
from pytest_lambda_esm.moto_bridge.patches import Patches


class Faults(Protocol):
    """Says what goes wrong with a call."""

    def on_call(self, call: IncomingCall) -> Effect | None:
        """What goes wrong, or None."""
        ...


class ServiceFaults:
    """Asks, for each request of a boto3 client to a service other than Lambda, whether something goes wrong."""

    def __init__(
        self,
        faults: Faults,
        exchanges: Exchanges,
        network: Network,
        *,
        account_id: str,
        instant: Callable[[], int],
        new_id: Callable[[], str],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._faults = faults
        self._exchanges = exchanges
        self._network = network
        self._account_id = account_id
        self._instant = instant
        self._new_id = new_id
        self._failed = failed

    def strike(self, patches: Patches) -> None:
        """Begin."""
        original = BotocoreStubber.process_request

        def process_request(stubber: Any, request: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            exchange = self._exchanges.current
            if exchange is None or exchange.service == "lambda":
                return original(stubber, request)
            effect = self._effect(exchange, request)
            if isinstance(effect, NetworkFault):
                return self._network.carry(effect, request.url, lambda: original(stubber, request))
            if isinstance(effect, AwsError):
                return error_answer(exchange.service_model, effect, self._new_id(), has_body=request.method != "HEAD")
            return original(stubber, request)

        patches.set(BotocoreStubber, "process_request", process_request)

    def _effect(self, exchange: Exchange, request: Any) -> Effect | None:
        __tracebackhide__ = is_for_the_author
        try:
            return self._faults.on_call(self._call(exchange, request))
        except BaseException as error:
            self._failed(error)
            raise

    def _call(self, exchange: Exchange, request: Any) -> IncomingCall:
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
