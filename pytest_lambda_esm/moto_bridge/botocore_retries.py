"""botocore's retries on virtual time: their delays, jitter and quotas.

Most delays are ``time.sleep`` (``botocore.endpoint`` in legacy and standard mode, ``botocore.waiter``) and need nothing
here. Three things do:

* Adaptive mode waits on a ``Condition``, in real time, for tokens that a bucket gains as ``time.time()`` advances. With
  a clock that stands still it would wait forever.
* Its rate limiter stores times. For a client created today and used on an earlier, virtual date, the bucket would owe
  tokens for the years between.
* ``RetryHandler`` stores the function it sleeps with, in every client created before.

Seen in botocore 1.36.26, 1.43.117 and 1.44.5: ``TokenBucket._acquire``, ``_refill``, ``_sleep_amount``, ``_lock``,
``_clock``, ``_current_capacity``, ``_last_timestamp``; ``RateClocker.record``, ``_last_bucket``;
``CubicCalculator.success_received``, ``_last_fail``; ``RetryQuota.acquire``, ``_max_capacity``,
``_available_capacity``. Seen in 1.43.117 and 1.44.5: ``RetryHandler.__init__(sleep=...)``, stored as ``_sleep``.
"""

from __future__ import annotations

import inspect
import random
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

from botocore import retryhandler
from botocore.exceptions import CapacityNotAvailableError
from botocore.retries import adaptive, bucket, standard, throttling
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from pytest_lambda_esm.patching import Patches, original_of

_STORED_TIMES: Final[tuple[tuple[type, tuple[str, ...], str, float | None], ...]] = (
    (bucket.TokenBucket, ("_refill",), "_last_timestamp", None),
    (adaptive.RateClocker, ("record",), "_last_bucket", 0),
    (throttling.CubicCalculator, ("success_received", "error_received"), "_last_fail", 0),
)
"""A class of the rate limiter, the methods that calculate with a stored time, its attribute, and its initial value."""
_HANDLER_STORES_SLEEP: Final = "sleep" in inspect.signature(standard.RetryHandler.__init__).parameters


class BackoffPatch:
    """Routes the delays of botocore's retries through ``sleep`` (seconds), in all modes and for all clients.

    ``sleep`` may run other code, which may use the same client.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._limiters: weakref.WeakKeyDictionary[Any, tuple[str, float | None]] = weakref.WeakKeyDictionary()

    def install(self, patches: Patches) -> None:
        """Start, for clients created before as well."""
        patches.then(self._forget_virtual_times)
        for owner, methods, attribute, initial in _STORED_TIMES:
            for method in methods:
                self.forget_future(patches, owner, method, attribute, initial)
        patches.set(bucket.TokenBucket, "_acquire", _acquire_through(self._sleep))
        if _HANDLER_STORES_SLEEP:
            patches.set(standard.RetryHandler, "_sleep", _sleep_property(self._sleep))

    def forget_future(self, patches: Patches, owner: type, method: str, attribute: str, initial: float | None) -> None:
        """Have a method that calculates with a stored time first reset one that lies in the future."""
        patches.set(owner, method, self._forgetting_future(original_of(owner, method), attribute, initial))

    def _forget_virtual_times(self) -> None:
        """Reset the rate limiters in use: virtual times may lie in the future."""
        for limiter, (attribute, initial) in self._limiters.items():
            setattr(limiter, attribute, initial)
        self._limiters.clear()

    def _forgetting_future(self, method: Any, attribute: str, initial: float | None) -> Any:
        """Wrap a method that calculates with a stored time, so that it first resets one that lies in the future."""

        def calculate(limiter: Any, *args: Any, **kwargs: Any) -> Any:
            self._limiters[limiter] = (attribute, initial)
            stored = getattr(limiter, attribute)
            if stored is not None and stored > time.time():
                setattr(limiter, attribute, initial)
            return method(limiter, *args, **kwargs)

        return calculate


def _acquire_through(sleep: Callable[[float], None]) -> Callable[[Any, float, bool], bool]:
    """Return a ``TokenBucket._acquire`` that waits by sleeping, once."""

    def acquire(tokens: Any, amount: float, block: bool) -> bool:
        tokens._refill()
        if amount > tokens._current_capacity:
            if not block:
                raise CapacityNotAvailableError()
            seconds = tokens._sleep_amount(amount)
            # acquire() holds this lock, which is not reentrant, and code that runs meanwhile may use the same client.
            tokens._lock.release()
            try:
                sleep(seconds)
            finally:
                tokens._lock.acquire()
            tokens._refill()
            # The wait counts in full, even if the wall clock moved by a microsecond less or not at all.
            tokens._current_capacity = max(tokens._current_capacity, amount)
        tokens._current_capacity -= amount
        return True

    return acquire


def _sleep_property(sleep: Callable[[float], None]) -> property:
    """Return a ``RetryHandler._sleep`` that is virtual for each handler that was not given another function."""

    def get(handler: Any) -> Callable[[float], None]:
        own: Callable[[float], None] = vars(handler)["_sleep"]
        return sleep if (own.__module__, own.__name__) == ("time", "sleep") else own

    def store(handler: Any, own: Callable[[float], None]) -> None:
        vars(handler)["_sleep"] = own

    return property(get, store)


class RetryQuotas:
    """The retry quotas of the clients in use. After :meth:`refill` each client starts with a full quota."""

    def __init__(self) -> None:
        self._used: weakref.WeakSet[Any] = weakref.WeakSet()

    def install(self, patches: Patches) -> None:
        """Record the quotas that clients use from now on."""
        original = original_of(RetryQuota, "acquire")

        def acquire(quota: Any, *args: Any, **kwargs: Any) -> Any:
            self._used.add(quota)
            return original(quota, *args, **kwargs)

        patches.set(RetryQuota, "acquire", acquire)

    def refill(self) -> None:
        """Restore each of them to its full capacity."""
        for quota in list(self._used):
            quota._available_capacity = quota._max_capacity


def install_jitter(patches: Patches, seed: int) -> None:
    """Draw the backoff jitter of all clients from the seed, also of those created before."""
    seeded = random.Random(f"backoff {seed}")
    patches.set(retryhandler, "random", seeded)

    def get(backoff: Any) -> Callable[[], float]:
        own: Callable[[], float] = vars(backoff)["_random"]
        return seeded.random if getattr(own, "__name__", "") == "random" else own

    def store(backoff: Any, own: Callable[[], float]) -> None:
        vars(backoff)["_random"] = own

    patches.set(ExponentialBackoff, "_random", property(get, store))
