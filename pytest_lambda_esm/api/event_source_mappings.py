"""CreateEventSourceMapping, Get, List, Update and Delete.

Checks come in AWS's order as far as it is recorded: constraints of the model (before these functions are called),
source recognised, parameters supported by the source, function exists, cross-field rules, source exists, duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.api import mapping_settings, mapping_store
from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.mapping_checks import MappedFunction, MappingChecks
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.config import TransitionTimes
from pytest_lambda_esm.mappings.lifecycle import Step, step_for_create, step_for_delete, step_for_update
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec, Transition
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.timing import MICROSECONDS

MOST_TAGS: Final = 50
"""A resource has at most this many tags (recorded)."""


class EventSourceMappings:
    """The operations on mappings.

    ``times`` tells how long the transitions of a new mapping take, ``key_problem`` why a key that filter criteria are
    encrypted with cannot be used: an error code and a message, or None.
    """

    def __init__(
        self,
        *,
        store: MappingStore,
        model: LambdaModel,
        rules: MappingChecks,
        scheduler: Clock,
        times: Callable[[], TransitionTimes],
        new_id: Callable[[], str],
        on_transition: Callable[[Mapping, Transition], None],
        answers_new_values: bool,
        deletes_repeatedly: bool,
        key_problem: Callable[[str], tuple[str, str] | None],
    ) -> None:
        self._store = store
        self._model = model
        self._rules = rules
        self._scheduler = scheduler
        self._times = times
        self._new_id = new_id
        self._on_transition = on_transition
        self._answers_new_values = answers_new_values
        self._deletes_repeatedly = deletes_repeatedly
        self._key_problem = key_problem
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
        stated = {**mapping_settings.created(params), "FunctionArn": function.reference.arn}
        existing = (mapping for _, mapping in self._store.visible(caller.account_id, caller.region))
        self._check(caller, source, stated, function, existing)
        if len(params.get("Tags", {})) > MOST_TAGS:
            raise self._model.error("InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
        uuid = self._new_id()
        settings = mapping_settings.filled_in(source, stated, uuid)
        mapping = self._new(caller, source, settings, uuid)
        self._tags[mapping.arn] = dict(params.get("Tags", {}))
        answer = self._begin(mapping, step_for_create(params.get("Enabled", True)), settings)
        self._rules.advise(mapping, function)
        return answer

    def get(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read a mapping."""
        mapping = self._known(caller, params["UUID"])
        answer = self._describe(mapping)
        mapping.was_read()
        return answer

    def list(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read the mappings of a source, of a function, or all of the region, page by page."""
        try:
            after = mapping_store.position(params.get("Marker"))
        except mapping_store.BadMarker:
            # Chosen text: markers are opaque, and no answer to a wrong one is on record.
            raise self._model.error("InvalidParameterValueException", "Invalid marker provided.") from None
        page, marker = mapping_store.page(
            self._store.visible(caller.account_id, caller.region, after),
            mapping_store.wanted(caller, params),
            min(params.get("MaxItems", mapping_store.LARGEST_PAGE), mapping_store.LARGEST_PAGE),
        )
        described = [_listed(self._describe(mapping)) for mapping in page]
        for mapping in page:
            mapping.was_read()
        return {"EventSourceMappings": described, "NextMarker": marker}

    def update(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Change a mapping's settings, or enable or disable it; the new settings hold when the update settles."""
        mapping = self._known(caller, params["UUID"])
        step = step_for_update(mapping.state, params.get("Enabled"))
        if step is None:
            raise self._in_use("update")
        stated = mapping_settings.updated(mapping.settings, params)
        source = self._rules.recognised(stated)
        stated = {name: value for name, value in stated.items() if name not in source.hidden}
        before = self.source_of(mapping)
        stated = mapping_settings.without_undone(stated, before, source)
        params = mapping_settings.without_undone(params, before, source)
        self._rules.supported(source, params)
        self._rules.supported(source, stated)
        self._rules.changeable(params)
        function_text = params.get("FunctionName", mapping.function_arn)
        function = self._rules.function(caller, function_text, required="FunctionName" in params)
        stated["FunctionArn"] = function.reference.arn
        others = (other for _, other in self._store.visible(caller.account_id, caller.region) if other is not mapping)
        self._check(caller, source, stated, function, others)
        return self._begin(mapping, step, mapping_settings.filled_in(source, stated, mapping.uuid))

    def delete(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Delete a mapping; it reads ``Deleting`` until it is gone. A setting tells what it answers meanwhile."""
        mapping = self._known(caller, params["UUID"])
        if mapping.state == "Deleting" and self._deletes_repeatedly:
            return self._describe(mapping)
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

    def source_of(self, mapping: Mapping) -> EventSource:
        """The kind of source that a mapping reads, as its settings in force say."""
        return self._rules.recognised(mapping.settings)

    def tags(self, mapping: Mapping) -> dict[str, str]:
        """The mapping's tags, to read and to change."""
        return self._tags.setdefault(mapping.arn, {})

    def adopt(self, caller: Caller, uuid: str, params: dict[str, Any]) -> Mapping:
        """Take over a mapping that existed before: settled, without the checks of a request."""
        source = self._rules.recognised(params)
        function = self._rules.function(caller, params["FunctionName"], required=False)
        kept = {name: value for name, value in mapping_settings.created(params).items() if source.supports(name)}
        stated = {**kept, "EventSourceArn": params["EventSourceArn"], "FunctionArn": function.reference.arn}
        settings = mapping_settings.filled_in(source, stated, uuid)
        mapping = self._new(caller, source, settings, uuid)
        self._tags[mapping.arn] = dict(params.get("Tags") or {})
        state = "Enabled" if params.get("Enabled", True) else "Disabled"
        mapping.begin(Step(state, state), settings)
        return mapping

    # --- inside ------------------------------------------------------------------------------------------

    def _check(
        self,
        caller: Caller,
        source: EventSource,
        stated: ReadOnly[str, Any],
        function: MappedFunction,
        others: Iterator[Mapping],
    ) -> None:
        """What is looked at once the function is known, in AWS's order."""
        settings = {**source.defaults, **stated}
        self._rules.fits(source, settings, function, self._scheduler.instant / MICROSECONDS)
        self._rules.source_exists(caller, source, settings, function)
        self._rules.not_twice(source, settings, function, others)

    def _new(self, caller: Caller, source: EventSource, settings: ReadOnly[str, Any], uuid: str) -> Mapping:
        partition = partition_of(caller.region)
        mapping = Mapping(
            MappingSpec(
                uuid=uuid,
                arn=f"arn:{partition}:lambda:{caller.region}:{caller.account_id}:event-source-mapping:{uuid}",
                account_id=caller.account_id,
                region=caller.region,
                settings=settings,
                user_reason=source.user_reason,
                metric_names=source.metrics,
            ),
            times=self._times,
            clock=self._scheduler,
            on_transition=self._on_transition,
        )
        mapping.last_result = source.first_result
        self._store.add(mapping)
        return mapping

    def _begin(self, mapping: Mapping, step: Step, settings: ReadOnly[str, Any]) -> ReadOnly[str, Any]:
        mapping.begin(step, settings)
        answer = self._describe(mapping)
        mapping.answered()
        return answer

    def _describe(self, mapping: Mapping) -> dict[str, Any]:
        answer = describe(mapping, mapping.requested if self._answers_new_values else mapping.settings)
        problem = self._key_problem(answer["KMSKeyArn"]) if {"KMSKeyArn", "FilterCriteria"} <= answer.keys() else None
        if problem is not None:
            del answer["FilterCriteria"]
            answer["FilterCriteriaError"] = {"ErrorCode": problem[0], "Message": problem[1]}
        source = self.source_of(mapping)
        return {
            name: value
            for name, value in answer.items()
            if name not in source.hidden and (source.shown is None or name in source.shown)
        }

    def _known(self, caller: Caller, uuid: str) -> Mapping:
        mapping = self.find(caller, uuid)
        if mapping is None:
            raise self._model.error("ResourceNotFoundException", "The resource you requested does not exist.")
        return mapping

    def _in_use(self, verb: str) -> Exception:
        return self._model.error(
            "ResourceInUseException", f"Cannot {verb} the event source mapping because it is in use."
        )


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


def _listed(answer: dict[str, Any]) -> dict[str, Any]:
    """A list does not show filter criteria that are encrypted with a key of the customer (API reference)."""
    hidden = ("FilterCriteria", "FilterCriteriaError") if "KMSKeyArn" in answer else ()
    return {name: value for name, value in answer.items() if name not in hidden}
