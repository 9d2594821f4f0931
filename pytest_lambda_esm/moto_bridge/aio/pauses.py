"""The pauses of aiobotocore's retries and waiters on virtual time.

* ``asyncio.sleep`` in the modules ``endpoint``, ``waiter`` and ``retries.standard``, under the name ``asyncio`` there.
* ``AnyioEndpoint._sleep`` and ``AnyioWaiter._sleep``, which clients with httpx use.
* ``AioRetryHandler._sleep``: the function that a handler was created with.
* ``AsyncTokenBucket._acquire``, which in adaptive mode waits in real time for tokens that virtual time brings.

Seen with aiobotocore 2.25.1, 3.8.0, 3.9.2 and 3.10.0. The classes for httpx and ``_sleep`` exist since 3.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiobotocore.endpoint
import aiobotocore.waiter
from aiobotocore.retries import bucket, standard
from botocore.exceptions import CapacityNotAvailableError

from pytest_lambda_esm.clock.event_loops import is_virtual
from pytest_lambda_esm.moto_bridge.botocore_retries import BackoffPatch
from pytest_lambda_esm.patching import Patches

Pause = Callable[[float], Awaitable[None]]
"""Pauses the calling task for some seconds."""

_PAUSING: Final = (aiobotocore.endpoint, aiobotocore.waiter, standard)
"""The modules that pause with ``asyncio.sleep``."""

_PAUSING_WITH_HTTPX: Final = ((aiobotocore.endpoint, "AnyioEndpoint"), (aiobotocore.waiter, "AnyioWaiter"))
"""The classes that pause with ``anyio.sleep`` in a method ``_sleep``."""


def install(patches: Patches, backoff: BackoffPatch, sleep: Callable[[float], None] | None) -> None:
    """Call ``sleep`` (seconds) in each pause of each client; None for real pauses."""
    pause = asyncio.sleep if sleep is None else virtual(sleep)
    if sleep is not None:
        for module in _PAUSING:
            if "asyncio" in vars(module):
                patches.set(module, "asyncio", _Asyncio(pause))
        for module, name in _PAUSING_WITH_HTTPX:
            if hasattr(module, name):
                patches.set(getattr(module, name), "_sleep", lambda client, seconds: pause(seconds))
        patches.set(standard.AioRetryHandler, "_sleep", _stored_pause(pause))
    backoff.forget_future(patches, bucket.AsyncTokenBucket, "_refill", "_last_timestamp", None)
    patches.set(bucket.AsyncTokenBucket, "_acquire", _acquire_through(pause))


def virtual(sleep: Callable[[float], None]) -> Pause:
    """Return a pause that lets virtual time pass at once.

    ``asyncio.sleep`` is called instead where it is the test's own, or is virtual itself.
    """

    async def pause(seconds: float) -> None:
        __tracebackhide__ = True
        is_own = getattr(asyncio.sleep, "__globals__", None) is not vars(asyncio.tasks)
        if is_own or is_virtual(asyncio.get_running_loop()):
            await asyncio.sleep(seconds)
            return
        if seconds > 0:
            sleep(seconds)
        await asyncio.sleep(0)  # Other tasks run while one pauses.

    return pause


class _Asyncio:
    """The module ``asyncio``, with another ``sleep``."""

    def __init__(self, pause: Pause) -> None:
        self.sleep = pause

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


def _stored_pause(pause: Pause) -> property:
    """Return an ``AioRetryHandler._sleep`` that is virtual for each handler that was not given another function."""

    def get(handler: Any) -> Any:
        own = vars(handler)["_sleep"]
        return pause if own.__module__.partition(".")[0] in ("asyncio", "anyio") else own

    def store(handler: Any, own: Any) -> None:
        vars(handler)["_sleep"] = own

    return property(get, store)


def _acquire_through(pause: Pause) -> Callable[[Any, float, bool], Awaitable[bool]]:
    """Return an ``AsyncTokenBucket._acquire`` that waits by pausing, once."""

    async def acquire(tokens: Any, amount: float, block: bool) -> bool:
        tokens._refill()
        if amount > tokens._current_capacity:
            if not block:
                raise CapacityNotAvailableError()
            # acquire() holds this lock, and other tasks may use the same client meanwhile.
            tokens._new_fill_rate_condition.release()
            try:
                await pause(tokens._sleep_amount(amount))
            finally:
                await tokens._new_fill_rate_condition.acquire()
            tokens._refill()
            # The wait counts in full, even if the wall clock moved by a microsecond less or not at all.
            tokens._current_capacity = max(tokens._current_capacity, amount)
        tokens._current_capacity -= amount
        return True

    return acquire
