"""Tells pollers when a role's policies, or the role of a function, change; and checks the roles of functions.

Seen with moto 5.1.9, 5.1.22 and 5.2.5: these methods of ``IAMBackend``, ``Role`` and ``LambdaFunction``, and
``LambdaStorage.put_function``, which refuses a role that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction, LambdaStorage
from moto.iam.models import IAMBackend, Role

from pytest_lambda_esm.moto_bridge.permissions.judge import trusts_lambda
from pytest_lambda_esm.patching import Patches, original_of

_CHANGES: Final = (
    "attach_role_policy",
    "detach_role_policy",
    "delete_role_policy",
    "create_policy_version",
    "delete_policy_version",
    "set_default_policy_version",
    "create_role",
    "delete_role",
    "put_role_permissions_boundary",
    "delete_role_permissions_boundary",
)
NOT_ASSUMABLE: Final = "The role defined for the function cannot be assumed by Lambda."


def install(patches: Patches, changed: Callable[[], None]) -> None:
    """Call ``changed()`` after each change, and refuse functions whose role does not trust Lambda."""
    for name in _CHANGES:
        patches.set(IAMBackend, name, _then(original_of(IAMBackend, name), changed))
    patches.set(Role, "put_policy", _then(original_of(Role, "put_policy"), changed))
    update = original_of(LambdaFunction, "update_configuration")

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        _check_role(config_updates.get("Role"))
        answer = update(self, config_updates)
        changed()
        return answer

    patches.set(LambdaFunction, "update_configuration", update_configuration)
    put = original_of(LambdaStorage, "put_function")

    def put_function(self: Any, fn: Any) -> None:
        _check_role(fn.role)
        put(self, fn)

    patches.set(LambdaStorage, "put_function", put_function)


def _check_role(role_arn: str | None) -> None:
    if role_arn is not None and not trusts_lambda(role_arn):
        raise InvalidParameterValueException(NOT_ASSUMABLE)


def _then(original: Callable[..., Any], changed: Callable[[], None]) -> Callable[..., Any]:
    def change(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        changed()
        return answer

    return change
