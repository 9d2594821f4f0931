"""The network between a client and AWS, when it is in trouble.

Exceptions are those that botocore's own HTTP session raises, so that its retry handlers see what they would see; the
time that a client waits is virtual. Seen with botocore 1.36.26, 1.43.117 and 1.44.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from pytest_lambda_esm.config import MICROSECONDS
from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.faults.effects import CONNECT_TIMEOUT, CONNECTION_RESET, LATENCY, NetworkFault
from pytest_lambda_esm.moto_bridge.exchanges import Exchange, Exchanges

NETWORK_ERRORS: Final = (ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError)
"""What a network fault raises."""

_BOTOCORES_DEFAULT_TIMEOUT: Final = 60.0

Answer = TypeVar("Answer")


class Network:
    """Carries requests through trouble.

    ``wait`` lets virtual seconds pass for whoever is calling, ``now`` is the caller's time in microseconds.
    """

    def __init__(self, exchanges: Exchanges, wait: Callable[[float], None], now: Callable[[], int]) -> None:
        self._exchanges = exchanges
        self._wait = wait
        self._now = now

    def carry(self, fault: NetworkFault, url: str, perform: Callable[[], Answer]) -> Answer:
        """Send a request into trouble: the answer that arrives, late perhaps.

        Raises botocore's exception where none arrives, and FaultError where the client would wait for ever.
        """
        exchange = self._exchanges.current
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


def _is_too_late(exchange: Exchange | None, seconds: float) -> bool:
    timeout = _BOTOCORES_DEFAULT_TIMEOUT if exchange is None else exchange.read_timeout
    return timeout is not None and seconds > timeout


def _timeout(exchange: Exchange | None, fault: NetworkFault, name: str) -> float:
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
