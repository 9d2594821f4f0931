"""Rules about time: what would happen if the test moved the clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DELAYED, WAITING, Fate
from pytest_lambda_esm.simulation.diagnosis.finding import (
    CERTAIN,
    LIKELY,
    POSSIBLE,
    Finding,
    named,
    noun_of,
    of_mapping,
    unqualified,
)
from pytest_lambda_esm.simulation.diagnosis.view import View
from pytest_lambda_esm.timing import instant_of
from pytest_lambda_esm.wording import counted

_POLLING: Final = ("Enabled", "Creating", "Enabling", "Updating")
_MOVE: Final = "Call lambda_esm.clock.run_until_idle() or .advance(...)."
_ADVANCE: Final = "Call lambda_esm.clock.advance(...) to pass that time: run_until_idle() does not wait for schedules"
_OBSTACLES: Final = (
    "blocked",
    "does not exist",
    "another member",
    "in flight",
    "PROBLEM",
    "it does not poll,",
    "it does not receive",
)


def due(view: View) -> Iterator[Finding]:
    """Records that would be delivered if the clock moved."""
    for mapping in view.mappings:
        if mapping.state not in _POLLING or mapping._waits_for_test:
            continue
        explained = view.explained(mapping)
        waiting = [fate for fate in view.unfinished(mapping) if fate.fate in (WAITING, DELAYED)]
        if waiting and not any(part in line for line in explained for part in _OBSTACLES):
            yield Finding(CERTAIN, _due_text(view, mapping, waiting), of_mapping(mapping))


def _due_text(view: View, mapping: Mapping, waiting: list[Fate]) -> str:
    delayed = [instant_of(fate.at) for fate in waiting if fate.fate == DELAYED]
    count, why = counted(len(waiting), noun_of(mapping.source_arn), "are"), ""
    if len(delayed) == len(waiting):
        when = f"delayed until {view.time(min(delayed))}"
    elif mapping.state == "Enabled":
        when = "due now"
    else:
        when, why = "waiting", f", and {named(mapping)} is {mapping.state} ({'; '.join(mapping.explain())})"
    return f"{count} {when} in {mapping.source_arn}{why}; {_clock_text(view)}. {_MOVE}"


def _clock_text(view: View) -> str:
    return f"the virtual time is {view.time(view.now)}"


def scheduled(view: View) -> Iterator[Finding]:
    """Functions that were never invoked, and that a schedule invokes."""
    invoked = {function for function, _ in view.last_invocations} | {function for function, _ in view.events}
    for function in view.bound:
        lines = view.schedules_of(function) if function not in invoked else []
        for line in lines:
            what = line.rpartition(", for ")[0]
            remedy = "Enable it" if what.endswith(": disabled") else _ADVANCE
            yield Finding(
                LIKELY, f"{function} was not invoked yet: {what}; {_clock_text(view)}. {remedy}.", (function,)
            )


def events(view: View) -> Iterator[Finding]:
    """Asynchronous events that were not delivered yet, or are retried later."""
    by_function: dict[str, list[Fate]] = {}
    for function, fate in view.events:
        by_function.setdefault(function, []).append(fate)
    for function, fates in by_function.items():
        first = any("attempt 1 is due" in fate.detail for fate in fates)
        count = counted(len(fates), "asynchronous event", "wait")
        yield Finding(
            CERTAIN if first else POSSIBLE,
            f"{count} for {unqualified(function)}: {fates[0].detail}; {_clock_text(view)}. {_MOVE}",
            (function,),
        )
