"""Tells pollers when a role's policies, or the role of a function, change; and checks the roles of functions.

Seen with moto 5.1.9, 5.1.22 and 5.2.5: these methods of ``IAMBackend``, ``Role`` and ``LambdaFunction``, and
``LambdaStorage.put_function``, which refuses a role that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction, LambdaStorage
from moto.iam.models import IAMBackend, Role

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.moto_bridge.functions import configuration_of
from pytest_lambda_esm.moto_bridge.permissions.enforcement import Enforcement
from pytest_lambda_esm.moto_bridge.permissions.judge import trusts_lambda
from pytest_lambda_esm.moto_bridge.permissions.sends import sending
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
_NOT_ASSUMABLE: Final = "The role defined for the function cannot be assumed by Lambda."
_NO_DEAD_LETTERS: Final = "The provided execution role does not have permissions to call {operation} on {service}"


class RoleChanges:
    """What follows from changes of roles and functions. ``changed()`` is called after each."""

    def __init__(self, enforcement: Enforcement, changed: Callable[[], None]) -> None:
        self._enforcement = enforcement
        self._changed = changed

    def install(self, patches: Patches) -> None:
        """Notice changes from now on, and refuse functions whose role Lambda cannot use."""
        for name in _CHANGES:
            patches.set(IAMBackend, name, self._then_changed(original_of(IAMBackend, name)))
        patches.set(Role, "put_policy", self._then_changed(original_of(Role, "put_policy")))
        self._install_functions(patches)

    def _install_functions(self, patches: Patches) -> None:
        put = original_of(LambdaStorage, "put_function")
        update = self._then_changed(original_of(LambdaFunction, "update_configuration"))

        def put_function(storage: Any, fn: Any) -> None:
            function = configuration_of(fn)
            self._check(function, function.dead_letter)
            put(storage, fn)

        def update_configuration(fn: Any, config_updates: dict[str, Any]) -> Any:
            function = configuration_of(fn)
            function = replace(function, role=config_updates.get("Role", function.role))
            target = config_updates.get("DeadLetterConfig", {}).get("TargetArn")
            self._check(function, target or function.dead_letter)
            return update(fn, config_updates)

        patches.set(LambdaStorage, "put_function", put_function)
        patches.set(LambdaFunction, "update_configuration", update_configuration)

    def _check(self, function: FunctionConfiguration, dead_letter: str | None) -> None:
        """Refuse a role that does not trust Lambda, or that may not send to the function's dead-letter target."""
        if not trusts_lambda(function.role):
            raise InvalidParameterValueException(_NOT_ASSUMABLE)
        access = sending(dead_letter) if dead_letter is not None else None
        if access is None:
            return
        if self._enforcement.of_function(function, access, f"dead letters of {function.name}") is not None:
            service, _, operation = access.action.partition(":")
            raise InvalidParameterValueException(_NO_DEAD_LETTERS.format(operation=operation, service=service.upper()))

    def _then_changed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def change(*args: Any, **kwargs: Any) -> Any:
            answer = original(*args, **kwargs)
            self._changed()
            return answer

        return change
