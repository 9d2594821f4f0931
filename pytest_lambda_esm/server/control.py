"""The control API: what a test in another language does with the fake, as JSON over HTTP.

It moves time, reads the timeline and the explanation, and adds faults: what tests in Python do with ``lambda_esm``. Its
answers have a member ``now``, the virtual time as an ISO 8601 text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.errors import ClockError, LambdaEsmError
from pytest_lambda_esm.faults import effects
from pytest_lambda_esm.moto_bridge.http.wire import WireRequest
from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import moment_of

CONTROL: Final = "/_lambda_esm/"
"""Where the paths of the control API begin."""

_NETWORK: Final[Mapping[str, Callable[[], Any]]] = {
    "connect_timeout": effects.connect_timeout,
    "connection_reset": effects.connection_reset,
    "lost_response": effects.lost_response,
    "read_timeout": effects.read_timeout,
}
_FAULT_MEMBERS: Final = ("times", "after", "match", "message", "optional", "per")

Operation = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes the members of a request, and returns those of its answer."""


class BadCall(Exception):
    """A request that cannot be carried out; the text says why."""


class Control:
    """Answers requests of the control API, each in the frame that was found for it.

    ``explain`` takes a subject or None, as :meth:`FakeLambda.explain` does.
    """

    def __init__(self, world: Callable[[], World], explain: Callable[[str | None], str]) -> None:
        self._world = world
        self._explain = explain
        self._operations: Mapping[tuple[str, str], Operation] = {
            ("GET", ""): self._overview,
            ("POST", "advance"): self._advance,
            ("POST", "run-until-idle"): self._run_until_idle,
            ("GET", "timeline"): self._timeline,
            ("GET", "explain"): self._explanation,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
        }

    def answer(self, request: WireRequest, *, is_handlers: bool) -> HttpResponse:
        """Return the answer. Errors of this package are answers with status 400; what a handler raises propagates."""
        operation = self._operations.get((request.method, request.path.removeprefix(CONTROL).strip("/")))
        if operation is None:
            return _json(404, {"error": "NotFound", "message": f"Known are: {', '.join(self._known())}."})
        try:
            if is_handlers and operation in (self._advance, self._run_until_idle):
                raise ClockError(
                    "time cannot be moved by a handler, which holds the clock, or by a program that it runs"
                )
            return _json(200, {**operation(_members(request)), "now": self._now()})
        except BadCall as error:
            return _json(400, {"error": "BadRequest", "message": str(error)})
        except LambdaEsmError as error:
            return _json(400, {"error": type(error).__name__, "message": str(error)})

    def _known(self) -> list[str]:
        return [f"{method} {CONTROL}{name}" for method, name in self._operations]

    def _now(self) -> str:
        return moment_of(self._world().clock.instant).isoformat()

    # --- operations --------------------------------------------------------------------------------------

    def _overview(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        upcoming = self._world().clock.next_event
        return {
            "operations": self._known(),
            "next": str(upcoming) if upcoming is not None else None,
        }

    def _advance(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        _check(members, "seconds")
        self._world().clock.advance(_seconds(members, "seconds", 0))
        return {}

    def _run_until_idle(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        _check(members, "limit")
        self._world().clock.run_until_idle(_seconds(members, "limit", 3600))
        return {}

    def _timeline(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        _check(members, "kind", "since")
        kind, since = members.get("kind"), _since(members)
        entries = [entry for entry in self._world().timeline[since:] if kind is None or entry.kind == kind]
        return {"timeline": [_entry(entry) for entry in entries]}

    def _explanation(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        _check(members, "subject")
        return {"text": self._explain(members.get("subject"))}

    def _faults(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        _check(members)
        return {"unused": self._world().persistent.plan.unused()}

    def _add_fault(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        _check(members, "operation", "error", "seconds", *_FAULT_MEMBERS)
        operation, error = members.get("operation"), members.get("error")
        if not isinstance(operation, str) or not isinstance(error, str):
            raise BadCall('a fault has an "operation" and an "error", both texts')
        options = {name: members[name] for name in _FAULT_MEMBERS if name in members}
        self._world().persistent.plan.add(operation, _effect(error, members), **options)
        return {}


def _effect(error: str, members: Mapping[str, Any]) -> Any:
    if error == "latency":
        return effects.latency(_seconds(members, "seconds", 0))
    network = _NETWORK.get(error)
    return network() if network is not None else error


def _entry(entry: Entry) -> Mapping[str, Any]:
    return {
        "at": moment_of(entry.instant).isoformat(),
        "kind": entry.kind,
        "subject": entry.subject,
        "text": entry.text,
    }


def _members(request: WireRequest) -> Mapping[str, Any]:
    """Return the members of the body, or those of the query string."""
    if not request.body.strip():
        return {name: values[0] for name, values in request.query.items()}
    try:
        members = json.loads(request.body)
    except ValueError as error:
        raise BadCall(f"the body is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise BadCall("the body is not a JSON object")
    return members


def _check(members: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(members) - set(known))
    if unknown:
        names = ", ".join(known) or "none"
        raise BadCall(f"there is no member {', '.join(unknown)}; known are: {names}")


def _seconds(members: Mapping[str, Any], name: str, default: float) -> float:
    value = members.get(name, default)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadCall(f'"{name}" is {value!r}, which is no number') from None


def _since(members: Mapping[str, Any]) -> int:
    text = str(members.get("since", 0))
    if not text.isdecimal():
        raise BadCall(f'"since" is {text!r}, which is no number of entries')
    return int(text)


def _json(status: int, members: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(members).encode())
