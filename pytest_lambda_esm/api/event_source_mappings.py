"""CreateEventSourceMapping, Get, List, Update and Delete.

Checks run in AWS's order where it is recorded: constraints of the service model (before these functions are called),
the source is recognised, it supports the parameters, the function exists, the settings agree with each other, the
source exists, no other mapping conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.api import mapping_settings, mapping_store
from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.mapping_advice import MappingAdvice
from pytest_lambda_esm.api.mapping_checks import MappedFunction, MappingChecks
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.config import Config, TransitionTimes
from pytest_lambda_esm.mappings.lifecycle import Step, step_for_create, step_for_delete, step_for_update
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec, Transition
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.sources.event_source import EventSource, Settings
from pytest_lambda_esm.timing import MICROSECONDS
from pytest_lambda_esm.vocabulary import AnyState

MOST_TAGS: Final = 50
"""A resource has at most this many tags (recorded)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFactory:
    """Makes mappings. ``times`` returns the transition times of the moment, which a test can change."""

    clock: Clock
    new_id: Callable[[], str]
    times: Callable[[], TransitionTimes]
    on_transition: Callable[[Mapping, Transition], None]

    def make(self, caller: Caller, source: EventSource, settings: Settings, uuid: str) -> Mapping:
        """Make a mapping in the caller's account and region."""
        partition = partition_of(caller.region)
        spec = MappingSpec(
            uuid=uuid,
            arn=f"arn:{partition}:lambda:{caller.region}:{caller.account_id}:event-source-mapping:{uuid}",
            account_id=caller.account_id,
            region=caller.region,
            settings=settings,
            user_reason=source.user_reason,
            metric_names=source.metrics,
        )
        mapping = Mapping(spec, times=self.times, clock=self.clock, on_transition=self.on_transition)
        mapping._last_result = source.first_result
        return mapping


class EventSourceMappings:
    """The operations on mappings."""

    def __init__(
        self,
        config: Config,
        *,
        model: LambdaModel,
        store: MappingStore,
        checks: MappingChecks,
        advice: MappingAdvice,
        factory: MappingFactory,
    ) -> None:
        self._answers_new_values = config.update_answers == "new"
        self._accepts_repeated_delete = config.repeated_delete == "accepted"
        self._model = model
        self._store = store
        self._checks = checks
        self._advice = advice
        self._factory = factory
        self._tags: dict[str, dict[str, str]] = {}

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their API names."""
        return {
            "CreateEventSourceMapping": self.create,
            "GetEventSourceMapping": self.get,
            "ListEventSourceMappings": self.list,
            "UpdateEventSourceMapping": self.update,
            "DeleteEventSourceMapping": self.delete,
        }

    # --- operations --------------------------------------------------------------------------------------

    def create(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Create a mapping. It reads ``Creating`` until it settles as ``Enabled`` or ``Disabled``."""
        source = self._checks.recognise(params)
        self._checks.check_supported(source, params)
        function = self._checks.find_function(caller, params["FunctionName"])
        stated = {**mapping_settings.created(params), "FunctionArn": function.reference.arn}
        existing = (mapping for _, mapping in self._store.visible(caller.account_id, caller.region))
        self._check(caller, source, stated, function, existing)
        tags = params.get("Tags", {})
        if len(tags) > MOST_TAGS:
            raise self._model.error("InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
        uuid = self._factory.new_id()
        settings = mapping_settings.completed(source, stated, uuid)
        mapping = self._factory.make(caller, source, settings, uuid)
        self._store.add(mapping)
        self._tags[mapping.arn] = dict(tags)
        answer = self._begin(mapping, source, step_for_create(params.get("Enabled", True)), settings)
        self._advice.on_create(mapping, settings)
        return answer

    def get(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read a mapping."""
        mapping = self._existing(caller, params["UUID"])
        answer = self._describe(mapping, self.source_of(mapping))
        mapping._was_read()
        return answer

    def list(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read the mappings of a source, of a function, or all of the region, page by page."""
        try:
            after = mapping_store.number_of(params.get("Marker"))
        except mapping_store.BadMarker:
            # Chosen text: markers are opaque, and no answer to a wrong one is on record.
            raise self._model.error("InvalidParameterValueException", "Invalid marker provided.") from None
        page, marker = mapping_store.page(
            self._store.visible(caller.account_id, caller.region, after),
            mapping_store.selection(caller, params),
            min(params.get("MaxItems", mapping_store.LARGEST_PAGE), mapping_store.LARGEST_PAGE),
        )
        if marker is not None and params.get("MaxItems", 0) > mapping_store.LARGEST_PAGE:
            self._advice.on_list(params["MaxItems"])
        described = [_listed(self._describe(mapping, self.source_of(mapping))) for mapping in page]
        for mapping in page:
            mapping._was_read()
        return {"EventSourceMappings": described, "NextMarker": marker}

    def update(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Change a mapping's settings, or enable or disable it. New settings apply when the update settles."""
        mapping = self._existing(caller, params["UUID"])
        step = step_for_update(mapping.state, params.get("Enabled"))
        if step is None:
            raise self._in_use("update")
        stated = mapping_settings.updated(mapping.settings, params)
        source = self._checks.recognise(stated)
        stated = {name: value for name, value in stated.items() if name not in source.hidden}
        before = self.source_of(mapping)
        stated = mapping_settings.without_lost_resets(stated, before, source)
        params = mapping_settings.without_lost_resets(params, before, source)
        self._checks.check_supported(source, params)
        self._checks.check_supported(source, stated)
        self._checks.check_changeable(params)
        function_name = params.get("FunctionName", mapping.function_arn)
        function = self._checks.find_function(caller, function_name, required="FunctionName" in params)
        stated["FunctionArn"] = function.reference.arn
        others = (other for _, other in self._store.visible(caller.account_id, caller.region) if other is not mapping)
        self._check(caller, source, stated, function, others)
        settings = mapping_settings.completed(source, stated, mapping.uuid)
        answer = self._begin(mapping, before, step, settings)
        self._advice.review(mapping, settings)
        return answer

    def delete(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Delete a mapping. It reads ``Deleting`` until it is gone; ``repeated_delete`` sets what a retry gets."""
        mapping = self._existing(caller, params["UUID"])
        source = self.source_of(mapping)
        if mapping.state == "Deleting" and self._accepts_repeated_delete:
            return self._describe(mapping, source)
        step = step_for_delete(mapping.state)
        if step is None:
            raise self._in_use("delete")
        return self._begin(mapping, source, step, mapping.settings)

    # --- for CloudFormation, tags and mappings that existed before the fake --------------------------------

    def find(self, caller: Caller, uuid: str) -> Mapping | None:
        """Return a mapping that clients can see, or None."""
        return self._store.find(caller.account_id, caller.region, uuid)

    def everything(self, caller: Caller) -> Iterator[Mapping]:
        """Iterate over the mappings that clients can see, oldest first."""
        return (mapping for _, mapping in self._store.visible(caller.account_id, caller.region))

    def source_of(self, mapping: Mapping) -> EventSource:
        """Return the kind of source that a mapping reads, by its settings in force."""
        return self._checks.recognise(mapping.settings)

    def tags(self, mapping: Mapping) -> dict[str, str]:
        """Return the mapping's tags, to read and to change."""
        return self._tags.setdefault(mapping.arn, {})

    def adopt(self, caller: Caller, uuid: str, params: dict[str, Any]) -> Mapping:
        """Take over a mapping that existed before, as settled and without the checks of a request."""
        source = self._checks.recognise(params)
        function = self._checks.find_function(caller, params["FunctionName"], required=False)
        kept = {name: value for name, value in mapping_settings.created(params).items() if source.supports(name)}
        stated = {**kept, "EventSourceArn": params["EventSourceArn"], "FunctionArn": function.reference.arn}
        settings = mapping_settings.completed(source, stated, uuid)
        mapping = self._factory.make(caller, source, settings, uuid)
        self._store.add(mapping)
        self._tags[mapping.arn] = dict(params.get("Tags") or {})
        state: AnyState = "Enabled" if params.get("Enabled", True) else "Disabled"
        mapping._begin(Step(state, state), settings)
        return mapping

    # --- inside ------------------------------------------------------------------------------------------

    def _check(
        self,
        caller: Caller,
        source: EventSource,
        stated: Settings,
        function: MappedFunction,
        others: Iterator[Mapping],
    ) -> None:
        """Run the checks that follow once the function is known, in AWS's order."""
        settings = {**source.defaults, **stated}
        self._checks.check_settings(source, settings, function, self._factory.clock.instant / MICROSECONDS)
        self._checks.check_permissions(settings, function)
        self._checks.check_source_exists(caller, source, settings, function)
        self._checks.check_conflicts(source, settings, function, others)

    def _begin(self, mapping: Mapping, source: EventSource, step: Step, settings: Settings) -> ReadOnly[str, Any]:
        try:
            mapping._begin(step, settings)
            return self._describe(mapping, source)
        finally:  # Also after an exception of a hook.
            mapping._answered()

    def _describe(self, mapping: Mapping, source: EventSource) -> dict[str, Any]:
        answer = describe(mapping, mapping.requested if self._answers_new_values else mapping.settings)
        if "KMSKeyArn" in answer and "FilterCriteria" in answer:
            problem = self._checks.key_problem(answer["KMSKeyArn"])
            if problem is not None:
                del answer["FilterCriteria"]
                answer["FilterCriteriaError"] = {"ErrorCode": problem[0], "Message": problem[1]}
        return {
            name: value
            for name, value in answer.items()
            if name not in source.hidden and (source.shown is None or name in source.shown)
        }

    def _existing(self, caller: Caller, uuid: str) -> Mapping:
        mapping = self.find(caller, uuid)
        if mapping is None:
            raise self._model.error("ResourceNotFoundException", "The resource you requested does not exist.")
        return mapping

    def _in_use(self, verb: str) -> Exception:
        return self._model.error(
            "ResourceInUseException", f"Cannot {verb} the event source mapping because it is in use."
        )


def describe(mapping: Mapping, settings: Settings) -> dict[str, Any]:
    """Return a mapping as EventSourceMappingConfiguration, with exactly the members recorded for its source."""
    answer = {
        **settings,
        "EventSourceMappingArn": mapping.arn,
        "LastModified": mapping.last_modified,
        "State": mapping.state,
        "StateTransitionReason": mapping.history[-1].reason,
        "UUID": mapping.uuid,
    }
    if mapping._last_result is not None:
        answer["LastProcessingResult"] = mapping._last_result
    return answer


def _listed(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out filter criteria that are encrypted with a customer's key: lists do not show them (API reference)."""
    hidden = ("FilterCriteria", "FilterCriteriaError") if "KMSKeyArn" in answer else ()
    return {name: value for name, value in answer.items() if name not in hidden}
