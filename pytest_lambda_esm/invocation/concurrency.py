"""Concurrency at one virtual time: the account's limit, and the concurrency reserved for a function.

This follows the page "Understanding Lambda function scaling". Reserved concurrency is both the maximum for a function
and a share of the account's limit that no other function can use. At least 100 always stay unreserved.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pytest_lambda_esm.invocation.configuration import FunctionKey

ACCOUNT_LIMIT: Final = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT: Final = "ReservedFunctionConcurrentInvocationLimitExceeded"
ALWAYS_UNRESERVED: Final = 100


class Concurrency:
    """Admits invocations. ``account_limit`` applies to each account and region.

    ``reserved_total(account_id, region)`` returns the share of the limit that is reserved for functions.
    """

    def __init__(self, account_limit: int, reserved_total: Callable[[str, str], int]) -> None:
        self._account_limit = account_limit
        self._reserved_total = reserved_total
        self._pools: dict[tuple[str, ...], Pool] = {}

    def admit(self, key: FunctionKey, reserved: int | None, at: int, now: int) -> Pool | str:
        """Admit an invocation that begins at an instant.

        Returns the pool that it must leave at its end, or AWS's reason for a throttle.
        """
        pool_key: tuple[str, ...] = key if reserved is not None else key[:2]
        pool = self._pools.get(pool_key)
        if pool is None:
            pool = self._pools[pool_key] = Pool()
        in_use = pool.in_use(at, now)
        if reserved is not None:
            if in_use >= reserved:
                return RESERVED_LIMIT
        elif in_use >= min(ALWAYS_UNRESERVED, self._account_limit):
            unreserved = self._account_limit - self._reserved_total(key[0], key[1])
            if in_use >= max(unreserved, min(ALWAYS_UNRESERVED, self._account_limit)):
                return ACCOUNT_LIMIT
        pool.running += 1
        return pool


@dataclass(slots=True)
class Pool:
    """The invocations that share one limit.

    ``ended`` is a heap of (end, start): handlers that have run, but whose virtual end may lie in the future.
    ``running`` counts the handlers that run now.
    """

    ended: list[tuple[int, int]] = field(default_factory=list)
    running: int = 0
    latest_start: int = 0

    def in_use(self, at: int, now: int) -> int:
        """Return the concurrency at an instant: now or, within a handler, later."""
        ended = self.ended
        while ended and ended[0][0] <= now:
            heapq.heappop(ended)
        if at == now >= self.latest_start:
            return self.running + len(ended)
        return self.running + sum(start <= at < end for end, start in ended)

    def leave(self, start: int, end: int) -> None:
        """Record that the handler of an admitted invocation has run; it still counts until ``end``."""
        self.running -= 1
        if end > start:
            heapq.heappush(self.ended, (end, start))
            self.latest_start = max(self.latest_start, start)
