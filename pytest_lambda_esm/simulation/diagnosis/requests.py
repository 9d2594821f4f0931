"""Rules about calls: refused ones, those to another region or account, and what the test asked for in vain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_lambda_esm.api.unsupported import caller_advice
from pytest_lambda_esm.arn import Arn, parse
from pytest_lambda_esm.errors import ClockError, nearest
from pytest_lambda_esm.observe.calls import Call
from pytest_lambda_esm.simulation.diagnosis.finding import CERTAIN, LIKELY, POSSIBLE, Finding, sentence
from pytest_lambda_esm.simulation.diagnosis.view import View

_MOST_ELSEWHERE: Final = 3
_MOST_REASONS: Final = 3
_LONGEST_MESSAGE: Final = 200
_REMEDIES: Final = (
    ("visibility timeout", "Set the queue's VisibilityTimeout to 6 times the function's timeout."),
    ("already exists", "Update or delete the mapping that exists, or use another source or function."),
    ("StartingPosition", "Streams and Kafka take StartingPosition='TRIM_HORIZON', 'LATEST' or 'AT_TIMESTAMP'."),
    ("in use", "Wait until the mapping's state has settled: let time pass."),
)
"""What to do about a refusal, by a part of AWS's message."""


def elsewhere(view: View) -> Iterator[Finding]:
    """Calls about a function or a source that exists in another region or account."""
    seen = set()
    for call in view.calls:
        if call.status < 400:
            continue
        for finding in (_function_elsewhere(view, call), _source_elsewhere(view, call)):
            if finding is not None and finding.text not in seen:
                seen.add(finding.text)
                yield finding


def _function_elsewhere(view: View, call: Call) -> Finding | None:
    given = call.params.get("FunctionName")
    if not isinstance(given, str):
        return None
    try:
        wanted = parse(given, call.account_id, call.region)
    except ValueError:  # It is no name of a function, and AWS's refusal says so.
        return None
    others = [arn for arn in sorted(view.functions) if arn.rpartition(":")[2] == wanted.name]
    if wanted.unqualified_arn in others or not others:
        return None
    return _in_other_place(call, f"the function {wanted.name!r}", (wanted.region, wanted.account_id), others)


def _source_elsewhere(view: View, call: Call) -> Finding | None:
    given = call.params.get("EventSourceArn")
    arn = Arn.parse(given) if isinstance(given, str) else None
    if arn is None:
        return None
    known = [*view.queues, *view.streams]
    if given in known:
        return _in_other_place(call, f"the source {given}", (call.region, call.account_id), [given])
    same = [
        each
        for each in known
        if (other := Arn.parse(each)) and (other.service, other.resource) == (arn.service, arn.resource)
    ]
    return _in_other_place(call, f"the {arn.service} source {arn.resource!r}", (arn.region, arn.account_id), same)


def _in_other_place(call: Call, what: str, place: tuple[str, str], others: list[str]) -> Finding | None:
    """Return that something exists elsewhere; None where it does not, or exists in this place."""
    region, account = place
    places = [(arn.region, arn.account_id) for arn in map(Arn.parse, others) if arn is not None]
    if not places or place in places:
        return None
    told = [there if owner == account else f"{there} of account {owner}" for there, owner in places[:_MOST_ELSEWHERE]]
    here = region if any(there != region for there, _ in places) else f"account {account}"
    return Finding(
        CERTAIN,
        f"{call.operation} went to {here}, and {what} exists in {' and '.join(told)}. Create the client with"
        f" region_name={places[0][0]!r}, or set the region of everything with the setting region={region!r}.",
        tuple(others),
    )


def refused(view: View) -> Iterator[Finding]:
    """The last call to the Lambda API, if it was refused."""
    call = view.calls[-1] if view.calls else None
    if call is None or 0 < call.status < 400:
        return
    names = [str(call.params[name]) for name in ("FunctionName", "UUID") if name in call.params]
    subject = f" for {names[0]}" if names else ""
    message = call.message or "no message"
    message = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."
    came_last = view.entries[-1].kind == "call" if view.entries else False
    remedy = next((text for part, text in _REMEDIES if part.lower() in message.lower()), "")
    remedy = remedy or _similar_function(view, call)
    answer = f"{call.status} {call.error or ''}".strip() if call.status else f"no answer, {call.error}"
    level = CERTAIN if came_last else LIKELY
    yield Finding(level, f"{call.operation}{subject} was refused: {answer}: {message.rstrip('.')}. {remedy}".rstrip())


def _similar_function(view: View, call: Call) -> str:
    """Return the most similar names for one that no function has; empty where a function has it or none is similar."""
    given = str(call.params.get("FunctionName", "")).rpartition(":function:")[2].partition(":")[0]
    names = {arn.rpartition(":")[2] for arn in view.functions}
    hint = nearest(given, names) if given and given not in names and names else ""
    return hint if hint.startswith("Did") else ""


def swallowed(view: View) -> Iterator[Finding]:
    """Errors of the fake that were raised into code under test."""
    errors = [error for error in view.errors if not isinstance(error, (ClockError, AssertionError))]
    for error in errors[-1:]:
        lines = str(error).splitlines() or [""]
        yield Finding(CERTAIN, f"The fake raised {type(error).__name__}: {lines[0]}")


def other_callers(view: View) -> Iterator[Finding]:
    """State machines, which do not run here."""
    for kind, name in view.other_callers:
        yield Finding(LIKELY, f"{sentence(caller_advice(kind, name))}.")


def unused_faults(view: View) -> Iterator[Finding]:
    """Faults that never struck."""
    report = [line.strip() for line in view.unused_faults.splitlines()] if view.strict else []
    if report:
        asked, place, *reasons = report[1:-1]
        yield Finding(POSSIBLE, f"No call met the fault {asked}, {place}.", details=tuple(reasons[:_MOST_REASONS]))
