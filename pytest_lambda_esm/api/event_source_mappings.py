"""CreateEventSourceMapping, Get, List, Update and Delete.

Checks come in AWS's order as far as it is recorded: constraints of the model (before these functions are called),
source recognised, parameters supported by the source, function exists, cross-field rules, source exists, duplicate.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.api import checks
from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.config import TransitionTimes
from pytest_lambda_esm.mappings.lifecycle import Step, step_for_create, step_for_delete, step_for_update
from pytest_lambda_esm.mappings.mapping import Mapping, Scheduler, Transition

LARGEST_PAGE: Final = 100
"""ListEventSourceMappings returns at most this many, whatever MaxItems says (API reference)."""

_NOT_SETTINGS: Final = frozenset({"UUID", "FunctionName", "Enabled", "Tags"})


class EventSourceMappings:
    """The operations on mappings. ``times`` tells how long the transitions of a new mapping take."""

    def __init__(
        self,
        *,
        store: MappingStore,
        model: LambdaModel,
        rules: checks.Rules,
        scheduler: Scheduler,
        times: Callable[[], TransitionTimes],
        new_id: Callable[[], str],
        on_transition: Callable[[Mapping, Transition], None],
        answers_new_values: bool,
    ) -> None:
        self._store = store
        self._model = model
        self._rules = rules
        self._scheduler = scheduler
        self._times = times
        self._new_id = new_id
        self._on_transition = on_transition
        self._answers_new_values = answers_new_values
        self._tags: dict[str, dict[str, str]] = {}

    def operations(self) -> dict[str, Operation]:
        """The operations by their API names."""
        return {
            "CreateEventSourceMapping": self.create,
            "GetEventSourceMapping": self.get,
            "ListEventSourceMappings": self.list,
            "UpdateEventSourceMapping": self.update,
            "DeleteEventSourceMapping": self.delete,
        }

    # --- operations --------------------------------------------------------------------------------------

    def create(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Make a mapping; it reads ``Creating`` until it settles, or ``Disabled`` if it was not to be enabled."""
        source = self._rules.recognised(params)
        self._rules.supported(source, params)
        function = self._rules.function(caller, params["FunctionName"])
        settings = {**source.defaults, **_given(params), "FunctionArn": function.reference.arn}
        self._rules.fits(source, settings)
        self._rules.source_exists(caller, settings, function)
        existing = (mapping for _, mapping in self._store.visible(caller.account_id, caller.region))
        self._rules.not_twice(settings, function, existing)
        mapping = self._new(caller, source.user_reason, settings, self._new_id())
        mapping.last_result = source.first_result
        self._tags[mapping.arn] = dict(params.get("Tags", {}))
        self._rules.advise(mapping, function)
        return self._begin(mapping, step_for_create(params.get("Enabled", True)), settings)

    def get(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read a mapping."""
        mapping = self._known(caller, params["UUID"])
        answer = describe(mapping, self._shown(mapping))
        mapping.was_read()
        return answer

    def list(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read the mappings of a source, of a function, or all of the region, page by page."""
        wanted = min(params.get("MaxItems", LARGEST_PAGE), LARGEST_PAGE)
        page: list[Mapping] = []
        marker = None
        number = 0
        for position, mapping in self._store.visible(caller.account_id, caller.region, self._position(params)):
            if not self._rules.selected(caller, mapping, params):
                continue
            if len(page) == wanted:
                marker = _marker(number)
                break
            page.append(mapping)
            number = position
        answer = {"EventSourceMappings": [describe(mapping, self._shown(mapping)) for mapping in page]}
        for mapping in page:
            mapping.was_read()
        return {**answer, "NextMarker": marker}

    def update(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Change a mapping's settings, or enable or disable it; the new settings hold when the update settles."""
        mapping = self._known(caller, params["UUID"])
        step = step_for_update(mapping.state, params.get("Enabled"))
        if step is None:
            raise self._in_use("update")
        source = self._rules.recognised(mapping.settings)
        self._rules.supported(source, params)
        function_text = params.get("FunctionName", mapping.function_arn)
        function = self._rules.function(caller, function_text, required="FunctionName" in params)
        changes = _given(params)
        settings = {**mapping.settings, **changes, "FunctionArn": function.reference.arn}
        for member in source.removed_when_empty & changes.keys():
            if not any(_leaves(settings[member])):
                del settings[member]
        self._rules.fits(source, settings)
        self._rules.source_exists(caller, settings, function)
        others = (other for _, other in self._store.visible(caller.account_id, caller.region) if other is not mapping)
        self._rules.not_twice(settings, function, others)
        return self._begin(mapping, step, settings)

    def delete(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Delete a mapping; it reads ``Deleting`` until it is gone. Asked again meanwhile, the answer is the same."""
        mapping = self._known(caller, params["UUID"])
        if mapping.state == "Deleting":
            return describe(mapping, mapping.settings)
        step = step_for_delete(mapping.state)
        if step is None:
            raise self._in_use("delete")
        return self._begin(mapping, step, mapping.settings)

    # --- for CloudFormation, tags and mappings that were there before --------------------------------------

    def find(self, caller: Caller, uuid: str) -> Mapping | None:
        """A mapping that clients can see."""
        return self._store.find(caller.account_id, caller.region, uuid)

    def everything(self, caller: Caller) -> Iterator[Mapping]:
        """The mappings that clients can see, in the order of their creation."""
        return (mapping for _, mapping in self._store.visible(caller.account_id, caller.region))

    def tags(self, mapping: Mapping) -> dict[str, str]:
        """The mapping's tags, to read and to change."""
        return self._tags.setdefault(mapping.arn, {})

    def adopt(self, caller: Caller, uuid: str, params: dict[str, Any]) -> Mapping:
        """Take over a mapping that existed before: settled, without the checks of a request."""
        source = self._rules.recognised(params)
        function = self._rules.function(caller, params["FunctionName"], required=False)
        settings = {**source.defaults, **_given(params), "FunctionArn": function.reference.arn}
        mapping = self._new(caller, source.user_reason, settings, uuid)
        mapping.last_result = source.first_result
        self._tags[mapping.arn] = dict(params.get("Tags", {}))
        state = "Enabled" if params.get("Enabled", True) else "Disabled"
        mapping.begin(Step(state, state), settings)
        return mapping

    # --- inside ------------------------------------------------------------------------------------------

    def _new(self, caller: Caller, user_reason: str, settings: ReadOnly[str, Any], uuid: str) -> Mapping:
        mapping = Mapping(
            uuid=uuid,
            arn=f"arn:aws:lambda:{caller.region}:{caller.account_id}:event-source-mapping:{uuid}",
            account_id=caller.account_id,
            region=caller.region,
            settings=settings,
            user_reason=user_reason,
            times=self._times,
            scheduler=self._scheduler,
            on_transition=self._on_transition,
        )
        self._store.add(mapping)
        return mapping

    def _begin(self, mapping: Mapping, step: Step, settings: ReadOnly[str, Any]) -> ReadOnly[str, Any]:
        mapping.begin(step, settings)
        answer = describe(mapping, self._shown(mapping))
        mapping.answered()
        return answer

    def _shown(self, mapping: Mapping) -> ReadOnly[str, Any]:
        return mapping.requested if self._answers_new_values else mapping.settings

    def _known(self, caller: Caller, uuid: str) -> Mapping:
        mapping = self.find(caller, uuid)
        if mapping is None:
            raise self._model.error("ResourceNotFoundException", "The resource you requested does not exist.")
        return mapping

    def _in_use(self, verb: str) -> Exception:
        return self._model.error(
            "ResourceInUseException", f"Cannot {verb} the event source mapping because it is in use."
        )

    def _position(self, params: dict[str, Any]) -> int:
        marker = params.get("Marker")
        if marker is None:
            return 0
        try:
            return int(base64.b64decode(marker, validate=True))
        except (binascii.Error, ValueError):
            raise self._model.error("InvalidParameterValueException", "Invalid marker provided.") from None


def describe(mapping: Mapping, settings: ReadOnly[str, Any]) -> dict[str, Any]:
    """A mapping as EventSourceMappingConfiguration; its members are exactly those recorded for its source."""
    answer = {
        **settings,
        "EventSourceMappingArn": mapping.arn,
        "LastModified": mapping.last_modified,
        "State": mapping.state,
        "StateTransitionReason": mapping.history[-1].reason,
        "UUID": mapping.uuid,
    }
    if mapping.last_result is not None:
        answer["LastProcessingResult"] = mapping.last_result
    return answer


def _given(params: ReadOnly[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in _NOT_SETTINGS}


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [] if value in ("", None) else [True]


def _marker(number: int) -> str:
    return base64.b64encode(str(number).encode()).decode()
