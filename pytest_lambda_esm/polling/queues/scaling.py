"""How many batches of a queue a mapping may have in flight at a time.

Follows the page "Configuring scaling behavior for SQS event source mappings". A mapping starts with five batches and
adds up to 300 a minute (60 in 2020) while messages wait, up to 1,250 (1,000 in 2020) or its MaximumConcurrency. With
provisioned pollers it starts with ten batches for each of MinimumPollers, and stops at ten for each of MaximumPollers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.timing import MICROSECONDS

MINUTE: Final = 60 * MICROSECONDS
BATCHES_PER_POLLER: Final = 10
PROVISIONED_GROWTH: Final = 1_000
PROVISIONED_MINIMUM: Final = 2
PROVISIONED_MAXIMUM: Final = 200
LOWEST: Final = 2


class Scaling:
    """The concurrency of one mapping: it grows while messages wait, and shrinks after errors.

    Instants are in microseconds since the epoch.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._level = bounds.initial
        self._growing_since: int | None = None

    def set_bounds(self, bounds: Bounds, now: int) -> None:
        """Apply changed settings of the mapping."""
        if bounds != self._bounds:
            level = self.capacity(now)
            self._bounds = bounds
            self._level = max(min(level, bounds.maximum), bounds.least)
            self._growing_since = None

    def capacity(self, now: int) -> int:
        """Return how many batches may be in flight now."""
        if self._growing_since is None:
            return self._level
        grown = (now - self._growing_since) * self._bounds.growth // MINUTE
        return min(self._level + grown, self._bounds.maximum)

    def grow(self, now: int) -> int | None:
        """Start growing; return when one more batch may be in flight, or None at the maximum.

        Called while messages wait and all of the concurrency is in use.
        """
        if self._growing_since is None:
            self._growing_since = now
        grown = self.capacity(now) - self._level
        if self._level + grown >= self._bounds.maximum or self._bounds.growth == 0:
            return None
        return self._growing_since - (-(grown + 1) * MINUTE // self._bounds.growth)

    def stop_growing(self, now: int) -> None:
        """Keep the concurrency as it is now: no message waits for it."""
        self._level, self._growing_since = self.capacity(now), None

    def shrink(self, now: int) -> None:
        """Lower the concurrency after a failed batch. If it was growing, it grows on from there."""
        self._level = max(self.capacity(now) - self._bounds.lowered_by, self._bounds.least)
        if self._growing_since is not None:
            self._growing_since = now

    def reset(self) -> None:
        """Return to the initial concurrency: the queue is empty, and nothing is in flight."""
        self._level, self._growing_since = self._bounds.initial, None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRates:
    """Batches in flight: at the start, how many more per minute, at most, and how many fewer after a failed batch."""

    initial: int
    growth: int
    maximum: int
    lowered_by: int

    @classmethod
    def under(
        cls, limits: str, *, initial: int, growth: int | None, maximum: int | None, lowered_by: int
    ) -> ScalingRates:
        """Return rates; those given as None have the values of ``limits``, ``"current"`` or ``"2020"``."""
        default_growth, default_maximum = _DEFAULTS[limits]
        return cls(
            initial=initial,
            growth=default_growth if growth is None else growth,
            maximum=default_maximum if maximum is None else maximum,
            lowered_by=lowered_by,
        )


_DEFAULTS: Final = MappingProxyType({"current": (300, 1_250), "2020": (60, 1_000)})
"""Growth and maximum by the setting ``limits``."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The rates as one mapping's settings limit them. Errors never lower the concurrency below ``least``."""

    least: int
    initial: int
    maximum: int
    growth: int
    lowered_by: int


def bounds_of(settings: Mapping[str, Any], rates: ScalingRates) -> Bounds:
    """Return the bounds for a mapping's ScalingConfig and ProvisionedPollerConfig."""
    provisioned = settings.get("ProvisionedPollerConfig") or {}
    if provisioned:
        minimum = provisioned.get("MinimumPollers", PROVISIONED_MINIMUM)
        maximum = max(provisioned.get("MaximumPollers", PROVISIONED_MAXIMUM), minimum)
        initial = minimum * BATCHES_PER_POLLER
        return Bounds(initial, initial, maximum * BATCHES_PER_POLLER, PROVISIONED_GROWTH, rates.lowered_by)
    configured = (settings.get("ScalingConfig") or {}).get("MaximumConcurrency")
    maximum = rates.maximum if configured is None else min(configured, rates.maximum)
    initial = min(rates.initial, maximum)
    least = min(LOWEST, initial) if configured is None else initial
    return Bounds(least, initial, maximum, rates.growth, rates.lowered_by)
