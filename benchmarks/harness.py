"""Times two ways of doing the same thing, in turns in one process, and compares their medians.

Absolute times depend on the machine and its other load; a ratio of two medians that were taken in turns hardly does.
Each sample is a function that does its own set-up and returns the seconds to count.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Literal

Sample = Callable[[], float]


class Stopwatch:
    """Real seconds of a ``with`` block.

    The clock is kept in a class attribute because a frozen wall clock replaces what modules hold. The set-up's garbage
    is collected first.
    """

    _read = staticmethod(time.perf_counter)

    def __enter__(self) -> Stopwatch:
        gc.collect()
        self._started = self._read()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.seconds = self._read() - self._started


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a row: at most this ratio, these seconds, or these seconds more than theirs."""

    of: Literal["ratio", "seconds", "added seconds"]
    at_most: float

    def __str__(self) -> str:
        if self.of == "ratio":
            return f"{self.at_most:.2f} x"
        plus = "+" if self.of == "added seconds" else ""
        return plus + duration(self.at_most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One row before it is measured. ``units`` is how many things a sample handles, for a rate."""

    what: str
    ours: Sample
    against: str
    other: Sample
    rounds: int
    goal: Goal | None = None
    units: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One row: the medians in seconds, and what one side adds to the other.

    The addition is the difference between the fastest samples. It is small compared with the whole, and other load on
    the machine only makes samples slower: between medians, that noise would exceed the difference.
    """

    comparison: Comparison
    ours: float
    other: float
    added: float

    @property
    def ratio(self) -> float:
        return self.ours / self.other

    @property
    def reached(self) -> bool | None:
        goal = self.comparison.goal
        if goal is None:
            return None
        return {"ratio": self.ratio, "seconds": self.ours, "added seconds": self.added}[goal.of] <= goal.at_most


def measure(comparison: Comparison) -> Measured:
    """Take ``rounds`` samples of each side in turns; the side that begins alternates."""
    # The first time pays for imports and caches.
    comparison.ours()
    comparison.other()
    ours: list[float] = []
    other: list[float] = []
    sides = [(comparison.ours, ours), (comparison.other, other)]
    for _ in range(comparison.rounds):
        for sample, seconds in sides:
            seconds.append(sample())
        sides.reverse()
    return Measured(comparison, median(ours), median(other), min(ours) - min(other))


def duration(seconds: float) -> str:
    """Format a time span for people: 1.23 s, 4.56 ms or 7.89 us."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if abs(seconds) * factor >= 1:
            return f"{seconds * factor:.2f} {unit}"
    return f"{seconds * 1e6:.1f} us"


_COLUMNS = "{:<38} {:>9}  {:<26} {:>9} {:>8}  {:>9} {:<4} {:>9}"
HEADER = _COLUMNS.format("what", "ours", "against", "theirs", "ratio", "goal", "met", "a second")


def line(measured: Measured) -> str:
    """One row of the table."""
    row = measured.comparison
    return _COLUMNS.format(
        row.what,
        duration(measured.ours),
        row.against,
        duration(measured.other),
        f"{measured.ratio:.2f} x",
        str(row.goal or ""),
        {True: "yes", False: "NO", None: ""}[measured.reached],
        f"{row.units / measured.ours:,.0f}" if row.units > 1 else "",
    ).rstrip()
