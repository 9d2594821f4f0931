"""How many batches of a queue a mapping may have in flight at a time.

It follows the page "Configuring scaling behavior for SQS event source mappings": a mapping begins with five, adds up
to 300 a minute while messages go on waiting (60 in 2020), and ends at 1,250 (1,000 in 2020) or at its
MaximumConcurrency. With provisioned pollers it begins with ten for each of the smallest number of pollers, and ends
with ten for each of the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.timing import MICROSECONDS

MINUTE: Final = 60 * MICROSECONDS
INVOCATIONS_A_POLLER: Final = 10
PROVISIONED_GROWTH: Final = 1_000
PROVISIONED_MINIMUM: Final = 2
PROVISIONED_MAXIMUM: Final = 200
LEAST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRates:
    """Batches in flight: at first, how many more a minute, at most, and how many fewer after a failed batch."""

    initial: int
    growth: int
    maximum: int
    lowered_by: int

    @classmethod
    def under(
        cls, limits: str, *, initial: int, growth: int | None, maximum: int | None, lowered_by: int
    ) -> ScalingRates:
        """The rates of a year, where None is given instead of a rate of one's own."""
        growth_then, maximum_then = _OF_THE_YEAR[limits]
        return cls(
            initial=initial,
            growth=growth_then if growth is None else growth,
            maximum=maximum_then if maximum is None else maximum,
            lowered_by=lowered_by,
        )


_OF_THE_YEAR: Final = MappingProxyType({"current": (300, 1_250), "2020": (60, 1_000)})
"""Growth and maximum by the setting ``limits``."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the settings of a mapping make of the rates; ``least`` is how far errors can lower it."""

    least: int
    initial: int
    maximum: int
    growth: int
    lowered_by: int


def bounds_of(settings: Mapping[str, Any], rates: ScalingRates) -> Bounds:
    """The bounds for a mapping's ScalingConfig and ProvisionedPollerConfig."""
    provisioned = settings.get("ProvisionedPollerConfig") or {}
    if provisioned:
        pollers = provisioned.get("MinimumPollers", PROVISIONED_MINIMUM)
        most = max(provisioned.get("MaximumPollers", PROVISIONED_MAXIMUM), pollers)
        first = pollers * INVOCATIONS_A_POLLER
        return Bounds(first, first, most * INVOCATIONS_A_POLLER, PROVISIONED_GROWTH, rates.lowered_by)
    most = (settings.get("ScalingConfig") or {}).get("MaximumConcurrency")
    maximum = rates.maximum if most is None else min(most, rates.maximum)
    initial = min(rates.initial, maximum)
    least = min(LEAST, initial) if most is None else initial
    return Bounds(least, initial, maximum, rates.growth, rates.lowered_by)


class Scaling:
    """The concurrency of one mapping: it grows while messages wait, and shrinks with errors. Instants are
    microseconds since the epoch."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._level = bounds.initial
        self._growing_since: int | None = None

    def rebind(self, bounds: Bounds, now: int) -> None:
        """The mapping's settings have changed."""
        if bounds != self._bounds:
            level = self.capacity(now)
            self._bounds = bounds
            self._level = max(min(level, bounds.maximum), bounds.least)
            self._growing_since = None

    def capacity(self, now: int) -> int:
        """How many batches may be in flight now."""
        if self._growing_since is None:
            return self._level
        grown = (now - self._growing_since) * self._bounds.growth // MINUTE
        return min(self._level + grown, self._bounds.maximum)

    def saturated(self, now: int) -> int | None:
        """All of it is in use and messages wait: it grows from now on. When the next one comes; None at the limit."""
        if self._growing_since is None:
            self._growing_since = now
        grown = self.capacity(now) - self._level
        if self._level + grown >= self._bounds.maximum or self._bounds.growth == 0:
            return None
        return self._growing_since - (-(grown + 1) * MINUTE // self._bounds.growth)

    def relieved(self, now: int) -> None:
        """Nothing waits for want of concurrency: it stays as it is."""
        self._level, self._growing_since = self.capacity(now), None

    def failed(self, now: int) -> None:
        """A batch failed: it shrinks a little, and grows again from there."""
        self._level = max(self.capacity(now) - self._bounds.lowered_by, self._bounds.least)
        if self._growing_since is not None:
            self._growing_since = now

    def rested(self) -> None:
        """The queue is empty and nothing is in flight: it begins anew."""
        self._level, self._growing_since = self._bounds.initial, None
