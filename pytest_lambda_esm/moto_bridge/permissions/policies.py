"""Judges policy documents: whether they allow an action on a resource, deny it, or nobody can say.

moto's policy engine judges the actions and resources of a statement. It compares them with regular expressions, by
case; a statement is therefore given to it with escaped patterns, actions in lower case and without its condition. Of
conditions moto knows StringEquals only, and takes one that does not hold for a denial; conditions are therefore judged
here. Whatever nobody judges (NotResource, policy variables, other keys and operators of conditions) makes the
statement's effect unknown, with the reason.

Seen with moto 5.1.9, 5.1.22 and 5.2.5: ``IAMPolicyStatement.is_action_permitted`` and ``_match``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from moto.iam.access_control import IAMPolicyStatement, PermissionResult

from pytest_lambda_esm.moto_bridge.permissions.places import Access

ALLOWED: Final = "allowed"
DENIED: Final = "denied"
"""A statement denies it."""
NOT_ALLOWED: Final = "not allowed"
"""No statement allows it."""
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement; ``reason`` says why it is unknown."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an AWS service, or principals such as a role's ARN; and the values of condition keys.

    A key with the value None is known to be absent. Keys that are not in ``keys`` are unknown. ``principals`` is empty
    where documents are those of the caller's own role.
    """

    principals: frozenset[str]
    keys: tuple[tuple[str, str | None], ...]


@lru_cache(maxsize=4096)
def judge(documents: tuple[str, ...], access: Access, caller: Caller) -> Verdict:
    """Judge an access by policy documents, which are JSON texts."""
    denial, allowance = "", ""
    allowed = False
    for effect, applies in _statements(documents, access, caller):
        if effect == "Deny":
            if applies is True:
                return Verdict(DENIED)
            denial = denial or str(applies)
        elif applies is True:
            allowed = True
        else:
            allowance = allowance or str(applies)
    if denial:
        return Verdict(UNKNOWN, denial)
    if allowed:
        return Verdict(ALLOWED)
    return Verdict(UNKNOWN, allowance) if allowance else Verdict(NOT_ALLOWED)


def _statements(documents: Iterable[str], access: Access, caller: Caller) -> Iterable[tuple[str, bool | str]]:
    """Yield the effect of each statement that applies (True), or may apply (the reason why that is unknown)."""
    for document in documents:
        try:
            statements = json.loads(document)["Statement"]
        except (ValueError, KeyError, TypeError):
            yield "Allow", "a policy is not a JSON document with statements"
            continue
        for statement in _listed(statements):
            applies = _applies(statement, access, caller)
            if applies is not False:
                yield statement.get("Effect", ""), applies


def _applies(statement: Mapping[str, Any], access: Access, caller: Caller) -> bool | str:
    """Return whether a statement applies, or why that is unknown."""
    principal = _principal(statement, caller) if caller.principals else True
    if principal is False or not _matches(statement, access.action, None):
        return False
    if "NotResource" in statement:
        return "a statement has NotResource"
    if not _matches(statement, access.action, access.resource):
        variables = any("${" in text for text in _listed(statement.get("Resource")))
        return "a resource has a policy variable" if variables else False
    condition = _condition(statement.get("Condition") or {}, dict(caller.keys))
    return principal if condition is True else condition


def _matches(statement: Mapping[str, Any], action: str, resource: str | None) -> bool:
    """Return moto's judgement of the actions and, unless ``resource`` is None, of the resources of a statement."""
    element = "NotAction" if "NotAction" in statement else "Action"
    actions = [_pattern(text.lower()) for text in _listed(statement.get(element))]
    given: dict[str, Any] = {"Effect": "Allow", element: actions}
    if resource is not None and "Resource" in statement:  # The trust policy of a role has none.
        given["Resource"] = [_pattern(text) for text in _listed(statement["Resource"])]
    result = IAMPolicyStatement(given).is_action_permitted(action.lower(), resource or "*")
    return bool(result == PermissionResult.PERMITTED)


def _pattern(text: str) -> str:
    """Return a pattern of a policy as moto takes it: all but its asterisks is a regular expression."""
    return "*".join(".".join(re.escape(part) for part in piece.split("?")) for piece in text.split("*"))


def _principal(statement: Mapping[str, Any], caller: Caller) -> bool | str:
    """Return whether a statement is for the caller, or why that is unknown."""
    if "NotPrincipal" in statement:
        return "a statement has NotPrincipal"
    principal = statement.get("Principal", {})
    named = (
        _listed(principal)
        if isinstance(principal, str)
        else [name for names in principal.values() for name in _listed(names)]
    )
    return "*" in named or not caller.principals.isdisjoint(named)


# --- conditions -----------------------------------------------------------------------------------------------


def _equal(expected: str, actual: str) -> bool:
    return expected == actual


def _like(expected: str, actual: str) -> bool:
    return IAMPolicyStatement._match(_pattern(expected), actual) is not None


def _alike(expected: str, actual: str) -> bool:
    return expected.lower() == actual.lower()


_OPERATORS: Final = {
    "StringEquals": _equal,
    "StringLike": _like,
    "StringEqualsIgnoreCase": _alike,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _alike,
}
_NEGATED: Final = {
    "StringNotEquals": _equal,
    "StringNotLike": _like,
    "StringNotEqualsIgnoreCase": _alike,
    "ArnNotEquals": _like,
    "ArnNotLike": _like,
}


def _condition(condition: Mapping[str, Any], keys: Mapping[str, str | None]) -> bool | str:
    """Return whether all tests of a condition hold, or the first that nobody can judge."""
    known = {key.lower(): value for key, value in keys.items()}
    unknown = ""
    for operator, tests in condition.items():
        name, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
        compare = _OPERATORS.get(name) or _NEGATED.get(name)
        for key, expected in tests.items():
            if compare is None or key.lower() not in known:
                unknown = unknown or f"the condition {operator} {key} cannot be judged"
                continue
            actual, negated = known[key.lower()], name in _NEGATED
            if actual is None:
                holds = if_exists or negated
            else:
                holds = any(compare(_text(value), actual) for value in _listed(expected)) is not negated
            if not holds:
                return False
    return unknown or True


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]
