"""Judges what a function's role may do, and what a service may do with a resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.moto_bridge.permissions.places import Access
from pytest_lambda_esm.moto_bridge.permissions.policies import (
    ALLOWED,
    DENIED,
    NOT_ALLOWED,
    UNKNOWN,
    Caller,
    Verdict,
    judge,
)
from pytest_lambda_esm.moto_bridge.permissions.roles import find_role, resource_policy

_ALLOWED: Final = Verdict(ALLOWED)
_ASSUME: Final = "sts:AssumeRole"
_LAMBDA: Final = Caller(frozenset({"lambda.amazonaws.com"}), ())


@dataclass(frozen=True, slots=True)
class Cause:
    """The resource whose event a service sends on: its ARN, and the service's principals.

    ``with_role`` are the targets that the service reaches with a role of theirs instead of its own name.
    """

    principals: frozenset[str]
    source_arn: str
    account_id: str
    with_role: frozenset[str] = frozenset()


def session_arn(function: FunctionConfiguration) -> str:
    """Return who a function is for AWS: the session of its role that has the function's name."""
    role = Arn.parse(function.role)
    partition, account_id = (role.partition, role.account_id) if role is not None else ("aws", function.account_id)
    return f"arn:{partition}:sts::{account_id}:assumed-role/{function.role.rpartition('/')[2]}/{function.name}"


def judge_function(function: FunctionConfiguration, access: Access) -> Verdict:
    """Judge an access of a function by its role's policies, and by those of the resource."""
    role = find_role(function.role)
    if role is None:
        return Verdict(UNKNOWN, f"there is no role {function.role or 'of the function'} in moto")
    if role.is_own:
        return _ALLOWED
    keys = _keys_of(function)
    verdict = judge(role.documents, access, Caller(frozenset(), keys))
    if verdict.outcome == NOT_ALLOWED and role.missing:
        verdict = Verdict(UNKNOWN, f"its policy {role.missing[0]} is not in moto")
    elif verdict.outcome == ALLOWED and role.limited:
        verdict = Verdict(UNKNOWN, "it has a permissions boundary")
    document = resource_policy(access.resource)
    if document is None or verdict.outcome == DENIED:
        return verdict
    principals = frozenset({function.role, session_arn(function)})
    of_resource = judge((document,), access, Caller(principals, keys))
    if of_resource.outcome == DENIED:
        return Verdict(DENIED, "resource-based")
    if of_resource.outcome == UNKNOWN:
        return of_resource
    # Within an account, either of the two policies is enough.
    return of_resource if verdict.outcome == NOT_ALLOWED else verdict


def judge_service(cause: Cause, action: str, resource_arn: str) -> Verdict:
    """Judge what a service does with a resource by the resource's own policy."""
    if resource_arn in cause.with_role:
        return Verdict(UNKNOWN, "the service has a role for it")
    document = resource_policy(resource_arn)
    if document is None:
        return Verdict(NOT_ALLOWED)
    keys = (
        ("aws:SourceArn", cause.source_arn),
        ("aws:SourceAccount", cause.account_id),
        ("aws:SourceOwner", cause.account_id),
        ("aws:SecureTransport", "true"),
        ("aws:PrincipalIsAWSService", "true"),
    )
    return judge((document,), Access(action, resource_arn), Caller(cause.principals, keys))


def trusts_lambda(role_arn: str) -> bool:
    """Whether Lambda may assume a role. A role that moto lacks is left to moto, and a condition counts as met."""
    role = find_role(role_arn)
    if role is None:
        return True
    return judge((role.trust,), Access(_ASSUME, role_arn), _LAMBDA).outcome in (ALLOWED, UNKNOWN)


def _keys_of(function: FunctionConfiguration) -> tuple[tuple[str, str | None], ...]:
    """Return the condition keys of requests that a function makes with its own credentials."""
    role = Arn.parse(function.role)
    account_id = role.account_id if role is not None else function.account_id
    return (
        ("aws:PrincipalArn", function.role),
        ("aws:PrincipalAccount", account_id),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:SecureTransport", "true"),
        ("aws:SourceArn", None),
        ("aws:SourceAccount", None),
        ("aws:SourceOwner", None),
        ("lambda:SourceFunctionArn", function.arn),
    )
