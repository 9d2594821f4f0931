"""Mappings and invoke configs in stacks: the operations of the API, called with the properties of a template.

CloudFormation waits for a mapping to settle before the resource is complete. moto's stacks are complete in the
response, so the mapping settles within the call. Properties that an update leaves out return to their defaults, except
the batching window of Kafka and Amazon MQ, which no update can reset. A change of properties that AWS cannot update
replaces the mapping: the new one is created before the old one is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.mapping_settings import FIXED, RESETS
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.aws_model.template_properties import converted
from pytest_lambda_esm.mappings.mapping import Mapping, TaggedMapping
from pytest_lambda_esm.sources.event_source import EventSource

_REPLACING: Final = (
    "EventSourceArn",
    "Queues",
    "SelfManagedEventSource",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Topics",
)
"""Properties that AWS cannot update."""

_PARTS: Final[dict[str, dict[str, Any]]] = {
    "AmazonManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": {}},
    "DocumentDBEventSourceConfig": {"FullDocument": "Default"},
    "ProvisionedPollerConfig": {"PollerGroupName": ""},
    "SelfManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": {}},
}
"""Members that an update can state in part, and the values that reset their parts."""


class CloudFormationResources:
    """Performs moto's own methods on mappings, and those of its stacks. They raise ApiError for AWS's refusals."""

    def __init__(self, mappings: EventSourceMappings, others: ReadOnly[str, Operation], model: LambdaModel) -> None:
        """``others`` are the operations on invoke configs, and ``Invoke``."""
        self._mappings = mappings
        self._operations = {**mappings.operations(), **others}
        self._model = model
        self._templates: dict[str, dict[str, Any]] = {}

    # --- mappings ----------------------------------------------------------------------------------------

    def create(self, account_id: str, region: str, properties: dict[str, Any]) -> TaggedMapping:
        """Create a mapping and let it settle."""
        caller = Caller(account_id, region)
        params = self._parameters("CreateEventSourceMapping", properties)
        answer = self._call("CreateEventSourceMapping", caller, params)
        mapping = self._mappings.find(caller, answer["UUID"])
        assert mapping is not None
        mapping._settle_now()
        self._templates[mapping.uuid] = params
        return self._tagged(mapping)

    def update(self, account_id: str, region: str, uuid: str, properties: dict[str, Any]) -> TaggedMapping | None:
        """Update or replace a mapping and let it settle; None if it does not exist."""
        caller = Caller(account_id, region)
        mapping = self._mappings.find(caller, uuid)
        if mapping is None:
            return None
        mapping._settle_now()
        params = self._parameters("CreateEventSourceMapping", properties)
        # The template of a mapping from before the fake is unknown; assume that it stated the same members.
        assumed = {name: value for name, value in mapping.settings.items() if name in params}
        before = self._templates.get(uuid, assumed)
        if _replacing(params) != _replacing(before):
            replacement = self.create(account_id, region, properties)
            self.delete(account_id, region, uuid)
            return replacement
        changes = _changes(before, params, self._mappings.source_of(mapping))
        self._call("UpdateEventSourceMapping", caller, {"UUID": uuid, **changes})
        tags = self._mappings.tags(mapping)
        tags.clear()
        tags.update(params.get("Tags", {}))
        mapping._settle_now()
        self._templates[uuid] = params
        return self._tagged(mapping)

    def delete(self, account_id: str, region: str, uuid: str) -> TaggedMapping | None:
        """Delete a mapping and let the deletion complete; None if it does not exist."""
        caller = Caller(account_id, region)
        mapping = self._mappings.find(caller, uuid)
        if mapping is None:
            return None
        mapping._settle_now()
        deleted = self._tagged(mapping)
        self._call("DeleteEventSourceMapping", caller, {"UUID": uuid})
        mapping._settle_now()
        self._templates.pop(uuid, None)
        return deleted

    def list(self, account_id: str, region: str) -> Iterable[TaggedMapping]:
        """Return all mappings of an account and region."""
        return [self._tagged(mapping) for mapping in self._mappings.everything(Caller(account_id, region))]

    # --- invoke configs ----------------------------------------------------------------------------------

    def put_invoke_config(self, account_id: str, region: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Put a function's invoke config; return the parameters with which to delete it."""
        params = self._parameters("PutFunctionEventInvokeConfig", properties)
        self._call("PutFunctionEventInvokeConfig", Caller(account_id, region), params)
        return {name: params[name] for name in ("FunctionName", "Qualifier") if name in params}

    def delete_invoke_config(self, account_id: str, region: str, names: dict[str, Any]) -> None:
        """Delete an invoke config. It is not an error if it was deleted with its function."""
        try:
            self._operations["DeleteFunctionEventInvokeConfig"](Caller(account_id, region), dict(names))
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise

    # --- functions ---------------------------------------------------------------------------------------

    def invoke(self, account_id: str, region: str, function: str, payload: str, request_id: str) -> str | None:
        """Run a function synchronously; return the payload of its error, or None if it ended without one."""
        params = {"FunctionName": function, "Payload": payload.encode()}
        answer = self._operations["Invoke"](Caller(account_id, region, request_id), params)
        return answer["Payload"].decode() if answer.get("FunctionError") else None

    # --- inside ------------------------------------------------------------------------------------------

    def _parameters(self, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
        shape = self._model.operation(operation).input_shape
        assert shape is not None
        try:
            params = converted(shape, {name: value for name, value in properties.items() if value is not None})
        except ValueError as error:
            raise ApiError("ValidationError", str(error), 400) from None
        assert isinstance(params, dict)
        return params

    def _call(self, operation: str, caller: Caller, params: dict[str, Any]) -> Any:
        self._model.validate(self._model.operation(operation), params)
        return self._operations[operation](caller, params)

    def _tagged(self, mapping: Mapping) -> TaggedMapping:
        return mapping, self._mappings.tags(mapping)


# --- updates -----------------------------------------------------------------------------------------------


def _replacing(params: dict[str, Any]) -> dict[str, Any]:
    """Return the properties whose change replaces the mapping."""
    found: dict[str, Any] = {name: params[name] for name in _REPLACING if name in params}
    for name, members in FIXED.items():
        found[name] = {member: value for member, value in params.get(name, {}).items() if member in members}
    return found


def _changes(before: dict[str, Any], params: dict[str, Any], source: EventSource) -> dict[str, Any]:
    """Return the parameters of an update from the properties ``before`` to ``params``."""
    resets = {**RESETS, **source.defaults, "Enabled": True}
    dropped = {name: resets[name] for name in before if name in resets and name not in params}
    parts = {name: _parts(name, before, params) for name in _PARTS if name not in resets or params.get(name)}
    return {
        name: value
        for name, value in {**dropped, **params, **parts}.items()
        if name not in (*_REPLACING, "Tags") and (value or name not in parts)
    }


def _parts(name: str, before: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    old, new = before.get(name, {}), params.get(name, {})
    resets = {member: value for member, value in _PARTS[name].items() if member in old and member not in new}
    return {member: value for member, value in {**new, **resets}.items() if member not in FIXED.get(name, ())}
