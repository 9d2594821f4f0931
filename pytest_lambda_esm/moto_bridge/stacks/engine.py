"""Creates, updates and deletes the resources of a stack in order, and undoes a failed creation or update.

moto creates resources when something first refers to them, ignores ``DependsOn`` on that way, updates before it knows
that everything can be created, and leaves what a failed stack has made. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5:
``ResourceMap`` and the functions of ``moto.cloudformation.parsing``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.stacks.order import dependencies, in_order
from pytest_lambda_esm.moto_bridge.stacks.resource_class import StackResource

Advise = Callable[[str, str], None]
"""Takes a subject and a description of what does nothing."""

_STATE: Final = "_lambda_esm_resources"
"""An attribute of moto's map of a stack's resources."""
_RETAIN: Final = ("Retain", "RetainExceptOnCreate")
ROLLED_BACK_RETAIN: Final = ("Retain",)
"""The deletion policies that keep a resource when its stack is deleted, and when its creation is rolled back."""
_ATTEMPTS: Final = 5
"""How often a stack tries to delete a resource that another one still uses."""


class ResourceFailed(ValidationError):  # type: ignore[misc]  # moto has no types.
    """A resource that could not be made, and why."""

    def __init__(self, logical_id: str, resource_type: str, reason: str) -> None:
        super().__init__(message=f"{logical_id} ({resource_type}): {reason}")
        self.logical_id = logical_id
        self.resource_type = resource_type
        self.reason = reason


@dataclass(slots=True)
class Made:
    """What a stack has made, in order: the resources' properties by logical id, and those that are being made now."""

    resolved: dict[str, dict[str, Any]] = field(default_factory=dict)
    making: list[str] = field(default_factory=list)


def made_by(resources: Any) -> Made:
    """Return what a stack has made since the fake is active."""
    state: Made = resources.__dict__.setdefault(_STATE, Made())
    return state


def _check_format(stated: Any) -> None:
    for name, resource in stated.items():
        if str(name).startswith("Fn::"):
            raise NotSimulated(
                f"The template has {name} among its resources, which moto's CloudFormation does not expand. Expand the"
                f" template first, for example with the package aws-sam-translator."
            )
        if not isinstance(resource, dict) or "Type" not in resource:
            text = f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            raise ValidationError(message=text)


def check(resources: Any) -> list[str]:
    """Return the logical ids in order. Refuse references to nothing, and circles, before anything is made."""
    stated = resources._resource_json_map
    _check_format(stated)
    unknown = sorted(
        {str(each["Condition"]) for each in stated.values() if each.get("Condition")} - {*resources.lazy_condition_map}
    )
    try:
        if unknown:
            listed = ", ".join(unknown)
            text = f"Template format error: Unresolved condition dependency {listed}"
            raise ValueError(f"{text} in the Resources block of the template")
        return in_order(stated, resources._parsed_resources)
    except ValueError as error:
        raise ValidationError(message=str(error)) from None


def create(original: Callable[..., Any], logical_id: str, resource_json: Any, resources: Any, **place: str) -> Any:
    """Create one resource with moto's function ``original``, after those that it depends on."""
    state = made_by(resources)
    condition = resource_json.get("Condition")
    if condition and not resources.lazy_condition_map[condition]:
        return None
    if logical_id in state.making:
        circle = ", ".join(state.making[state.making.index(logical_id) :])
        raise ValidationError(message=f"Circular dependency between resources: [{circle}]")
    state.making.append(logical_id)
    try:
        for each in dependencies(resource_json):
            resources[each]
        with_reason = _Reasons(logical_id, resource_json["Type"])
        resource = with_reason.run(lambda: original(logical_id, resource_json, resources, **place))
        if resource is not None:
            state.resolved[logical_id] = parsing.clean_json(resource_json, resources)
        return resource
    finally:
        state.making.remove(logical_id)


def delete(resources: Any, kept: tuple[str, ...] = _RETAIN) -> None:
    """Delete everything that a stack has made, the last first, except what has one of these policies."""
    state = made_by(resources)
    remaining = [
        logical_id
        for logical_id in reversed(_present(resources, resources._resource_json_map))
        if resources._resource_json_map.get(logical_id, {}).get("DeletionPolicy") not in kept
    ]
    failure: Exception | None = None
    for _ in range(_ATTEMPTS):
        for logical_id in list(remaining):
            try:
                _delete(resources, logical_id, resources._parsed_resources.get(logical_id))
            except Exception as error:
                failure = error
                continue
            remaining.remove(logical_id)
            resources._parsed_resources.pop(logical_id, None)
            state.resolved.pop(logical_id, None)
        if not remaining:
            return
    assert failure is not None
    raise failure


def close(resources: Any) -> None:
    """Forget the template, since moto creates what something refers to later."""
    resources._resource_json_map = {}


def _present(resources: Any, resource_json_map: Any) -> list[str]:
    """Return what a stack has, in the order in which it was made; what was made before the fake comes first."""
    made = list(made_by(resources).resolved)
    return [each for each in resource_json_map if each in resources._parsed_resources and each not in made] + made


def _delete(resources: Any, logical_id: str, resource: Any, stated: Any = None) -> None:
    if resource is None:
        return
    # What was made before the fake was active is known by its template only.
    resolved = made_by(resources).resolved.get(logical_id) or (stated or resources._resource_json_map)[logical_id]

    def run() -> None:
        if isinstance(resource, StackResource):
            resource.delete(resources._account_id, resources._region_name)
        else:
            resources._delete_resource(resource, resolved)

    _Reasons(logical_id, resolved["Type"]).run(run)


# --- updates -------------------------------------------------------------------------------------------------


class Update:
    """One update of a stack's resources: :meth:`run` makes the changes, and :meth:`undo` takes them back.

    :meth:`finish` makes it final. ``inner`` are the updates of nested stacks that belong to this one: they become final
    with it, and are taken back with it.
    """

    def __init__(self, resources: Any, advise: Advise, before_final: Callable[[str], None]) -> None:
        self._resources = resources
        self._advise = advise
        self._before_final = before_final
        self._state = made_by(resources)
        self._before = {name: getattr(resources, name) for name in ("_template", "_resource_json_map")}
        self._parameters = resources.input_parameters
        self._undo: list[Callable[[], None]] = []
        self._replaced: list[tuple[str, Any, dict[str, Any]]] = []
        self._dropped: list[str] = []
        self.inner: list[Update] = []

    def run(self, template: dict[str, Any], parameters: dict[str, Any] | None) -> None:
        """Create and update in order."""
        old = _present(self._resources, self._before["_resource_json_map"])
        self._load(template, template["Resources"], parameters)
        stated = check(self._resources)
        for logical_id in stated:
            self._apply(logical_id)
        self._before_final(self._resources.stack_id)
        conditions = self._resources.lazy_condition_map
        kept = {each for each in stated if conditions.get(template["Resources"][each].get("Condition"), True)}
        self._dropped = [each for each in reversed(old) if each not in kept]

    def finish(self) -> None:
        """Delete what is no longer stated or was replaced. Nothing can be taken back after it."""
        self._clean_up(self._dropped)
        for inner in self.inner:
            inner.finish()

    def also_undo(self, step: Callable[[], None]) -> None:
        """Take something else back as well, after the resources."""
        self._undo.insert(0, step)

    def undo(self) -> None:
        """Take the changes back, the last first."""
        self._load(self._before["_template"], self._before["_resource_json_map"], self._parameters)
        while self._undo:
            try:
                self._undo.pop()()
            except (ServiceException, HTTPException) as error:
                self._advise("stack", f"the rollback of an update has failed: {error}")

    def _load(self, template: Any, resource_json_map: Any, parameters: dict[str, Any] | None) -> None:
        resources = self._resources
        resources._template, resources._resource_json_map = template, resource_json_map
        if parameters:
            resources.input_parameters = parameters
        resources.load_mapping()
        resources.load_parameters()
        resources.load_conditions()

    def _apply(self, logical_id: str) -> None:
        resources, state = self._resources, self._state
        resource_json = resources._resource_json_map[logical_id]
        condition = resource_json.get("Condition")
        if condition and not resources.lazy_condition_map[condition]:
            return
        if logical_id not in resources._parsed_resources:
            made = resources[logical_id]
            if made is not None:
                self._undo.append(lambda: self._remove(logical_id))
            return
        before = state.resolved.get(logical_id)
        reasons = _Reasons(logical_id, resource_json["Type"])
        after = reasons.run(lambda: parsing.clean_json(resource_json, resources))
        if before is not None and _essence(before) == _essence(after):
            return
        if before is not None and before["Type"] != after["Type"]:
            text = "Update of resource type is not permitted. The new template modifies resource type of the following"
            raise ValidationError(message=f"{text} resources: [{logical_id}]")
        self._change(logical_id, before, after)

    def _change(self, logical_id: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        resources, state = self._resources, self._state
        old, known = resources._parsed_resources[logical_id], len(self.inner)
        new = self._updated(logical_id, after)
        if new is None:
            self._advise(
                logical_id,
                f"the update of {logical_id} ({after['Type']}) has no effect, since moto cannot update this type",
            )
            new = old
        resources._parsed_resources[logical_id] = new
        state.resolved[logical_id] = after
        if getattr(new, "replaces", None) is old:
            self._replaced.append((logical_id, old, before or after))
            self._undo.append(lambda: self._replace_again(logical_id, old, before or after))
        elif len(self.inner) > known:
            self._undo.append(lambda: self._take_back(logical_id, before or after, self.inner[known]))
        elif before is not None:
            self._undo.append(lambda: self._change_back(logical_id, before))

    def _updated(self, logical_id: str, after: dict[str, Any]) -> Any:
        resources = self._resources
        return _Reasons(logical_id, after["Type"]).run(
            lambda: parsing.parse_and_update_resource(
                logical_id,
                after,
                resources,
                account_id=resources._account_id,
                region_name=resources._region_name,
            )
        )

    def _remove(self, logical_id: str) -> None:
        _delete(self._resources, logical_id, self._resources._parsed_resources.pop(logical_id))
        self._state.resolved.pop(logical_id)

    def _replace_again(self, logical_id: str, old: Any, before: dict[str, Any]) -> None:
        _delete(self._resources, logical_id, self._resources._parsed_resources[logical_id])
        self._resources._parsed_resources[logical_id] = old
        self._state.resolved[logical_id] = before

    def _take_back(self, logical_id: str, before: dict[str, Any], inner: Update) -> None:
        """Take the update of a nested stack back."""
        inner.undo()
        self._state.resolved[logical_id] = before

    def _change_back(self, logical_id: str, before: dict[str, Any]) -> None:
        new = self._updated(logical_id, before)
        if new is not None:
            self._resources._parsed_resources[logical_id] = new
        self._state.resolved[logical_id] = before

    def _clean_up(self, dropped: list[str]) -> None:
        """Delete what is no longer needed. As on AWS, the update has succeeded whatever happens to these."""
        resources = self._resources
        for logical_id, resource, _ in reversed(self._replaced):
            if resources._resource_json_map[logical_id].get("UpdateReplacePolicy") != "Retain":
                self._try(logical_id, resource)
        for logical_id in dropped:
            resource = resources._parsed_resources.pop(logical_id, None)
            if self._before["_resource_json_map"].get(logical_id, {}).get("DeletionPolicy") not in _RETAIN:
                self._try(logical_id, resource)
            self._state.resolved.pop(logical_id, None)

    def _try(self, logical_id: str, resource: Any) -> None:
        try:
            _delete(self._resources, logical_id, resource, self._before["_resource_json_map"])
        except (ServiceException, HTTPException) as error:
            self._advise(
                logical_id, f"the stack could not delete {logical_id}, and does not contain it any more: {error}"
            )


def _essence(resource: dict[str, Any]) -> tuple[Any, Any]:
    return resource.get("Type"), resource.get("Properties") or {}


# --- errors --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Says of an error which resource it is about."""

    logical_id: str
    resource_type: str

    def run(self, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except ResourceFailed:
            raise
        except NotSimulated as error:
            raise NotSimulated(
                f"{self.logical_id} ({self.resource_type}) cannot be made: {str(error).rstrip('.')}. Or leave the"
                f" resource out of the template in tests, with a condition or with deploy(...,"
                f" skip=[{self.resource_type!r}])."
            ) from error
        except KeyError as error:
            reason = f"Properties validation failed: required key [{error.args[0]}] not found"
            raise self._failed(reason) from error
        except ApiError as error:
            raise self._failed(_passed_on(error.message, error.code)) from error
        except (ServiceException, HTTPException) as error:
            code = getattr(error, "error_type", None) or getattr(error, "code", None)
            message = str(getattr(error, "message", None) or error)
            own = isinstance(error, ValidationError)
            raise self._failed(message if own else _passed_on(message, str(code))) from error

    def _failed(self, reason: str) -> ResourceFailed:
        return ResourceFailed(self.logical_id, self.resource_type, reason)


def _passed_on(message: str, code: str) -> str:
    return f'Resource handler returned message: "{message}" ({code})'
