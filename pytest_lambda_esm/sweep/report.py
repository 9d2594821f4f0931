"""The report of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.faults.effects import ErrorGiven
from pytest_lambda_esm.faults.poller_steps import STEPS
from pytest_lambda_esm.faults.spec import marker_of
from pytest_lambda_esm.vocabulary import Per
from pytest_lambda_esm.wording import counted

_MOST_LINES: Final = 6
"""How many lines of an error's text are shown."""


@dataclass(frozen=True, slots=True)
class Target:
    """A call to strike, and the error to strike it with.

    ``position`` is its index among all calls, ``number`` its number among those of its operation, from 1. ``after`` is
    how many calls or attempts, as ``per`` says, a fault has to let through before it.
    """

    position: int
    operation: str
    number: int
    after: int
    error: ErrorGiven
    per: Per

    def __str__(self) -> str:
        if self.operation in STEPS:
            return f"{self.operation} {self.number}: {self.error}"
        return f"{self.operation}, call {self.number} of this operation: {self.error}"

    @property
    def marker(self) -> str:
        """The marker that adds the same fault to a test."""
        return marker_of(self.operation, self.error, self.after, self.per)


@dataclass(frozen=True, slots=True)
class Broken:
    """A world in which the body failed: its number, its faults, and the error with the line of the body."""

    world: int
    targets: Sequence[Target]
    error_type: str
    text: str
    place: str


@dataclass(slots=True)
class SweepOutcome:
    """The results of a sweep so far.

    ``survived`` counts the worlds in which the fault struck and the body still completed, ``skipped`` the pairs of a
    call and an error that it cannot raise. ``at_no_call`` are the errors that no call can raise. ``difference`` tells
    where the calls of a world first differed from those of the first world.
    """

    worlds: int = 0
    skipped: int = 0
    survived: int = 0
    broken: list[Broken] = field(default_factory=list)
    at_no_call: Sequence[ErrorGiven] = ()
    difference: str | None = None


def report(outcome: SweepOutcome) -> str:
    """Return the report; its first line is a summary."""
    lines = [_summary(outcome)]
    for each in outcome.broken:
        lines.append(f"  world {each.world}: {' and '.join(map(str, each.targets))}")
        lines += [f"    {line}" for line in f"{each.error_type}: {each.text}".splitlines()[:_MOST_LINES]]
        if each.place:
            lines.append(f"    at {each.place}")
        if len(each.targets) == 1:
            lines.append(f"    replay it alone, with this line above the test: {each.targets[0].marker}")
        else:
            lines.append("    replay it alone, with these lines above the test:")
            lines += [f"    {target.marker}" for target in each.targets]
    if outcome.difference is not None:
        lines.append(f"  not deterministic: {outcome.difference}")
        lines.append("    A sweep counts calls, so the body has to make the same calls each time: avoid random names.")
    return printable("\n".join(lines))


def _summary(outcome: SweepOutcome) -> str:
    parts = [f"sweep: {counted(outcome.worlds, 'world')}, {len(outcome.broken) or 'none'} broke"]
    if outcome.survived:
        parts.append(f"in {outcome.survived} the fault struck and the body completed")
    if outcome.skipped:
        parts.append(f"{counted(outcome.skipped, 'pair')} skipped because the operation cannot raise the error")
    if outcome.at_no_call:
        parts.append(f"no call can raise {', '.join(str(error) for error in outcome.at_no_call)}")
    return "; ".join(parts)
