"""Moves of the clock: the time spans that they take, and the errors of those that reach a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.clock.events import DueEvent
from pytest_lambda_esm.clock.runaway import StallDetector
from pytest_lambda_esm.errors import ClockError, ClockLimitExceeded
from pytest_lambda_esm.timing import MICROSECONDS, Span, microseconds, moment_of

HOUR: Final = 3600
_SECONDS_IN: Final = {"days": 24 * HOUR, "hours": HOUR, "minutes": 60, "seconds": 1}
_MOST_LISTED: Final = 10


def span_of(move: str, span: Span) -> int:
    """Return a time span in microseconds. Raises ClockError that names the move."""
    __tracebackhide__ = True
    try:
        return microseconds(span)
    except (TypeError, ValueError) as error:
        raise ClockError(f"{move}: {error}") from None


def seconds_of(**numbers: float) -> float:
    """Add up ``days``, ``hours``, ``minutes`` and ``seconds``. Raises ClockError for anything but numbers."""
    __tracebackhide__ = True
    for name, number in numbers.items():
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            raise ClockError(f"advance: {name} takes a number, not {number!r}")
    return sum(number * _SECONDS_IN[name] for name, number in numbers.items())


@dataclass(frozen=True, slots=True)
class Reports:
    """What the errors of moves add, a line each: why records are not delivered, and what waits for the test."""

    diagnosis: Sequence[str]
    waiting: Sequence[str]

    def diagnosis_text(self) -> str:
        """Return the diagnosis, as lines that follow a sentence."""
        return "".join(f"\n{line}" for line in self.diagnosis)

    def waiting_text(self) -> str:
        """Return what waits for the test, as lines that end a text."""
        return "".join(["\nWaiting for the test:", *(f"\n  {line}" for line in self.waiting)]) if self.waiting else ""


def nothing_pending(now: int, reports: Reports) -> ClockLimitExceeded:
    """Return the error of ``run_until`` where nothing will happen any more."""
    return ClockLimitExceeded(
        f"run_until: nothing is pending any more at {moment_of(now)}, and the condition is still false."
        " Nothing will happen until the test sends, creates or changes something."
        + reports.diagnosis_text()
        + reports.waiting_text()
    )


def limit_exceeded(
    problem: str, limit: int, now: int, pending: Sequence[DueEvent], reports: Reports
) -> ClockLimitExceeded:
    """Return the error of a move that has reached its limit; ``problem`` names the move and says what it waits for."""
    lines = [f"  {event}" for event in pending[:_MOST_LISTED]]
    if len(pending) > _MOST_LISTED:
        lines.append(f"  and {len(pending) - _MOST_LISTED} more")
    return ClockLimitExceeded(
        f"{problem} within the limit of {limit / MICROSECONDS:g} s; it is {moment_of(now)}."
        + reports.diagnosis_text()
        + "\nStill pending:\n"
        + "\n".join(lines)
        + f"\nPass {problem.partition(':')[0]} a larger limit, or stop what keeps scheduling events."
        + reports.waiting_text()
    )


def endless_sleep(stall: StallDetector, now: int, upcoming: DueEvent | None, reports: Reports) -> ClockLimitExceeded:
    """Return the error for code under test that keeps sleeping while nothing happens."""
    pending = f"Next: {upcoming}." if upcoming else "Nothing is pending, so sleeping longer will not help."
    return ClockLimitExceeded(
        f"time.sleep: code under test has slept {stall.sleeps} times in a row,"
        f" {moment_of(now) - moment_of(stall.started)} of virtual time, and nothing has happened since;"
        f" it is {moment_of(now)}. {pending} Is this an endless loop? If not, raise the setting"
        f" 'longest_standstill'." + reports.diagnosis_text() + reports.waiting_text()
    )
