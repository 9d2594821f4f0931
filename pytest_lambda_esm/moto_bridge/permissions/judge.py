"""Judges what a function's role may do, and what a service may do with a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

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
ASSUME: Final = "sts:AssumeRole"
EVENTS: Final = "events.amazonaws.com"
_UNREAD: Final = frozenset({"events", "logs"})
"""Services whose resources have policies that moto has no storage for."""
Keys: TypeAlias = tuple[tuple[str, "str | None"], ...]
"""The values of condition keys; None for those that are known to be absent."""
_LAMBDA: Final = Caller(frozenset({"lambda.amazonaws.com"}), ())


@dataclass(frozen=True, slots=True)
class Cause:
    """The resource whose event a service sends on: its ARN, and the service's principal.

    ``roles`` are the ARNs of the roles with which it reaches some targets, by the ARN of the target. The policy of the
    target decides about the others.
    """

    principal: str
    source_arn: str
    account_id: str
    roles: Mapping[str, str] = field(default_factory=dict)


def session_arn(function: FunctionConfiguration) -> str:
    """Return who a function is for AWS: the session of its role that has the function's name."""
    role = Arn.parse(function.role)
    partition, account_id = (role.partition, role.account_id) if role is not None else ("aws", function.account_id)
    return f"arn:{partition}:sts::{account_id}:assumed-role/{function.role.rpartition('/')[2]}/{function.name}"


def judge_function(function: FunctionConfiguration, access: Access) -> Verdict:
    """Judge an access of a function by its role's policies, and by those of the resource."""
    keys = (*_keys_of(function.role, function.account_id), ("lambda:SourceFunctionArn", function.arn))
    return _judge_role(function.role, session_arn(function), access, keys)


def judge_role(cause: Cause, role_arn: str, access: Access) -> Verdict:
    """Judge what a service does with a role, by the role's policies and by those of the resource."""
    return _judge_role(role_arn, role_arn, access, _keys_of(role_arn, cause.account_id))


def _judge_role(role_arn: str, session: str, access: Access, keys: Keys) -> Verdict:
    role = find_role(role_arn)
    if role is None:
        return Verdict(UNKNOWN, f"there is no role {role_arn or 'of the function'} in moto")
    if role.is_own:
        return _ALLOWED
    verdict = judge(role.documents, access, Caller(frozenset(), keys))
    if verdict.outcome == NOT_ALLOWED and role.missing:
        verdict = Verdict(UNKNOWN, f"its policy {role.missing[0]} is not in moto")
    elif verdict.outcome == ALLOWED and role.limited:
        verdict = Verdict(UNKNOWN, "it has a permissions boundary")
    document = resource_policy(access.resource)
    if document is None or verdict.outcome == DENIED:
        return verdict
    principals = frozenset({role_arn, session})
    of_resource = judge((document,), access, Caller(principals, keys))
    if of_resource.outcome == DENIED:
        return Verdict(DENIED, "resource-based")
    if of_resource.outcome == UNKNOWN:
        return of_resource
    # Within an account, either of the two policies is enough.
    return of_resource if verdict.outcome == NOT_ALLOWED else verdict


def judge_service(cause: Cause, action: str, resource_arn: str) -> Verdict:
    """Judge what a service does with a resource by the resource's own policy."""
    resource = Arn.parse(resource_arn)
    if resource is not None and resource.service in _UNREAD:
        return Verdict(UNKNOWN, f"the fake does not read the policies of {resource.service}")
    document = resource_policy(resource_arn)
    if document is None:
        return Verdict(NOT_ALLOWED)
    keys = (
        ("aws:SourceArn", cause.source_arn),
        ("aws:SourceAccount", cause.account_id),
        ("aws:SourceOwner", None if cause.principal == EVENTS else cause.account_id),
        ("aws:SecureTransport", "true"),
        ("aws:PrincipalIsAWSService", "true"),
    )
    return judge((document,), Access(action, resource_arn), Caller(frozenset({cause.principal}), keys))


def trusts(cause: Cause, role_arn: str) -> bool:
    """Whether a service may assume a role for one of its resources; as for Lambda where that cannot be judged."""
    keys = (("aws:SourceArn", cause.source_arn), ("aws:SourceAccount", cause.account_id))
    return _trusts(role_arn, Caller(frozenset({cause.principal}), keys))


def trusts_lambda(role_arn: str) -> bool:
    """Whether Lambda may assume a role. A role that moto lacks is left to moto, and a condition counts as met."""
    return _trusts(role_arn, _LAMBDA)


def _trusts(role_arn: str, service: Caller) -> bool:
    role = find_role(role_arn)
    if role is None or role.is_own:
        return True
    return judge((role.trust,), Access(ASSUME, role_arn), service).outcome in (ALLOWED, UNKNOWN)


def _keys_of(role_arn: str, account_id: str) -> Keys:
    """Return the condition keys of requests that are made with the credentials of a role."""
    role = Arn.parse(role_arn)
    account_id = role.account_id if role is not None else account_id
    return (
        ("aws:PrincipalArn", role_arn),
        ("aws:PrincipalAccount", account_id),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:SecureTransport", "true"),
        ("aws:SourceArn", None),
        ("aws:SourceAccount", None),
        ("aws:SourceOwner", None),
    )
