"""What is said about faults that never struck: what was asked, what came near, and how to allow it."""

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
    "A test whose fault never strikes has not been tested against it. Let the code make that call, correct the fault,"
    " or allow it: optional=True for one fault, lambda_esm(strict=False) for the whole test."
)


class SeenCall(NamedTuple):
    """A call that the plan has seen: which one of its operation it was, and the fault that struck it, if one did."""

    number: int
    call: IncomingCall
    fault: Fault | None


_NearMiss: TypeAlias = tuple[int, IncomingCall, str]
"""The number of a call of the operation, the call, and why it was not struck."""


def unused_text(faults: Sequence[Fault], met: Mapping[str, Sequence[SeenCall]], called: Mapping[str, int]) -> str:
    """The report; empty where every fault has struck or is optional. ``called`` counts the calls by operation."""
    unused = [fault for fault in faults if not fault.has_struck and not fault.optional]
    if not unused:
        return ""
    lines = [f"{len(unused)} fault{'s' if len(unused) > 1 else ''} that the test asked for never struck:"]
    for fault in unused:
        lines.append(f"  {fault.asked}")
        lines.append(f"    asked for at {fault.place}")
        if fault.hits:
            lines.append(f"    it struck {fault.hits} times; {fault.errors_left} of its errors are left")
        lines += [f"    {line}" for line in _why(fault, met.get(fault.operation, ()), called)]
    return "\n".join([*lines, HOW_TO_ALLOW])


def _why(fault: Fault, met: Sequence[SeenCall], called: Mapping[str, int]) -> Iterator[str]:
    """What happened while it waited, from the line that asks for it to the end of its block or of the test."""
    until = called if fault.over is None else fault.over
    meanwhile = {name: count - fault.begun.get(name, 0) for name, count in until.items()}
    missed = meanwhile.pop(fault.operation, 0) - fault.met
    if missed:
        first, last = fault.begun.get(fault.operation, 0), until[fault.operation]
        yield f"calls of {fault.operation} that came near:"
        yield from _missed(_near_misses(fault, [each for each in met if first < each.number <= last]), first, missed)
    else:
        others = ", ".join(f"{name} ({count})" for name, count in sorted(meanwhile.items()) if count)
        more = "further call" if fault.met else "call"
        yield f"since then there was no {more} of {fault.operation}; calls meanwhile: {others or 'none'}"
    if fault.over is not None:
        yield "it ended with its block or its end(), and calls after that do not count"


def _missed(near: Iterator[_NearMiss], first: int, missed: int) -> Iterator[str]:
    shown = 0
    for number, call, reason in islice(near, _MOST_SHOWN):
        yield f"  {number - first}. {_short(str(call))}"
        yield f"     not struck: {_short(reason)}"
        shown += 1
    if missed > shown:
        yield f"  and {missed - shown} more"


def _near_misses(fault: Fault, met: Sequence[SeenCall]) -> Iterator[_NearMiss]:
    """The calls that it did not strike, each with the reason."""
    fitting: set[object] = set()
    for number, call, struck_by in met:
        misfits = _misfits(fault, call)
        if not misfits:
            fitting.add(call.logical_id or number if fault.per == "call" else number)
        if struck_by is fault:
            continue
        if misfits:
            reason = "; ".join(misfits)
        elif len(fitting) <= fault.after:
            each = "calls" if fault.per == "call" else "attempts"
            said = f"it was number {len(fitting)} of the {each} that match"
            reason = f"{said}, and the first {fault.after} are let through"
        elif struck_by is not None:
            reason = f"{struck_by.asked} struck it"
        else:
            reason = "match said no when the call came"
        yield number, call, reason


def _misfits(fault: Fault, call: IncomingCall) -> list[str]:
    try:
        return fault.match.misfits(call)
    except FaultError as error:
        return [str(error)]


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
