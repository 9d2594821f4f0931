"""Times two ways of doing the same thing, in turns, and compares the fastest sample of each.

Absolute times depend on the machine, and other load on it makes samples slower, never faster. So the samples are
seconds of processor time, they are taken in turns, and the ratio is that of the fastest ones. Each sample is a function
that does its own set-up and returns the seconds to count.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Sample = Callable[[], float]

LONGEST: Final = 1.3
"""The real seconds after which no further round of a row begins: all rows together take about three minutes."""


class Stopwatch:
    """Seconds of a ``with`` block in which this process had a processor.

    The clock is kept in a class attribute because a frozen wall clock replaces what modules hold. The set-up's garbage
    is collected first.
    """

    _read = staticmethod(time.process_time)

    def __enter__(self) -> Stopwatch:
        gc.collect()
        self._started = self._read()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.seconds = self._read() - self._started


def process_seconds(command: Sequence[str], folder: str) -> float:
    """Run a command, and return the seconds for which it and its children had a processor.

    Python may keep the bytecode that it compiles, as it does for users.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": os.path.join(folder, "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        raise SystemExit(f"{command} failed:\n{run.stdout}{run.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pytest_command(*arguments: str) -> list[str]:
    """Return the command for a run of pytest with few other plugins, whose noise would hide what is measured."""
    others = ("cacheprovider", "hypothesispytest", "pytest_cov", "randomly", "xdist", "xdist.looponfail")
    blocked = [argument for name in others for argument in ("-p", f"no:{name}")]
    return [sys.executable, "-m", "pytest", "-q", *blocked, *arguments]


Unit = Literal["seconds", "bytes"]


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a row: at most this ratio, this value, or this much more than theirs."""

    of: Literal["ratio", "value", "added"]
    at_most: float

    def shown(self, unit: Unit) -> str:
        if self.of == "ratio":
            return f"{self.at_most:.2f} x"
        return ("+" if self.of == "added" else "") + quantity(self.at_most, unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One row before it is measured. ``units`` is how many things a sample handles, for a rate.

    ``rounds`` is how many samples of each side are taken at most, and ``fewest`` how many are taken however long they
    take. ``unit`` is what the samples return.
    """

    what: str
    ours: Sample
    against: str
    other: Sample
    rounds: int
    fewest: int = 2
    goal: Goal | None = None
    units: int = 1
    unit: Unit = "seconds"


@dataclass(frozen=True, slots=True)
class Measured:
    """One row: the smallest samples."""

    what: str
    against: str
    ours: float
    theirs: float
    goal: str
    reached: bool | None
    rate: float | None
    unit: Unit

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs if self.theirs else float("inf")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Measured:
        return cls(**values)


def measure(comparison: Comparison) -> Measured:
    """Take samples of each side in turns; the side that begins alternates.

    The first ones pay for imports and caches, and so are never the smallest, except of a row with long samples.
    """
    samples: tuple[list[float], list[float]] = ([], [])
    sides = [(comparison.ours, samples[0]), (comparison.other, samples[1])]
    end = time.perf_counter() + LONGEST
    for number in range(comparison.rounds):
        if number >= comparison.fewest and time.perf_counter() > end:
            break
        for sample, values in sides:
            values.append(sample())
        sides.reverse()
    ours, theirs = min(samples[0]), min(samples[1])
    goal, reached = comparison.goal, None
    if goal is not None:
        compared = {"ratio": ours / theirs, "value": ours, "added": ours - theirs}
        reached = compared[goal.of] <= goal.at_most
    return Measured(
        what=comparison.what,
        against=comparison.against,
        ours=ours,
        theirs=theirs,
        goal=goal.shown(comparison.unit) if goal is not None else "",
        reached=reached,
        rate=comparison.units / ours if comparison.units > 1 else None,
        unit=comparison.unit,
    )


def quantity(value: float, unit: Unit = "seconds") -> str:
    """Format a time span or a size for people: 1.23 s, 4.56 ms, 7.89 us, or 1.23 kB."""
    if unit == "bytes":
        return f"{value / 1e3:.2f} kB"
    for name, factor in (("s", 1.0), ("ms", 1e3)):
        if abs(value) * factor >= 1:
            return f"{value * factor:.2f} {name}"
    return f"{value * 1e6:.1f} us"


_COLUMNS = "{:<38} {:>9}  {:<26} {:>9} {:>8}  {:>9} {:<4} {:>9}"
HEADER = _COLUMNS.format("what", "ours", "against", "theirs", "ratio", "goal", "met", "a second")


def line(measured: Measured) -> str:
    """One row of the table."""
    return _COLUMNS.format(
        measured.what,
        quantity(measured.ours, measured.unit),
        measured.against,
        quantity(measured.theirs, measured.unit),
        f"{measured.ratio:.2f} x",
        measured.goal,
        {True: "yes", False: "NO", None: ""}[measured.reached],
        f"{measured.rate:,.0f}" if measured.rate is not None else "",
    ).rstrip()
