"""Connects moto's CloudFormation with the resource types and the order of this package.

Importing this module imports moto's CloudFormation and, with it, most services of moto; it is done when the first stack
is made. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``moto.cloudformation.parsing`` looks its functions up when it
calls them; ``CloudFormationBackend.create_stack`` refers to resources before ``Stack.create_resources`` does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from moto.cloudformation import models, parsing
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Event, Stack, cloudformation_backends

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.stacks import (
    buckets,
    cdk,
    documentdb,
    engine,
    events,
    function_settings,
    functions,
    messaging,
    policies,
    services,
    sources,
    stored_only,
    tables,
)
from pytest_lambda_esm.moto_bridge.stacks.custom import CustomKind
from pytest_lambda_esm.moto_bridge.stacks.engine import Advise, ResourceFailed
from pytest_lambda_esm.moto_bridge.stacks.kinds import Kind
from pytest_lambda_esm.moto_bridge.stacks.resource_class import IgnoredKind, ResourceClass
from pytest_lambda_esm.patching import Patches, original_of

_CUSTOM: Final = "AWS::CloudFormation::CustomResource"
_HARMLESS: Final = ("AWS::CDK::Metadata", *parsing.NULL_MODELS)
"""Types that do nothing on AWS either, or nothing that a test can see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What stacks need of the fake.

    ``operations()`` returns the operations on invoke configs and functions, ``options()`` the parameters of the
    CreateStack call in progress, ``new_id()`` a random id. ``before_final`` is called with the id of a stack when an
    update has changed its resources; the update is rolled back if it raises.
    """

    operations: Callable[[], Any]
    options: Callable[[], Mapping[str, Any]]
    advise: Advise
    new_id: Callable[[], str]
    before_final: Callable[[str], None] = lambda stack_id: None


def install(patches: Patches, surroundings: Surroundings) -> None:
    """Have stacks made, updated, deleted and rolled back by this package."""
    function_settings.install(patches)
    _install_types(patches, surroundings)
    running: list[engine.Update] = []  # An update, and those of nested stacks inside it.
    _install_resources(patches, surroundings, running)
    _install_stacks(patches, surroundings)
    _install_nested(patches, running)


def kinds(surroundings: Surroundings) -> dict[str, Kind]:
    """Return the resource types of this package by name."""
    custom = CustomKind(surroundings.operations, surroundings.new_id)
    return {
        _CUSTOM: custom,
        **cdk.types(custom),
        **functions.types(surroundings.operations),
        **messaging.types(),
        **policies.types(),
        **events.types(),
        **sources.types(),
        **documentdb.types(),
        **buckets.types(),
        **tables.types(surroundings.advise),
        **stored_only.types(),
    }


def _install_types(patches: Patches, surroundings: Surroundings) -> None:
    known_kinds = kinds(surroundings)
    classes = {name: ResourceClass(name, kind) for name, kind in known_kinds.items()}

    def resource_class_from_type(resource_type: str) -> Any:
        known = classes.get(resource_type)
        if known is None:
            if resource_type.startswith("Custom::"):
                return ResourceClass(resource_type, known_kinds[_CUSTOM])
            model = services.model_of(resource_type)
            if model is not None:
                return model
            known = classes[resource_type] = ResourceClass(resource_type, _unknown(resource_type, surroundings.advise))
        return known

    def resource_name_property_from_type(resource_type: str) -> Any:
        model = services.known_model_of(resource_type)
        return model.cloudformation_name_type() if model is not None else None

    patches.set(parsing, "resource_class_from_type", resource_class_from_type)
    patches.set(parsing, "resource_name_property_from_type", resource_name_property_from_type)


def _unknown(resource_type: str, advise: Advise) -> Kind:
    """Return the kind of a type that neither moto nor this package knows. Raises NotSimulated for those of SAM."""
    if resource_type.startswith("AWS::Serverless::"):
        raise NotSimulated(
            f"{resource_type} is a type of AWS SAM, which moto's CloudFormation does not transform. Translate the"
            f" template first, for example with the package aws-sam-translator"
        )
    if resource_type not in _HARMLESS:
        advise(
            resource_type,
            f"the resource type {resource_type} is accepted and does nothing: neither moto nor this package simulates"
            f" it in stacks, and references to it are placeholders",
        )
    return IgnoredKind()


def _install_resources(patches: Patches, surroundings: Surroundings, running: list[engine.Update]) -> None:
    make = original_of(parsing, "parse_and_create_resource")
    load = original_of(parsing.ResourceMap, "load")

    def parse_and_create_resource(
        logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str
    ) -> Any:
        place = {"account_id": account_id, "region_name": region_name}
        return engine.create(make, logical_id, resource_json, resources_map, **place)

    def load_and_check(self: Any) -> None:
        load(self)
        engine.check(self)

    def update(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        change = engine.Update(self, surroundings.advise, surroundings.before_final)
        outer = running[-1] if running else None
        running.append(change)
        try:
            change.run(template, parameters)
        except BaseException:
            change.undo()
            raise
        finally:
            running.pop()
        if outer is None:
            change.finish()
        else:
            outer.inner.append(change)

    patches.set(parsing, "parse_and_create_resource", parse_and_create_resource)
    patches.set(parsing.ResourceMap, "load", load_and_check)
    patches.set(parsing.ResourceMap, "update", update)
    patches.set(parsing.ResourceMap, "delete", lambda self: engine.delete(self))


# --- stacks --------------------------------------------------------------------------------------------------


def _install_stacks(patches: Patches, surroundings: Surroundings) -> None:
    create_stack = original_of(CloudFormationBackend, "create_stack")
    update = original_of(Stack, "update")
    delete = original_of(Stack, "delete")
    apply = original_of(ChangeSet, "apply")

    def create_or_roll_back(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        before = set(self.stacks)
        try:
            return create_stack(self, name, *args, **kwargs)
        except Exception as error:
            for stack in [self.stacks[each] for each in self.stacks.keys() - before]:
                if stack.name == name:
                    _roll_back(self, stack, error, surroundings.options())
            raise

    def update_or_roll_back(self: Any, template: str, *args: Any, **kwargs: Any) -> None:
        before = (self.template, self.template_dict)
        try:
            update(self, template, *args, **kwargs)
        except Exception as error:
            self.template, self.template_dict = before
            _report(self, error, "UPDATE")
            self.status = "UPDATE_ROLLBACK_COMPLETE"
            raise

    def apply_or_roll_back(self: Any) -> None:
        try:
            apply(self)
        except Exception as error:
            _report(self.stack, error, self.change_set_type)
            kept = self.change_set_type == "UPDATE"
            self.stack.status = "UPDATE_ROLLBACK_COMPLETE" if kept else "ROLLBACK_COMPLETE"
            self.execution_status = "EXECUTE_FAILED"
            raise

    def delete_or_keep(self: Any) -> None:
        try:
            delete(self)
        except Exception as error:
            _report(self, error, "DELETE")
            self.status = "DELETE_FAILED"
            cloudformation_backends[self.account_id][self.region_name].stacks[self.stack_id] = self
            raise

    parse = original_of(Stack, "parse_template")

    def parse_quickly(template: str) -> Any:
        try:
            return json.loads(template)  # moto has JSON read as YAML, which takes as long as the rest of a small stack.
        except (TypeError, ValueError):
            return parse(template)

    patches.set(Stack, "parse_template", staticmethod(parse_quickly))
    patches.set(CloudFormationBackend, "create_stack", create_or_roll_back)
    patches.set(Stack, "update", update_or_roll_back)
    patches.set(Stack, "delete", delete_or_keep)
    patches.set(ChangeSet, "apply", apply_or_roll_back)


def _install_nested(patches: Patches, running: list[engine.Update]) -> None:
    """Update nested stacks in place: moto deletes them, with all that they contain, and creates others."""

    def update_in_place(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        stack, properties = original_resource, cloudformation_json["Properties"]
        template = models.get_stack_from_s3_url(
            properties["TemplateURL"], account_id=account_id, partition=partition_of(region_name)
        )
        before = {name: getattr(stack, name) for name in _OF_A_TEMPLATE}
        stack.update(template, parameters=properties.get("Parameters"))

        def restore() -> None:
            for name, value in before.items():
                setattr(stack, name, value)
            stack.status = "UPDATE_ROLLBACK_COMPLETE"

        if running and running[-1].inner:
            running[-1].inner[-1].also_undo(restore)
        return stack

    patches.set(Stack, "update_from_cloudformation_json", classmethod(update_in_place))


_OF_A_TEMPLATE: Final = ("template", "template_dict", "output_map", "parameters")
"""What moto's stacks have of their template."""


def _roll_back(backend: Any, stack: Any, error: Exception, options: Mapping[str, Any]) -> None:
    """Do with a failed stack what ``OnFailure`` says: delete what it has made, unless the test wants to look at it."""
    _report(stack, error, "CREATE")
    on_failure = "DO_NOTHING" if options.get("DisableRollback") else options.get("OnFailure", "ROLLBACK")
    for name in [name for name, export in backend.exports.items() if export.exporting_stack_id == stack.stack_id]:
        del backend.exports[name]
    if on_failure == "DO_NOTHING":
        stack.status = "CREATE_FAILED"
        return
    stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=_reason(error))
    try:
        engine.delete(stack.resource_map, engine.ROLLED_BACK_RETAIN)
        stack.status = "ROLLBACK_COMPLETE"
    except Exception:
        stack.status = "ROLLBACK_FAILED"
    _close(stack)
    stack._add_stack_event(stack.status)
    if on_failure == "DELETE":
        backend.delete_stack(stack.stack_id)


def _close(stack: Any) -> None:
    """Empty a stack whose resources are gone: moto would make them again to show its outputs."""
    engine.close(stack.resource_map)
    stack.template_dict = {**stack.template_dict, "Outputs": {}}
    stack.output_map = stack._create_output_map()


def _report(stack: Any, error: Exception, verb: str) -> None:
    """Add the event of the resource that has failed."""
    if isinstance(error, ResourceFailed):
        event = Event(
            stack_id=stack.stack_id,
            stack_name=stack.name,
            logical_resource_id=error.logical_id,
            physical_resource_id="",
            resource_type=error.resource_type,
            resource_status=f"{verb}_FAILED",
            resource_status_reason=error.reason,
            resource_properties=None,
        )
        stack.events.append(event)


def _reason(error: Exception) -> str:
    if isinstance(error, ResourceFailed):
        return f"The following resource(s) failed to create: [{error.logical_id}]. Rollback requested by user."
    return str(error)
