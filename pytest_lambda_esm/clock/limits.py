"""What a clock says when it has come to a limit. Instants are microseconds since the epoch, spans microseconds.

``waiting`` is a line for each thing that no time brings about, since it waits for the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pytest_lambda_esm.config import MICROSECONDS, moment_of
from pytest_lambda_esm.errors import ClockLimitExceeded

from .due_event import DueEvent

_MOST = 10


def nothing_pending(now: int, waiting: Sequence[str]) -> ClockLimitExceeded:
    """A condition is false, and no time will make it true."""
    return ClockLimitExceeded(
        f"run_until: nothing is pending any more at {moment_of(now)}, and the condition is still false. Nothing will"
        f" happen until the test sends, creates or changes something." + _for_the_test(waiting)
    )


def limit_exceeded(
    move: str, but: str, span: int, now: int, pending: Sequence[DueEvent], waiting: Sequence[str]
) -> ClockLimitExceeded:
    """A move of the clock has come to its limit."""
    lines = [f"  {event}" for event in pending[:_MOST]]
    if len(pending) > _MOST:
        lines.append(f"  and {len(pending) - _MOST} more")
    return ClockLimitExceeded(
        f"{move}: {but} within the limit of {span / MICROSECONDS:g} s; it is {moment_of(now)}."
        f" Still pending:\n"
        + "\n".join(lines)
        + f"\nGive {move} a larger limit, or stop what keeps going."
        + _for_the_test(waiting)
    )


def endless_sleep(
    began: int, naps: int, now: int, upcoming: DueEvent | None, waiting: Sequence[str]
) -> ClockLimitExceeded:
    """Code under test sleeps on and on."""
    coming = f"Next: {upcoming}." if upcoming else "Nothing is pending: no time will bring anything about."
    return ClockLimitExceeded(
        f"time.sleep: code under test has slept {naps} times in a row, {timedelta(microseconds=now - began)} of virtual"
        f" time, and nothing has happened meanwhile; it is {moment_of(now)}. {coming} Does it wait in a loop without an"
        f" end? If not, raise the setting 'longest_standstill'." + _for_the_test(waiting)
    )


def _for_the_test(waiting: Sequence[str]) -> str:
    return "".join(["\nWaiting for the test:", *(f"\n  {line}" for line in waiting)]) if waiting else ""
