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
class _Pool:
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


class Place:
    """The place of one invocation among those that go on; give its end when it is known."""

    __slots__ = ("_pool",)

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        pool.running += 1

    def leave(self, start: int, end: int) -> None:
        """The handler has run; its place is taken until ``end``."""
        pool = self._pool
        pool.running -= 1
        if end > start:
            heapq.heappush(pool.ended, (end, start))
            pool.latest_start = max(pool.latest_start, start)


class Concurrency:
    """Admits invocations. ``account_limit`` holds for each account and region."""

    def __init__(self, account_limit: int) -> None:
        self._account_limit = account_limit
        self._pools: dict[tuple[str, ...], _Pool] = {}

    def admit(
        self, key: FunctionKey, reserved: int | None, at: int, now: int, reserved_total: Callable[[], int]
    ) -> Place | str:
        """A place for an invocation that begins at an instant, or AWS's reason why there is none."""
        name: tuple[str, ...] = key if reserved is not None else key[:2]
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = _Pool()
        in_use = pool.in_use(at, now)
        if reserved is not None:
            return Place(pool) if in_use < reserved else RESERVED_LIMIT
        if in_use < min(ALWAYS_UNRESERVED, self._account_limit):
            return Place(pool)
        shared = max(self._account_limit - reserved_total(), min(ALWAYS_UNRESERVED, self._account_limit))
        return Place(pool) if in_use < shared else ACCOUNT_LIMIT
