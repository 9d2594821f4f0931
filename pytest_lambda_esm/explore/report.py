"""The report of an exploration: how many worlds, which broke and by what, and which steps were met and struck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.explore.run import Failure
from pytest_lambda_esm.explore.trouble import Struck, order_markers
from pytest_lambda_esm.wording import counted

_MOST_LINES: Final = 6
"""How many lines of an error's text are shown."""


@dataclass(frozen=True)
class Broken:
    """A world in which the body failed: its number, what struck it, and how it failed."""

    world: int
    struck: Sequence[Struck]
    failure: Failure
    interleaving: int = 0

    @property
    def size(self) -> int:
        """How much it takes to break the body."""
        return len(self.struck) + bool(self.interleaving)

    @property
    def causes(self) -> str:
        """What struck, and the order of what was due at the same instant, as text."""
        order = [f"interleaving {self.interleaving}"] if self.interleaving else []
        return " and ".join([*map(str, self.struck), *order]) or "no trouble at all"

    @property
    def markers(self) -> list[str]:
        """The markers that replay it."""
        return [*order_markers(self.interleaving), *(each.marker for each in self.struck)]


@dataclass
class Outcome:
    """The results of an exploration so far.

    ``smallest`` has the fewest troubles for each kind of failure; ``met`` counts the steps of all worlds and
    ``struck`` the troubles, by operation. ``difference`` tells where the body first did something else than before.
    """

    worlds: int = 0
    broken: int = 0
    survived: int = 0
    untouched: int = 0
    smallest: dict[tuple[str, str], Broken] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    difference: str | None = None

    def add_failure(self, struck: Sequence[Struck], failure: Failure, interleaving: int) -> None:
        """Add a world that broke."""
        self.broken += 1
        broken, known = Broken(self.worlds, tuple(struck), failure, interleaving), self.smallest.get(failure.kind)
        if known is None or broken.size < known.size:
            self.smallest[failure.kind] = broken


def report(outcome: Outcome) -> str:
    """Return the report; its first line is a summary."""
    lines = [_summary(outcome)]
    for broken in outcome.smallest.values():
        lines.append(f"  world {broken.world}, by {broken.causes}:")
        lines += [f"    {line}" for line in broken.failure.text.splitlines()[:_MOST_LINES]]
        if broken.failure.place:
            lines.append(f"    at {broken.failure.place}")
        if broken.markers:
            lines.append("    replay it alone, with these lines above the test:")
            lines += [f"    {marker}" for marker in broken.markers]
    if outcome.difference is not None:
        lines.append(f"  not deterministic: {outcome.difference}")
        lines.append("    An exploration counts steps, so the body has to do the same each time: avoid random names.")
    lines.append(f"  {_coverage(outcome)}")
    return printable("\n".join(lines))


def _summary(outcome: Outcome) -> str:
    parts = [f"exploration: {counted(outcome.worlds, 'world')}, {outcome.broken or 'none'} broke"]
    if outcome.survived:
        parts.append(f"in {outcome.survived} the troubles struck and the body completed")
    if outcome.untouched:
        parts.append(f"in {outcome.untouched} none struck")
    return "; ".join(parts)


def _coverage(outcome: Outcome) -> str:
    steps = [f"{name} {outcome.struck[name]} of {met}" for name, met in sorted(outcome.met.items())]
    return f"struck, of the steps that were met: {', '.join(steps)}" if steps else "no step was met"
