"""Connects moto's CloudFormation, its tagging and its own methods on mappings with the fake.

moto attaches mappings to queues, streams and tables, and those deliver inside the producer's call. While a fake is
active none is attached: moto's methods on mappings call the fake, and the mappings that moto already had are detached
and adopted. Other resource types are in ``stacks/``, which is imported when a test first uses CloudFormation.

Seen with moto 5.1.9, 5.2.0 and 5.2.5: the methods of ``LambdaBackend`` that are replaced below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from moto.awslambda.models import EventSourceMapping, LambdaBackend, lambda_backends

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.mappings.mapping import Mapping, TaggedMapping
from pytest_lambda_esm.moto_bridge.lookups import lambda_backends_in_use, polled_sources
from pytest_lambda_esm.patching import Patches, original_of

Adopt = Callable[[str, str, str, dict[str, Any]], None]
"""Takes the account, region, UUID and CreateEventSourceMapping parameters of a mapping that moto already had."""
MakeOperations = Callable[[], "StackOperations"]
"""Returns the operations; called when a stack or one of moto's methods first needs them."""

_MAPPING_TYPE: Final = "AWS::Lambda::EventSourceMapping"
_ATTRIBUTES: Final = {"Id": "uuid", "EventSourceMappingArn": "arn"}
"""What ``Fn::GetAtt`` returns of a mapping, as attributes of :class:`MappingHandle`."""
_READ_ONLY: Final = frozenset(
    {
        "UUID",
        "EventSourceMappingArn",
        "FunctionArn",
        "LastModified",
        "State",
        "StateTransitionReason",
        "LastProcessingResult",
    }
)
"""Members of a mapping in moto that are not parameters of CreateEventSourceMapping."""


class StackOperations(Protocol):
    """The operations behind stacks and moto's own methods; each raises ApiError for what AWS refuses."""

    def create(self, account_id: str, region: str, properties: dict[str, Any]) -> TaggedMapping:
        """Create a mapping and wait until it is stable."""
        ...

    def update(self, account_id: str, region: str, uuid: str, properties: dict[str, Any]) -> TaggedMapping | None:
        """Update a mapping and wait until it is stable; None where it does not exist."""
        ...

    def delete(self, account_id: str, region: str, uuid: str) -> TaggedMapping | None:
        """Delete a mapping and wait until it is gone; None where it does not exist."""
        ...

    def list(self, account_id: str, region: str) -> Iterable[TaggedMapping]:
        """Return all mappings."""
        ...


def install(patches: Patches, operations: MakeOperations, adopt: Adopt) -> None:
    """Route stacks and moto's methods on mappings to ``operations()``, and have moto's earlier mappings adopted."""
    _install_mappings(patches, operations)
    _adopt_mappings(patches, adopt)


# --- mappings ------------------------------------------------------------------------------------------------


class MappingHandle:
    """A mapping of the fake, with the attributes that moto's CloudFormation and tagging read."""

    type = _MAPPING_TYPE

    def __init__(self, mapping: Mapping, tags: dict[str, str]) -> None:
        self.uuid = mapping.uuid
        self.arn = mapping.arn
        self.event_source_arn = mapping.source_arn
        self.function_name = mapping.function_arn
        self.tags = tags

    @property
    def physical_resource_id(self) -> str:
        """CloudFormation's ``Ref`` of a mapping: its UUID."""
        return self.uuid

    def is_created(self) -> bool:
        """Whether the stack may continue: the mapping is created within the response that creates it."""
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Return CloudFormation's ``Fn::GetAtt`` of a mapping."""
        if attribute_name not in _ATTRIBUTES:
            from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

            raise UnformattedGetAttTemplateException()
        value: str = getattr(self, _ATTRIBUTES[attribute_name])
        return value

    def delete(self, account_id: str, region: str) -> None:
        """Delete the resource, as CloudFormation does when a stack goes."""
        lambda_backends[account_id][region].delete_event_source_mapping(self.uuid)


def _install_mappings(patches: Patches, operations: MakeOperations) -> None:
    by_arn = original_of(LambdaBackend, "_get_resource_by_arn")

    def handles(backend: Any) -> dict[str, MappingHandle]:
        listed = operations().list(backend.account_id, backend.region_name)
        return {mapping.uuid: MappingHandle(mapping, tags) for mapping, tags in listed}

    def create(self: Any, spec: dict[str, Any]) -> MappingHandle:
        with _errors_of_stacks():
            return MappingHandle(*operations().create(self.account_id, self.region_name, spec))

    def get(self: Any, uuid: str) -> MappingHandle | None:
        return handles(self).get(uuid)

    def update(self: Any, uuid: str, spec: dict[str, Any]) -> MappingHandle | None:
        with _errors_of_stacks():
            updated = operations().update(self.account_id, self.region_name, uuid, spec)
        return MappingHandle(*updated) if updated else None

    def delete(self: Any, uuid: str) -> MappingHandle | None:
        with _errors_of_stacks():
            deleted = operations().delete(self.account_id, self.region_name, uuid)
        return MappingHandle(*deleted) if deleted else None

    def list_of_source(self: Any, event_source_arn: str, function_name: str) -> list[MappingHandle]:
        return [handle for handle in handles(self).values() if handle.event_source_arn == event_source_arn]

    def resource_by_arn(self: Any, arn: str) -> Any:
        if ":event-source-mapping:" in arn:
            handle = handles(self).get(arn.rpartition(":")[2])
            if handle is not None:
                return handle
        return by_arn(self, arn)

    patches.set(EventSourceMapping, "has_cfn_attr", staticmethod(lambda attr: attr in _ATTRIBUTES))
    patches.set(LambdaBackend, "create_event_source_mapping", create)
    patches.set(LambdaBackend, "get_event_source_mapping", get)
    patches.set(LambdaBackend, "update_event_source_mapping", update)
    patches.set(LambdaBackend, "delete_event_source_mapping", delete)
    patches.set(LambdaBackend, "list_event_source_mappings", list_of_source)
    patches.set(LambdaBackend, "_get_resource_by_arn", resource_by_arn)


def _adopt_mappings(patches: Patches, adopt: Adopt) -> None:
    """Detach the mappings that moto has from their sources, and hand each of them to ``adopt``."""
    for source in polled_sources():
        if source.lambda_event_source_mappings:
            patches.set(source, "lambda_event_source_mappings", {})
    for backend in lambda_backends_in_use():
        for uuid, mapping in list(backend._event_source_mappings.items()):
            adopt(backend.account_id, backend.region_name, uuid, _parameters(mapping))


def _parameters(mapping: Any) -> dict[str, Any]:
    configuration = mapping.get_configuration()
    settings = {name: value for name, value in configuration.items() if name not in _READ_ONLY}
    return {**settings, "FunctionName": mapping.function_arn, "Enabled": mapping.enabled}


@contextmanager
def _errors_of_stacks() -> Iterator[None]:
    """Raise an error of Lambda as CloudFormation passes it on to the caller of its operation."""
    try:
        yield
    except ApiError as error:
        from moto.cloudformation.exceptions import ValidationError

        raise ValidationError(message=f'Resource handler returned message: "{error.message}" ({error.code})') from error
