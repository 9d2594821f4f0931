"""The chance in botocore's retry backoff, out of the fake's seed: the same test waits the same times, always.

Seen with botocore 1.36.26, 1.43.117 and 1.44.5: ``retryhandler.random`` (legacy mode), and
``ExponentialBackoff.__init__(random=...)``, kept as ``_random`` (standard and adaptive mode).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from botocore import retryhandler
from botocore.retries.standard import ExponentialBackoff

from pytest_lambda_esm.moto_bridge.patches import Patches


def seed_backoff(patches: Patches, seed: int) -> None:
    """Let all clients, whenever they were made, draw their backoff from the seed."""
    seeded = random.Random(f"backoff {seed}")
    patches.set(retryhandler, "random", seeded)

    def get(backoff: Any) -> Callable[[], float]:
        own: Callable[[], float] = vars(backoff)["_random"]
        return seeded.random if getattr(own, "__name__", "") == "random" else own

    def keep(backoff: Any, own: Callable[[], float]) -> None:
        vars(backoff)["_random"] = own

    patches.set(ExponentialBackoff, "_random", property(get, keep))
