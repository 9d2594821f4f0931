"""What a sweep has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.faults.effects import ErrorGiven

_MOST_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Target:
    """A call to strike: its place among all calls, how many of its operation come before it, and with what."""

    position: int
    operation: str
    after: int
    error: ErrorGiven
    per: str

    def __str__(self) -> str:
        return f"{self.operation}, call {self.after + 1} of this operation: {self.error}"

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


def report(worlds: int, skipped: int, broken: Sequence[Broken], difference: str | None) -> str:
    """The report; its first line says how it went."""
    how = f"{len(broken)} broke" if broken else "none broke"
    left_out = f"; {skipped} pairs left out, of errors which the operation cannot raise" if skipped else ""
    lines = [f"sweep: {worlds} worlds, {how}{left_out}"]
    for each in broken:
        lines.append(f"  world {each.world}: {each.target}")
        said = f"{each.kind}: {each.text}".splitlines()[:_MOST_LINES]
        lines += [f"    {line}" for line in said]
        if each.place:
            lines.append(f"    at {each.place}")
        lines.append(f"    replay it alone, with this line above the test: {each.target.marker}")
    if difference is not None:
        lines.append(f"  not deterministic: {difference}")
        lines.append("    A sweep counts calls, so the body has to make the same calls each time: fix random names.")
    return "\n".join(lines)
