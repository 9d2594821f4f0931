"""The report on faults that never struck: what the test asked for, which calls came near, and how to allow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.fault import Fault

_MOST_SHOWN: Final = 5
_WIDTH: Final = 100

HOW_TO_ALLOW: Final = (
    "A test whose fault never strikes has not been tested against it. Make the code under test call that operation,"
    " correct the fault, or allow it: optional=True for one fault, lambda_esm(strict=False) for the whole test."
)


class SeenCall(NamedTuple):
    """A call that the plan has seen: its number among the calls of its operation, and the fault that struck it."""

    number: int
    call: IncomingCall
    fault: Fault | None


_NearMiss: TypeAlias = tuple[int, IncomingCall, str]
"""The number of a call among those of its operation, the call, and why the fault did not strike it."""


def unused_text(faults: Sequence[Fault], seen: Mapping[str, Sequence[SeenCall]], called: Mapping[str, int]) -> str:
    """Return the report; empty if every fault has struck or is optional.

    ``seen`` holds the latest calls by operation, ``called`` the number of all of them.
    """
    unused = [fault for fault in faults if not fault.has_struck and not fault.optional]
    if not unused:
        return ""
    lines = [f"{len(unused)} fault{'s' if len(unused) > 1 else ''} that the test asked for never struck:"]
    for fault in unused:
        lines.append(f"  {fault.asked}")
        lines.append(f"    asked for at {fault.place}")
        if fault.struck:
            lines.append(f"    calls struck: {fault.struck}; errors left: {fault.errors_left}")
        lines += [f"    {line}" for line in _reasons(fault, seen.get(fault.operation, ()), called)]
    return "\n".join([*lines, HOW_TO_ALLOW])


def _reasons(fault: Fault, seen: Sequence[SeenCall], called: Mapping[str, int]) -> Iterator[str]:
    """Yield what happened from the line that asked for the fault to the end of its block or of the test."""
    until = called if fault.over is None else fault.over
    meanwhile = {name: count - fault.begun.get(name, 0) for name, count in until.items()}
    missed = meanwhile.pop(fault.operation, 0) - fault.met
    if missed:
        first, last = fault.begun.get(fault.operation, 0), until[fault.operation]
        yield f"calls of {fault.operation} that came near:"
        near = _near_misses(fault, [each for each in seen if first < each.number <= last])
        yield from _near_miss_lines(near, first, missed)
    else:
        others = ", ".join(f"{name} ({count})" for name, count in sorted(meanwhile.items()) if count)
        more = "further call" if fault.met else "call"
        yield f"since then there was no {more} of {fault.operation}; calls meanwhile: {others or 'none'}"
    if fault.over is not None:
        yield "it ended with its block or its end(), and calls after that do not count"


def _near_miss_lines(near: Iterator[_NearMiss], first: int, missed: int) -> Iterator[str]:
    shown = 0
    for number, call, reason in islice(near, _MOST_SHOWN):
        yield f"  {number - first}. {_short(str(call))}"
        yield f"     not struck: {_short(reason)}"
        shown += 1
    if missed > shown:
        yield f"  and {missed - shown} more"


def _near_misses(fault: Fault, seen: Sequence[SeenCall]) -> Iterator[_NearMiss]:
    """Yield the calls that the fault did not strike, each with the reason."""
    matching: set[object] = set()
    for number, call, struck_by in seen:
        misfits = _misfits(fault, call)
        if not misfits:
            matching.add(call.logical_id or number if fault.per == "call" else number)
        if struck_by is fault:
            continue
        if misfits:
            reason = "; ".join(misfits)
        elif len(matching) <= fault.after:
            counted = "calls" if fault.per == "call" else "attempts"
            position = f"it was number {len(matching)} of the {counted} that match"
            reason = f"{position}, and the first {fault.after} are let through"
        elif struck_by is not None:
            reason = f"{struck_by.asked} struck it"
        else:
            reason = "match rejected it when it arrived"  # A predicate that would accept it now.
        yield number, call, reason


def _misfits(fault: Fault, call: IncomingCall) -> list[str]:
    try:
        return fault.match.misfits(call)
    except FaultError as error:
        return [str(error)]


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
