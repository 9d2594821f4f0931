"""How long a client waits for the answer of a synchronous invocation.

A client gives up after its read timeout, 60 seconds unless its Config says otherwise, and botocore tries again: a
function that takes longer runs several times, in production as here. Seen with botocore 1.36, 1.43.117 and 1.44.5.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from botocore.exceptions import ReadTimeoutError

from pytest_lambda_esm.config import microseconds
from pytest_lambda_esm.invocation.caller_time import CallerTime
from pytest_lambda_esm.moto_bridge.exchanges import Exchanges


class ClientTime:
    """A caller's time, as far as its client has patience."""

    def __init__(self, time: CallerTime, exchanges: Exchanges) -> None:
        self._time = time
        self._exchanges = exchanges

    def now(self) -> int:
        """The caller's time in microseconds since the epoch."""
        return self._time.now()

    def wait_until(self, instant: int) -> None:
        """Let the caller's time come to an instant. Raises botocore's ReadTimeoutError where the client gives up."""
        __tracebackhide__ = True
        exchange = self._exchanges.current
        if exchange is None or exchange.read_timeout is None:
            self._time.wait_until(instant)
            return
        patience = self.now() + microseconds(exchange.read_timeout)
        self._time.wait_until(min(instant, patience))
        if instant > patience:
            raise ReadTimeoutError(endpoint_url=f"https://lambda.{exchange.region}.amazonaws.com/")

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """While a handler runs, nothing else moves time."""
        return self._time.occupied(about)

    def depth(self) -> int:
        """How many invocations, each caused by the one before, led to the caller."""
        return self._time.depth()
