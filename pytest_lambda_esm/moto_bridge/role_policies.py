"""Keeps the policies of a template's roles, of which moto forgets some.

Seen with moto 5.1.9, 5.1.22 and 5.2.5: ``Role.create_from_cloudformation_json`` drops ``ManagedPolicyArns``, and
``Role.update_from_cloudformation_json`` both these and ``Policies``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.iam.models import Role

from pytest_lambda_esm.patching import Patches, original_of

_MANAGED: Final = "_lambda_esm_managed_policies"
"""An attribute added to moto's roles: the ARNs of the managed policies that a template gives them."""


def managed_policies(role: Any) -> tuple[str, ...]:
    """Return the ARNs of a role's managed policies."""
    return tuple(dict.fromkeys([*role.managed_policies, *vars(role).get(_MANAGED, ())]))


def install(patches: Patches) -> None:
    """Keep the policies that templates give to roles."""
    for name in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        patches.set(Role, name, classmethod(_keeping_policies(original_of(Role, name))))


def _keeping_policies(make: Callable[..., Any]) -> Callable[..., Any]:
    def make_role(cls: Any, *args: Any, **kwargs: Any) -> Any:
        role = make(cls, *args, **kwargs)
        properties = next(each for each in (*args, *kwargs.values()) if isinstance(each, dict))["Properties"]
        _keep(role, properties)
        return role

    return make_role


def _keep(role: Any, properties: Mapping[str, Any]) -> None:
    setattr(role, _MANAGED, [str(arn) for arn in properties.get("ManagedPolicyArns") or ()])
    for policy in properties.get("Policies") or ():
        role.policies[policy["PolicyName"]] = json.dumps(policy["PolicyDocument"], default=str)
