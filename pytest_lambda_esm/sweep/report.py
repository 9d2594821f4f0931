"""What a sweep has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_lambda_esm.faults.effects import ErrorGiven

_MOST_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Target:
    """A call to strike, and with what.

    ``position`` is its place among all calls, ``number`` among those of its operation, from 1; ``after`` is what a
    fault lets pass before it, calls or attempts as ``per`` says.
    """

    position: int
    operation: str
    number: int
    after: int
    error: ErrorGiven
    per: str

    def __str__(self) -> str:
        return f"{self.operation}, call {self.number} of this operation: {self.error}"

    @property
    def marker(self) -> str:
        """The line that has the same fault strike in a test of its own."""
        after = f", after={self.after}" if self.after else ""
        per = f", per={self.per!r}" if self.per != "attempt" else ""
        return f"@pytest.mark.lambda_esm_fault({self.operation!r}, {self.error!r}{after}{per})"


@dataclass(frozen=True, slots=True)
class Broken:
    """A world in which the body broke: its number, its fault, and the error with the body's line."""

    world: int
    target: Target
    kind: str
    text: str
    place: str


@dataclass(slots=True)
class SweepOutcome:
    """What has come of a sweep so far.

    ``survived`` counts the worlds in which the fault struck and the body ended as if nothing was; ``skipped`` the pairs
    of a call and an error that it cannot raise, ``at_no_call`` are the errors that no call can raise; ``difference`` is
    where a world's calls were not those of the first world.
    """

    worlds: int = 0
    skipped: int = 0
    survived: int = 0
    broken: list[Broken] = field(default_factory=list)
    at_no_call: Sequence[ErrorGiven] = ()
    difference: str | None = None


def report(outcome: SweepOutcome) -> str:
    """The report; its first line says how it went."""
    lines = [_summary(outcome)]
    for each in outcome.broken:
        lines.append(f"  world {each.world}: {each.target}")
        said = f"{each.kind}: {each.text}".splitlines()[:_MOST_LINES]
        lines += [f"    {line}" for line in said]
        if each.place:
            lines.append(f"    at {each.place}")
        lines.append(f"    replay it alone, with this line above the test: {each.target.marker}")
    if outcome.difference is not None:
        lines.append(f"  not deterministic: {outcome.difference}")
        lines.append("    A sweep counts calls, so the body has to make the same calls each time: fix random names.")
    return "\n".join(lines)


def _summary(outcome: SweepOutcome) -> str:
    parts = [f"sweep: {outcome.worlds} worlds, {len(outcome.broken) or 'none'} broke"]
    if outcome.survived:
        parts.append(f"in {outcome.survived} the fault struck and the body went on to its end")
    if outcome.skipped:
        parts.append(f"{outcome.skipped} pairs left out, of errors which the operation cannot raise")
    if outcome.at_no_call:
        parts.append(f"no call can raise {', '.join(str(error) for error in outcome.at_no_call)}")
    return "; ".join(parts)
