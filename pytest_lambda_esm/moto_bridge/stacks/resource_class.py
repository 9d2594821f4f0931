"""Resource types as moto's template parser uses them: classes with the methods of ``CloudFormationModel``.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``moto.cloudformation.parsing`` calls these methods, and reads these
attributes of the resources that they return.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

from pytest_lambda_esm.moto_bridge.stacks.calls import Place
from pytest_lambda_esm.moto_bridge.stacks.kinds import Kind, Made, Wanted
from pytest_lambda_esm.moto_bridge.stacks.services import model_of


class StackResource:
    """A resource of a stack; ``replaces`` is the one that an update has replaced with it."""

    logical_resource_id: str
    cf_resource_type: str

    def __init__(self, kind: Kind, made: Made, replaces: StackResource | None = None) -> None:
        self.kind = kind
        self.made = made
        self.replaces = replaces
        self.type = made.wanted.type
        self.cf_resource_type = made.wanted.type
        self.logical_resource_id = made.wanted.logical_id

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` returns."""
        return self.made.physical_id

    def is_created(self) -> bool:
        """Whether the stack may continue: everything is created within the response that creates it."""
        return True

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """Return what ``Fn::GetAtt`` returns."""
        if attribute_name not in self.made.attributes:
            raise UnformattedGetAttTemplateException()
        return self.made.attributes[attribute_name]

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the resource."""
        self.kind.delete(self.made)


class ResourceClass:
    """A type of resource, with the methods that moto's template parser calls."""

    def __init__(self, resource_type: str, kind: Kind) -> None:
        self._type = resource_type
        self._kind = kind

    def cloudformation_type(self) -> str:
        """Return the name of the type."""
        return self._type

    def cloudformation_name_type(self) -> str | None:
        """Return None: each kind finds the name among the properties itself."""
        return None

    def has_cfn_attr(self, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows an attribute."""
        names = self._kind.attribute_names
        return names is None or attr in names

    def create_from_cloudformation_json(
        self, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **ids: str
    ) -> StackResource:
        """Create a resource."""
        wanted = Wanted(
            type=self._type,
            logical_id=ids["LogicalId"],
            stack_id=ids["StackId"],
            name=str(resource_name),
            place=Place(account_id, region_name),
            properties=cloudformation_json.get("Properties") or {},
        )
        return StackResource(self._kind, self._kind.create(wanted))

    def update_from_cloudformation_json(
        self,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        """Update a resource, or make another one; the stack then deletes the old one."""
        if not isinstance(original_resource, StackResource):
            return self._of_moto().update_from_cloudformation_json(
                original_resource, new_resource_name, cloudformation_json, account_id, region_name
            )
        before = original_resource.made
        wanted = Wanted(
            type=self._type,
            logical_id=before.wanted.logical_id,
            stack_id=before.wanted.stack_id,
            name=str(new_resource_name),
            place=before.wanted.place,
            properties=cloudformation_json.get("Properties") or {},
        )
        made = self._kind.update(before, wanted)
        replaced = made.physical_id != before.physical_id
        return StackResource(self._kind, made, original_resource if replaced else None)

    def delete_from_cloudformation_json(self, *args: Any) -> None:
        """Delete a resource of moto, which a stack has made before the fake was active."""
        self._of_moto().delete_from_cloudformation_json(*args)

    def _of_moto(self) -> Any:
        return model_of(self._type)


class IgnoredKind:
    """A type that nothing here simulates: ``Ref`` and ``Fn::GetAtt`` return texts that name the resource."""

    attribute_names: frozenset[str] | None = None

    def create(self, wanted: Wanted) -> Made:
        """Return a resource that does nothing."""
        return Made(wanted=wanted, physical_id=wanted.name, attributes=_Placeholders(wanted.name))

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Keep the resource."""
        return Made(wanted=wanted, physical_id=made.physical_id, attributes=made.attributes)

    def delete(self, made: Made) -> None:
        """Do nothing."""


class _Placeholders(dict[str, str]):
    """Attributes of a resource that is not there."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return f"{self._name}.{key}"
