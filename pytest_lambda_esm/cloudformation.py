"""Mappings as moto's CloudFormation makes them: through the same operations as a client's, and settled at once.

CloudFormation waits until a mapping has settled before it calls the resource complete; moto's stacks are complete
in the answer, so the mapping settles within it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_lambda_esm.api.api_error import ApiError
from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge.earlier_mappings import Handle, refuse

_NEVER_IN_UPDATES = frozenset({"EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "Tags"})


class CloudFormationMappings:
    """What moto's own methods on mappings lead to."""

    def __init__(self, mappings: EventSourceMappings, model: LambdaModel) -> None:
        self._mappings = mappings
        self._model = model

    def create(self, account_id: str, region: str, properties: dict[str, Any]) -> Handle:
        """Make a mapping and wait until it has settled."""
        caller = Caller(account_id, region)
        answer = self._call("CreateEventSourceMapping", caller, _parameters(properties))
        mapping = self._mappings.find(caller, answer["UUID"])
        assert mapping is not None
        mapping.settle_now()
        return self._handle(mapping)

    def update(self, account_id: str, region: str, uuid: str, properties: dict[str, Any]) -> Handle | None:
        """Change a mapping and wait until it has settled."""
        caller = Caller(account_id, region)
        mapping = self._mappings.find(caller, uuid)
        if mapping is None:
            return None
        mapping.settle_now()
        changes = {name: value for name, value in _parameters(properties).items() if name not in _NEVER_IN_UPDATES}
        self._call("UpdateEventSourceMapping", caller, {"UUID": uuid, **changes})
        mapping.settle_now()
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
        return handle

    def list(self, account_id: str, region: str) -> Iterable[Handle]:
        """All mappings."""
        return [self._handle(mapping) for mapping in self._mappings.everything(Caller(account_id, region))]

    def _call(self, operation: str, caller: Caller, params: dict[str, Any]) -> Any:
        try:
            self._model.validate(self._model.operation(operation), params)
            return self._mappings.operations()[operation](caller, params)
        except ApiError as error:
            raise refuse(error.code, error.message) from error

    def _handle(self, mapping: Mapping) -> Handle:
        return Handle(mapping.uuid, mapping.arn, mapping.source_arn, mapping.function_arn, self._mappings.tags(mapping))


def _parameters(properties: dict[str, Any]) -> dict[str, Any]:
    params = {name: value for name, value in properties.items() if value is not None}
    if isinstance(params.get("Tags"), list):
        params["Tags"] = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    return params
