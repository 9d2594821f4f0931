"""Mappings that other parts of moto make and read: those made before the fake began, CloudFormation's, and tags.

moto keeps mappings attached to queues, streams and tables, which deliver inside the producer's call. While a fake is
active none is attached, and moto's own methods on mappings lead to the fake's. Seen with moto 5.1.9, 5.2.0, 5.2.5.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from moto.awslambda.models import EventSourceMapping, LambdaBackend, lambda_backends
from moto.core.common_models import CloudFormationModel

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.mappings.mapping import Mapping, TaggedMapping
from pytest_lambda_esm.moto_bridge.lookups import lambda_backends_in_use, polled_sources
from pytest_lambda_esm.patching import Patches


class Handle:
    """A mapping of the fake, as moto's CloudFormation and tagging want to see one."""

    def __init__(self, mapping: Mapping, tags: dict[str, str]) -> None:
        self.uuid = mapping.uuid
        self.arn = mapping.arn
        self.event_source_arn = mapping.source_arn
        self.function_name = mapping.function_arn
        self.tags = tags
        self.type = "AWS::Lambda::EventSourceMapping"

    @property
    def physical_resource_id(self) -> str:
        """CloudFormation's ``Ref`` of a mapping is its UUID."""
        return self.uuid

    def is_created(self) -> bool:
        """Whether a stack may go on: it is made in the answer that makes it."""
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """CloudFormation's ``Fn::GetAtt`` of a mapping."""
        attributes = {"Id": self.uuid, "EventSourceMappingArn": self.arn}
        if attribute_name not in attributes:
            from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

            raise UnformattedGetAttTemplateException()
        return attributes[attribute_name]

    def delete(self, account_id: str, region: str) -> None:
        """CloudFormation removes the resource."""
        lambda_backends[account_id][region].delete_event_source_mapping(self.uuid)


class MappingOperations(Protocol):
    """What moto's methods on mappings lead to; each in an account and region. Mappings come with their tags."""

    def create(self, account_id: str, region: str, properties: dict[str, Any]) -> TaggedMapping:
        """Make a mapping and wait until it has settled."""
        ...

    def update(self, account_id: str, region: str, uuid: str, properties: dict[str, Any]) -> TaggedMapping | None:
        """Change a mapping and wait until it has settled."""
        ...

    def delete(self, account_id: str, region: str, uuid: str) -> TaggedMapping | None:
        """Delete a mapping and wait until it is gone."""
        ...

    def list(self, account_id: str, region: str) -> Iterable[TaggedMapping]:
        """All mappings."""
        ...


class InvokeConfigOperations(Protocol):
    """What stacks do to invoke configs; each in an account and region."""

    def put_invoke_config(self, account_id: str, region: str, properties: dict[str, Any]) -> dict[str, Any]:
        """State an invoke config; the parameters that name it."""
        ...

    def delete_invoke_config(self, account_id: str, region: str, names: dict[str, Any]) -> None:
        """Remove an invoke config."""
        ...


class StackOperations(MappingOperations, InvokeConfigOperations, Protocol):
    """Everything that stacks do."""


Adopt = Callable[[str, str, str, dict[str, Any]], None]
"""Takes the account, region, UUID and parameters of a mapping that moto had before the fake was started."""


def install(patches: Patches, operations: StackOperations, adopt: Adopt) -> None:
    """Let stacks and moto's own methods reach the fake's mappings and invoke configs, and adopt moto's mappings."""
    _install_mappings(patches, operations)
    _install_invoke_configs(patches, operations)
    _adopt_mappings(patches, adopt)


def _install_mappings(patches: Patches, operations: MappingOperations) -> None:
    """Let moto's own methods on mappings lead to the fake's."""
    by_arn = LambdaBackend._get_resource_by_arn

    def handles(backend: Any) -> dict[str, Handle]:
        listed = operations.list(backend.account_id, backend.region_name)
        return {mapping.uuid: Handle(mapping, tags) for mapping, tags in listed}

    def create(self: Any, spec: dict[str, Any]) -> Handle:
        with _errors_of_stacks():
            return Handle(*operations.create(self.account_id, self.region_name, spec))

    def get(self: Any, uuid: str) -> Handle | None:
        return handles(self).get(uuid)

    def update(self: Any, uuid: str, spec: dict[str, Any]) -> Handle | None:
        with _errors_of_stacks():
            updated = operations.update(self.account_id, self.region_name, uuid, spec)
        return Handle(*updated) if updated else None

    def delete(self: Any, uuid: str) -> Handle | None:
        with _errors_of_stacks():
            deleted = operations.delete(self.account_id, self.region_name, uuid)
        return Handle(*deleted) if deleted else None

    def listed(self: Any, event_source_arn: str, function_name: str) -> list[Handle]:
        return [handle for handle in handles(self).values() if handle.event_source_arn == event_source_arn]

    def resource_by_arn(self: Any, arn: str) -> Any:
        if ":event-source-mapping:" in arn:
            handle = handles(self).get(arn.rpartition(":")[2])
            if handle is not None:
                return handle
        return by_arn(self, arn)

    patches.set(EventSourceMapping, "has_cfn_attr", staticmethod(lambda attr: attr in ("Id", "EventSourceMappingArn")))
    patches.set(LambdaBackend, "create_event_source_mapping", create)
    patches.set(LambdaBackend, "get_event_source_mapping", get)
    patches.set(LambdaBackend, "update_event_source_mapping", update)
    patches.set(LambdaBackend, "delete_event_source_mapping", delete)
    patches.set(LambdaBackend, "list_event_source_mappings", listed)
    patches.set(LambdaBackend, "_get_resource_by_arn", resource_by_arn)


def _adopt_mappings(patches: Patches, adopt: Adopt) -> None:
    """Detach the mappings that moto has, and hand each to ``adopt(account, region, uuid, parameters)``."""
    for source in polled_sources():
        if source.lambda_event_source_mappings:
            patches.set(source, "lambda_event_source_mappings", {})
    for backend in lambda_backends_in_use():
        for uuid, mapping in list(backend._event_source_mappings.items()):
            adopt(backend.account_id, backend.region_name, uuid, _parameters(mapping))


def _parameters(mapping: Any) -> dict[str, Any]:
    configuration = mapping.get_configuration()
    shown_only = {
        "UUID",
        "EventSourceMappingArn",
        "FunctionArn",
        "LastModified",
        "State",
        "StateTransitionReason",
        "LastProcessingResult",
    }
    given = {name: value for name, value in configuration.items() if name not in shown_only}
    return {**given, "FunctionName": mapping.function_arn, "Enabled": mapping.enabled}


@contextmanager
def _errors_of_stacks() -> Iterator[None]:
    """Raise an error of Lambda as CloudFormation passes it on to whoever asked for the resource."""
    try:
        yield
    except ApiError as error:
        from moto.cloudformation.exceptions import ValidationError

        raise ValidationError(message=f'Resource handler returned message: "{error.message}" ({error.code})') from error


_CACHES = ("get_model_list", "get_model_map", "get_name_type_map")


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
        with _errors_of_stacks():
            self._operations.delete_invoke_config(account_id, region, self.names)


def _install_invoke_configs(patches: Patches, operations: InvokeConfigOperations) -> None:
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
            with _errors_of_stacks():
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
            with _errors_of_stacks():
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
