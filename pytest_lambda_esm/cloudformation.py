"""Mappings and invoke configs as moto's CloudFormation makes them: through the same operations as a client's.

CloudFormation waits until a mapping has settled before it calls the resource complete; moto's stacks are complete
in the answer, so the mapping settles within it. Properties that an update leaves out go back to their defaults, and
those that cannot be changed replace the mapping: the new one is made before the old one goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pytest_lambda_esm.api.api_error import ApiError
from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.mapping_settings import RESETS
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.api.template_properties import coerced
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge.earlier_mappings import Handle, refuse

_REPLACING: Final = (
    "EventSourceArn",
    "Queues",
    "SelfManagedEventSource",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Topics",
)
_CONSUMER_GROUPS: Final = ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")


class CloudFormationResources:
    """What moto's own methods on mappings, and its stacks, lead to."""

    def __init__(self, mappings: EventSourceMappings, invoke_configs: dict[str, Operation], model: LambdaModel) -> None:
        self._mappings = mappings
        self._operations = {**mappings.operations(), **invoke_configs}
        self._model = model
        self._templates: dict[str, dict[str, Any]] = {}

    # --- mappings ----------------------------------------------------------------------------------------

    def create(self, account_id: str, region: str, properties: dict[str, Any]) -> Handle:
        """Make a mapping and wait until it has settled."""
        caller = Caller(account_id, region)
        params = self._parameters("CreateEventSourceMapping", properties)
        answer = self._call("CreateEventSourceMapping", caller, params)
        mapping = self._mappings.find(caller, answer["UUID"])
        assert mapping is not None
        mapping.settle_now()
        self._templates[mapping.uuid] = params
        return self._handle(mapping)

    def update(self, account_id: str, region: str, uuid: str, properties: dict[str, Any]) -> Handle | None:
        """Change a mapping, or replace it, and wait until it has settled."""
        caller = Caller(account_id, region)
        mapping = self._mappings.find(caller, uuid)
        if mapping is None:
            return None
        mapping.settle_now()
        params = self._parameters("CreateEventSourceMapping", properties)
        before = self._templates.get(uuid, {})
        if _unchangeable(params) != _unchangeable({**mapping.settings, **before}, like=params):
            replacement = self.create(account_id, region, properties)
            self.delete(account_id, region, uuid)
            return replacement
        resets = {name: RESETS[name] for name in before if name in RESETS and name not in params}
        changes = {name: value for name, value in params.items() if name not in (*_REPLACING, "Tags")}
        self._call("UpdateEventSourceMapping", caller, {"UUID": uuid, **resets, **_without_groups(changes)})
        tags = self._mappings.tags(mapping)
        tags.clear()
        tags.update(params.get("Tags", {}))
        mapping.settle_now()
        self._templates[uuid] = params
        return self._handle(mapping)

    def delete(self, account_id: str, region: str, uuid: str) -> Handle | None:
        """Delete a mapping and wait until it is gone."""
        caller = Caller(account_id, region)
        mapping = self._mappings.find(caller, uuid)
        if mapping is None:
            return None
        mapping.settle_now()
        handle = self._handle(mapping)
        self._call("DeleteEventSourceMapping", caller, {"UUID": uuid})
        mapping.settle_now()
        self._templates.pop(uuid, None)
        return handle

    def list(self, account_id: str, region: str) -> Iterable[Handle]:
        """All mappings."""
        return [self._handle(mapping) for mapping in self._mappings.everything(Caller(account_id, region))]

    # --- invoke configs ----------------------------------------------------------------------------------

    def put_invoke_config(self, account_id: str, region: str, properties: dict[str, Any]) -> dict[str, Any]:
        """State a function's invoke config; the parameters that name it, as a delete takes them."""
        params = self._parameters("PutFunctionEventInvokeConfig", properties)
        self._call("PutFunctionEventInvokeConfig", Caller(account_id, region), params)
        return {name: params[name] for name in ("FunctionName", "Qualifier") if name in params}

    def delete_invoke_config(self, account_id: str, region: str, names: dict[str, Any]) -> None:
        """Remove an invoke config; one that is gone already, with its function, is no error."""
        try:
            self._operations["DeleteFunctionEventInvokeConfig"](Caller(account_id, region), dict(names))
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise refuse(error.code, error.message) from error

    # --- inside ------------------------------------------------------------------------------------------

    def _parameters(self, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
        shape = self._model.operation(operation).input_shape
        assert shape is not None
        try:
            params = coerced(shape, {name: value for name, value in properties.items() if value is not None})
        except ValueError as error:
            raise refuse("ValidationError", str(error)) from None
        assert isinstance(params, dict)
        return params

    def _call(self, operation: str, caller: Caller, params: dict[str, Any]) -> Any:
        try:
            self._model.validate(self._model.operation(operation), params)
            return self._operations[operation](caller, params)
        except ApiError as error:
            raise refuse(error.code, error.message) from error

    def _handle(self, mapping: Mapping) -> Handle:
        return Handle(mapping.uuid, mapping.arn, mapping.source_arn, mapping.function_arn, self._mappings.tags(mapping))


def _unchangeable(params: dict[str, Any], like: dict[str, Any] | None = None) -> dict[str, Any]:
    """What makes a mapping another one; of a mapping's settings, what a template (``like``) states as well."""
    stated = params if like is None else {name: value for name, value in params.items() if name in like}
    found: dict[str, Any] = {name: stated[name] for name in _REPLACING if name in stated}
    for name in _CONSUMER_GROUPS:
        wanted = (like or params).get(name, {})
        if "ConsumerGroupId" in wanted:
            found[name] = stated.get(name, {}).get("ConsumerGroupId")
    return found


def _without_groups(params: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: inner for key, inner in value.items() if key not in ("ConsumerGroupId", "ConsumptionMode")}
        if name in _CONSUMER_GROUPS
        else value
        for name, value in params.items()
    }
