"""Who runs at the same virtual time: the account's limit, and what is reserved for a function.

It follows the page "Understanding Lambda function scaling": reserved concurrency is both the most that a function may
use and a part of the account's limit that no other function can use; at least 100 always stay unreserved.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FunctionKey = tuple[str, str, str]
"""Account, region, name."""

ACCOUNT_LIMIT: Final = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT: Final = "ReservedFunctionConcurrentInvocationLimitExceeded"
ALWAYS_UNRESERVED: Final = 100


@dataclass(slots=True)
class Pool:
    """The invocations that share a limit: those whose end is known, as (end, start), and those that run now."""

    ended: list[tuple[int, int]] = field(default_factory=list)
    running: int = 0
    latest_start: int = 0

    def in_use(self, at: int, now: int) -> int:
        """How many go on at an instant, which is now or, within a handler, later."""
        ended = self.ended
        while ended and ended[0][0] <= now:
            heapq.heappop(ended)
        if at == now >= self.latest_start:
            return self.running + len(ended)
        return self.running + sum(start <= at < end for end, start in ended)

    def leave(self, start: int, end: int) -> None:
        """The handler of an invocation that was admitted has run; its place is taken until ``end``."""
        self.running -= 1
        if end > start:
            heapq.heappush(self.ended, (end, start))
            self.latest_start = max(self.latest_start, start)


class Concurrency:
    """Admits invocations. ``account_limit`` holds for each account and region.

    ``reserved_total(account_id, region)`` is how much of it is reserved for functions.
    """

    def __init__(self, account_limit: int, reserved_total: Callable[[str, str], int]) -> None:
        self._account_limit = account_limit
        self._reserved_total = reserved_total
        self._pools: dict[tuple[str, ...], Pool] = {}

    def admit(self, key: FunctionKey, reserved: int | None, at: int, now: int) -> Pool | str:
        """Whom an invocation that begins at an instant has to leave at its end, or AWS's reason why it cannot begin."""
        name: tuple[str, ...] = key if reserved is not None else key[:2]
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = Pool()
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
