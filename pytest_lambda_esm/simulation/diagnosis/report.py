"""The diagnosis as text: the findings of all rules, the most telling first."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Collection, Sequence
from typing import Final

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.invocation.stack_frames import frames_of
from pytest_lambda_esm.observe.timeline import shortened
from pytest_lambda_esm.simulation.diagnosis import deliveries, outcomes, requests, unread, waiting
from pytest_lambda_esm.simulation.diagnosis.finding import POSSIBLE, SILENCE, Finding, Rule
from pytest_lambda_esm.simulation.diagnosis.view import View
from pytest_lambda_esm.simulation.world import World

WIDTH: Final = 100
MOST_LINES: Final = 10

RULES: Final[Sequence[Rule]] = (
    requests.swallowed,
    requests.elsewhere,
    requests.refused,
    outcomes.ignored_reports,
    deliveries.stale,
    deliveries.disabled,
    deliveries.held,
    deliveries.filtered,
    deliveries.skipped,
    outcomes.problems,
    outcomes.throttles,
    waiting.due,
    waiting.events,
    waiting.scheduled,
    unread.unread,
    requests.other_callers,
    outcomes.forbidden,
    outcomes.failures,
    deliveries.explained,
    deliveries.undelivered,
    deliveries.given_up,
    requests.unused_faults,
    deliveries.silent,
)
"""In the order in which findings of the same level are shown."""

_NOTHING: Final = "The fake knows of no record that waits, no failure and no refused call."


def diagnose(view: View, about: Collection[str] | None = None) -> list[Finding]:
    """Return the findings, or those that concern one of some ARNs and UUIDs, the most telling first; each text once."""
    found = {finding.text: finding for rule in RULES for finding in _findings(rule, view)}
    findings = [each for each in found.values() if about is None or not set(about).isdisjoint(each.about)]
    causes = [finding for finding in findings if finding.level < SILENCE]
    return sorted(causes or findings, key=lambda finding: finding.level)


def _findings(rule: Rule, view: View) -> list[Finding]:
    """Return the findings of a rule. A bug in it is a finding too: the report of the test must not be lost."""
    try:
        return list(rule(view))
    except Exception as error:
        text = f"The rule {rule.__name__!r} of the diagnosis failed, which is a bug of pytest-lambda-esm: {error!r}"
        return [
            Finding(POSSIBLE, text, details=tuple(map(str, frames_of(traceback.format_tb(error.__traceback__)[-3:]))))
        ]


def lines_of(
    world: World, errors: Sequence[BaseException], about: Collection[str] | None = None, most: int | None = None
) -> list[str]:
    """Return the diagnosis of a world, at most ``most`` lines of up to 100 characters; no time moves meanwhile.

    ``errors`` are those that the fake raised into code under test. With ``about``, ARNs and UUIDs, only the findings
    that concern one of them are shown.
    """
    with world.clock.standing_still():
        findings = diagnose(View(world, errors), about)
    return _fitting([_lines(finding) for finding in findings], most)


def section(world: World, errors: Sequence[BaseException]) -> str:
    """Return the section of a failing test's report: at most ten lines."""
    return "\n".join(lines_of(world, errors, most=MOST_LINES) or [_NOTHING])


def _lines(finding: Finding) -> list[str]:
    text = textwrap.wrap(
        " ".join(shortened(finding.text).split()),
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return [*text, *(_cut(f"    {' '.join(shortened(detail).split())}") for detail in finding.details)]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def _fitting(blocks: list[list[str]], most: int | None) -> list[str]:
    """Return the blocks that fit, the first one in any case, and how many were left out."""
    if most is None:
        return [line for block in blocks for line in block]
    shown: list[str] = []
    for number, block in enumerate(blocks):
        is_last = number == len(blocks) - 1
        room = (most if is_last else most - 1) - len(shown)
        if len(block) <= room:
            shown += block
        elif not shown:
            return [*block[: most - 1], _cut("  ... and more: print(lambda_esm.explain())")]
        else:
            return [*shown, printable(f"  ... and {len(blocks) - number} more: print(lambda_esm.explain())")]
    return shown
