"""What is said about faults that never struck: what was asked, what came near, and how to allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.fault import Fault

_MOST_SHOWN: Final = 5
_WIDTH: Final = 100

HOW_TO_ALLOW: Final = (
    "A test whose fault never strikes has not been tested against it. Let the code make that call, correct the fault,"
    " or allow it: optional=True for one fault, lambda_esm(strict=False) for the whole test."
)


def unused_text(faults: Sequence[Fault], near: Mapping[str, Sequence[IncomingCall]], called: Mapping[str, int]) -> str:
    """The report; empty where every fault has struck or is optional."""
    unused = [fault for fault in faults if not fault.has_struck and not fault.optional]
    if not unused:
        return ""
    lines = [f"{len(unused)} fault{'s' if len(unused) > 1 else ''} that the test asked for never struck:"]
    for fault in unused:
        lines.append(f"  {fault.asked}")
        lines.append(f"    asked for at {fault.place}")
        if fault.hits:
            lines.append(f"    it struck {fault.hits} times; {len(fault.effects) - fault.hits} of its errors are left")
        lines += [f"    {line}" for line in _why(fault, near.get(fault.operation, ()), called)]
    return "\n".join([*lines, HOW_TO_ALLOW])


def _why(fault: Fault, near: Sequence[IncomingCall], called: Mapping[str, int]) -> list[str]:
    missed = [(number, call) for number, call in enumerate(near, 1) if call not in fault.calls]
    if not missed:
        others = ", ".join(f"{name} ({count})" for name, count in sorted(called.items()) if name != fault.operation)
        more = "no further call" if fault.hits else "no call"
        return [f"there was {more} of {fault.operation}; calls meanwhile: {others or 'none'}"]
    lines = [f"calls of {fault.operation} that came near:"]
    for number, call in missed[:_MOST_SHOWN]:
        lines.append(f"  {number}. {_short(str(call))}")
        lines.append(f"     not struck: {_short(fault.reason_not(call, number))}")
    if len(missed) > _MOST_SHOWN:
        lines.append(f"  and {len(missed) - _MOST_SHOWN} more")
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
