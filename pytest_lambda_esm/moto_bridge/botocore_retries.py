"""botocore's waiting before a retry, on virtual time.

Most of it is ``time.sleep`` (``botocore.endpoint`` in legacy and standard mode, ``botocore.waiter``) and
needs nothing here. Three things do:

* adaptive mode waits on a ``Condition``, in real time, for tokens that a bucket gets as ``time.time()``
moves. With
  a clock that stands still it waits for ever.
* its rate limiter keeps times. Of a client made today and used on an earlier, virtual date, the bucket owes
tokens
  for the years between.
* ``RetryHandler`` keeps the function it sleeps with, in every client made before.

Seen in botocore 1.36.26, 1.43.117 and 1.44.5: ``TokenBucket._acquire``, ``_refill``, ``_sleep_amount``,
``_lock``, ``_clock``, ``_current_capacity``, ``_last_timestamp``; ``RateClocker.record``, ``_last_bucket``;
``CubicCalculator.success_received``, ``_last_fail``. Seen in 1.43.117 and 1.44.5:
``RetryHandler.__init__(sleep=...)``, kept as ``_sleep``.
"""

from __future__ import annotations

import inspect
import random
import time
import weakref
from collections.abc import Callable
from typing import Any

from botocore import retryhandler
from botocore.exceptions import CapacityNotAvailableError
from botocore.retries import adaptive, bucket, standard, throttling
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from pytest_lambda_esm.patching import Patches

# Where a rate limiter keeps a time, the methods that reckon from it, and a value for "long ago, start anew".
_KEPT_TIMES: tuple[tuple[type, tuple[str, ...], str, float | None], ...] = (
    (bucket.TokenBucket, ("_refill",), "_last_timestamp", None),
    (adaptive.RateClocker, ("record",), "_last_bucket", 0),
    (throttling.CubicCalculator, ("success_received", "error_received"), "_last_fail", 0),
)


class BackoffPatch:
    """Lets botocore's retries wait through ``sleep`` (seconds): adaptive mode, and clients made before, too.

    ``sleep`` may run other code, which may use the same client.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._limiters: weakref.WeakKeyDictionary[Any, tuple[str, float | None]] = weakref.WeakKeyDictionary()

    def install(self, patches: Patches) -> None:
        """Begin; for all clients, whenever they were made."""
        patches.then(self._forget_virtual_times)
        for owner, methods, attribute, long_ago in _KEPT_TIMES:
            for method in methods:
                patches.set(owner, method, self._never_back(getattr(owner, method), attribute, long_ago))
        patches.set(bucket.TokenBucket, "_acquire", _acquire_through(self._sleep))
        if "sleep" in inspect.signature(standard.RetryHandler.__init__).parameters:
            patches.set(standard.RetryHandler, "_sleep", _sleep_property(self._sleep))

    def _forget_virtual_times(self) -> None:
        """Reset the rate limiters in use: virtual times may lie in the future."""
        for limiter, (attribute, long_ago) in self._limiters.items():
            setattr(limiter, attribute, long_ago)
        self._limiters.clear()

    def _never_back(self, method: Any, attribute: str, long_ago: float | None) -> Any:
        """Wrap a method that reckons from a kept time: one that lies in the future is forgotten first."""

        def reckon(limiter: Any, *args: Any, **kwargs: Any) -> Any:
            self._limiters[limiter] = (attribute, long_ago)
            kept = getattr(limiter, attribute)
            if kept is not None and kept > time.time():
                setattr(limiter, attribute, long_ago)
            return method(limiter, *args, **kwargs)

        return reckon


def _acquire_through(sleep: Callable[[float], None]) -> Callable[[Any, float, bool], bool]:
    """Return a ``TokenBucket._acquire`` that waits by sleeping, once."""

    def acquire(tokens: Any, amount: float, block: bool) -> bool:
        tokens._refill()
        if amount > tokens._current_capacity:
            if not block:
                raise CapacityNotAvailableError()
            seconds = tokens._sleep_amount(amount)
            # Held by acquire(), and not reentrant: what runs during the nap may use the same client.
            tokens._lock.release()
            try:
                sleep(seconds)
            finally:
                tokens._lock.acquire()
            tokens._refill()
            # Waited is waited, also where the wall clock moved by a microsecond less or does not move at all.
            tokens._current_capacity = max(tokens._current_capacity, amount)
        tokens._current_capacity -= amount
        return True

    return acquire


def _sleep_property(sleep: Callable[[float], None]) -> property:
    """Return a ``RetryHandler._sleep`` that is virtual for each handler that was not given one of its own."""

    def get(handler: Any) -> Callable[[float], None]:
        own: Callable[[float], None] = vars(handler)["_sleep"]
        return sleep if (own.__module__, own.__name__) == ("time", "sleep") else own

    def keep(handler: Any, own: Callable[[float], None]) -> None:
        vars(handler)["_sleep"] = own

    return property(get, keep)


class RetryQuotas:
    """The retry quotas of the clients that are in use: a client made outside of a world does not bring its own past.

    Seen with botocore 1.36.26, 1.43.117 and 1.44.5: ``RetryQuota.acquire``, ``_max_capacity``,
    ``_available_capacity``.
    """

    def __init__(self) -> None:
        self._used: weakref.WeakSet[Any] = weakref.WeakSet()

    def install(self, patches: Patches) -> None:
        """Begin to note the quotas that are drawn on."""
        original = RetryQuota.acquire

        def acquire(quota: Any, *args: Any, **kwargs: Any) -> Any:
            self._used.add(quota)
            return original(quota, *args, **kwargs)

        patches.set(RetryQuota, "acquire", acquire)

    def refill(self) -> None:
        """Fill each of them up."""
        for quota in list(self._used):
            quota._available_capacity = quota._max_capacity


def install_jitter(patches: Patches, seed: int) -> None:
    """Let all clients, whenever they were made, draw their backoff from the seed."""
    seeded = random.Random(f"backoff {seed}")
    patches.set(retryhandler, "random", seeded)

    def get(backoff: Any) -> Callable[[], float]:
        own: Callable[[], float] = vars(backoff)["_random"]
        return seeded.random if getattr(own, "__name__", "") == "random" else own

    def keep(backoff: Any, own: Callable[[], float]) -> None:
        vars(backoff)["_random"] = own

    patches.set(ExponentialBackoff, "_random", property(get, keep))
