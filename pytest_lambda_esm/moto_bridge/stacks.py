"""AWS::Lambda::EventInvokeConfig in moto's CloudFormation, which does not know it.

moto finds the classes of its resources among the subclasses of one class, and keeps what it found. While a fake is
active one more is found. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from moto.core.common_models import CloudFormationModel

from pytest_lambda_esm.moto_bridge.patches import Patches

_CACHES = ("get_model_list", "get_model_map", "get_name_type_map")


class InvokeConfigOperations(Protocol):
    """What stacks do to invoke configs; each in an account and region."""

    def put_invoke_config(self, account_id: str, region: str, properties: dict[str, Any]) -> dict[str, Any]:
        """State an invoke config; the parameters that name it."""
        ...

    def delete_invoke_config(self, account_id: str, region: str, names: dict[str, Any]) -> None:
        """Remove an invoke config."""
        ...


class InvokeConfigResource:
    """One resource of a stack."""

    def __init__(self, operations: InvokeConfigOperations, names: dict[str, Any]) -> None:
        self._operations = operations
        self.names = names
        self.type = "AWS::Lambda::EventInvokeConfig"

    @property
    def physical_resource_id(self) -> str:
        """CloudFormation's ``Ref``: names that tell the resource apart."""
        return f"{self.names['FunctionName']}|EventInvokeConfig|{self.names.get('Qualifier', '$LATEST')}"

    def is_created(self) -> bool:
        """Whether a stack may go on: it is made in the answer that makes it."""
        return True

    def delete(self, account_id: str, region: str) -> None:
        """CloudFormation removes the resource."""
        self._operations.delete_invoke_config(account_id, region, self.names)


def make_invoke_configs(patches: Patches, operations: InvokeConfigOperations) -> None:
    """Let stacks make, change and remove invoke configs."""

    class EventInvokeConfig:
        @staticmethod
        def cloudformation_type() -> str:
            return "AWS::Lambda::EventInvokeConfig"

        @staticmethod
        def cloudformation_name_type() -> str | None:
            return None

        @staticmethod
        def create_from_cloudformation_json(
            resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
        ) -> InvokeConfigResource:
            names = operations.put_invoke_config(account_id, region_name, cloudformation_json["Properties"])
            return InvokeConfigResource(operations, names)

        @staticmethod
        def update_from_cloudformation_json(
            original_resource: InvokeConfigResource,
            new_resource_name: str,
            cloudformation_json: dict[str, Any],
            account_id: str,
            region_name: str,
        ) -> InvokeConfigResource:
            names = operations.put_invoke_config(account_id, region_name, cloudformation_json["Properties"])
            if names != original_resource.names:
                original_resource.delete(account_id, region_name)
            return InvokeConfigResource(operations, names)

    def subclasses() -> list[Any]:
        return [*type.__subclasses__(CloudFormationModel), EventInvokeConfig]

    _forget_classes()
    patches.then(_forget_classes)
    patches.set(CloudFormationModel, "__subclasses__", subclasses)


def _forget_classes() -> None:
    parsing = sys.modules.get("moto.cloudformation.parsing")
    for name in _CACHES:
        cache_clear = getattr(getattr(parsing, name, None), "cache_clear", None)
        if cache_clear is not None:
            cache_clear()
