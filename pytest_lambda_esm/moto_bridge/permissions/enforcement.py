"""What follows from a judgement: nothing, advice, or a refusal, as the setting ``permissions`` says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.moto_bridge.permissions.judge import (
    ASSUME,
    Cause,
    judge_function,
    judge_role,
    judge_service,
    trusts,
)
from pytest_lambda_esm.moto_bridge.permissions.places import Access
from pytest_lambda_esm.moto_bridge.permissions.policies import ALLOWED, DENIED, NOT_ALLOWED, UNKNOWN, Verdict
from pytest_lambda_esm.ports import Advice

OFF: Final = "off"
ADVISE: Final = "advise"
ENFORCE: Final = "enforce"
_ONLY_WITH_ROLE: Final = "kinesis:"
"""The actions for which the policy of a target is not enough."""
_CODE: Final = "ESM143"
"""The code of its advice."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Where judgements are reported.

    ``mode_of(arn)`` is the setting for a function or another resource. ``note`` adds to the timeline.
    """

    mode_of: Callable[[str], str]
    advice: Advice
    note: Callable[[str, str], None]


class Enforcement:
    """Judges accesses, and reports each (role, action, resource) once."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._reported: set[tuple[str, ...]] = set()

    def of_function(self, function: FunctionConfiguration, access: Access, doing: str) -> Verdict | None:
        """Return why a function may not do something, None where it goes on. ``doing`` says what it is for."""
        mode = self._reports.mode_of(function.arn)
        if mode == OFF:
            return None
        verdict = judge_function(function, access)
        if verdict.outcome == ALLOWED:
            return None
        statement = {"Effect": "Allow", "Action": access.action, "Resource": access.resource}
        about = _About(
            holder=function.role,
            subject=f"function {function.name}",
            denial=f"the role {function.role} may not {access.action} on {access.resource} ({doing})",
            cause=_denied(verdict) or f"the role's policies lack {json.dumps(statement)}",
        )
        return self._settle(mode, access, verdict, about)

    def of_service(self, cause: Cause, action: str, resource_arn: str) -> Verdict | None:
        """Return why a service may not send an event to a resource, None where it goes on."""
        if resource_arn in cause.roles:
            return self.of_role(cause, cause.roles[resource_arn], Access(action, resource_arn))
        mode = self._reports.mode_of(resource_arn)
        if mode == OFF:
            return None
        verdict = judge_service(cause, action, resource_arn)
        if verdict.outcome == ALLOWED:
            return None
        about = _About(
            holder=cause.source_arn,
            subject=resource_arn,
            denial=f"{cause.principal} may not {action} on {resource_arn} for {cause.source_arn}",
            cause=_denied(verdict) or _lacking(cause, action, resource_arn),
        )
        return self._settle(mode, Access(action, resource_arn), verdict, about)

    def of_role(self, cause: Cause, role_arn: str, access: Access) -> Verdict | None:
        """Return why a service may not do something with a role, None where it goes on."""
        mode = self._reports.mode_of(cause.source_arn)
        if mode == OFF:
            return None
        if not trusts(cause, role_arn):
            access = Access(ASSUME, role_arn)
            statement: dict[str, Any] = {
                "Effect": "Allow",
                "Principal": {"Service": cause.principal},
                "Action": ASSUME,
            }
            denial = f"{cause.principal} may not {ASSUME} on {role_arn} for {cause.source_arn}"
            lacking = f"the role's trust policy lacks {json.dumps(statement)}"
            about = _About(holder=role_arn, subject=cause.source_arn, denial=denial, cause=lacking)
            return self._settle(mode, access, Verdict(NOT_ALLOWED), about)
        verdict = judge_role(cause, role_arn, access)
        if verdict.outcome == ALLOWED:
            return None
        statement = {"Effect": "Allow", "Action": access.action, "Resource": access.resource}
        about = _About(
            holder=role_arn,
            subject=cause.source_arn,
            denial=f"the role {role_arn} may not {access.action} on {access.resource} ({cause.source_arn} has it)",
            cause=_denied(verdict) or f"the role's policies lack {json.dumps(statement)}",
        )
        return self._settle(mode, access, verdict, about)

    def cannot_judge(self, function: FunctionConfiguration, what: str, reason: str) -> None:
        """Note, once for each function, that nobody can judge something."""
        if self._reports.mode_of(function.arn) != OFF and self._is_new(function.role, what, reason):
            self._reports.note(f"function {function.name}", f"{what} was not judged: {reason}")

    def _settle(self, mode: str, access: Access, verdict: Verdict, about: _About) -> Verdict | None:
        is_new = self._is_new(about.holder, access.action, access.resource, verdict.outcome, mode)
        if verdict.outcome == UNKNOWN:
            if is_new:
                text = f"{access.action} on {access.resource} was not judged: {verdict.reason}"
                self._reports.note(about.subject, text)
            return None
        if mode == ENFORCE:
            self._reports.note(about.subject, f"{about.denial}: {about.cause}")
            return verdict
        if is_new:
            what = f"{about.holder} {access.action} {access.resource}"
            self._reports.advice.give(_CODE, about.subject, about=what, denial=about.denial, cause=about.cause)
        return None

    def _is_new(self, *key: Any) -> bool:
        if key in self._reported:
            return False
        self._reported.add(key)
        return True


@dataclass(frozen=True, slots=True)
class _About:
    """A refusal in words: whose policies decide, to what it happens, what is refused, and why."""

    holder: str
    subject: str
    denial: str
    cause: str


def _lacking(cause: Cause, action: str, resource_arn: str) -> str:
    """Return what a service lacks to send to a resource."""
    if action.startswith(_ONLY_WITH_ROLE):
        return f"{cause.source_arn} has no role for this target, and needs one: RoleArn"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": cause.principal},
        "Action": action,
        "Resource": resource_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": cause.source_arn}},
    }
    return f"the policy of {resource_arn} lacks {json.dumps(statement)}"


def _denied(verdict: Verdict) -> str:
    """Return which policies have an explicit denial; empty where there is none."""
    if verdict.outcome != DENIED:
        return ""
    return f"a statement with the effect Deny in {verdict.reason or 'identity-based'} policies forbids it"
