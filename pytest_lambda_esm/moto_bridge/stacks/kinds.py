"""What a stack needs to know of a type of resource, and the types that one operation each creates, updates and deletes.

Most types differ only in data: :class:`ApiKind`. The others implement :class:`Kind` themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.stacks.calls import Place, operation_model

Properties = Mapping[str, Any]
_GONE: Final = ("NotFound", "NonExistent", "NoSuch", "does not exist")
"""What the codes and texts of errors contain that say that a resource does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A resource as a template states it: ``name`` is a generated one, ``properties`` have no functions left."""

    type: str
    logical_id: str
    stack_id: str
    name: str
    place: Place
    properties: Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A resource that exists: its ``Ref``, what ``Fn::GetAtt`` returns, and what its service knows it by."""

    wanted: Wanted
    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """A type of resource. The methods raise ApiError for what AWS refuses, and NotSimulated for what is missing."""

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """The names that ``Fn::GetAtt`` knows; None for any."""
        ...

    def create(self, wanted: Wanted) -> Made:
        """Create the resource."""
        ...

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Update the resource, or create another one, with another physical id, and keep the old one for now."""
        ...

    def delete(self, made: Made) -> None:
        """Delete the resource. It is not an error if it is gone."""
        ...


def unchanged(properties: Properties, wanted: Wanted) -> Properties:
    """Return the properties: those of most types are the parameters of the operation."""
    return properties


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKind:
    """A type whose resources one operation creates, one updates, and one deletes.

    ``physical_id`` and the values of ``attributes`` and ``identity`` are format strings over the parameters and the
    answer of the create operation, and ``place``, a :class:`Place`. ``identity`` are the parameters of updates and
    deletions. ``named`` is the parameter that gets the generated name where the template states none. A change of a
    property in ``fixed``, or of any where there is no update operation, replaces the resource. ``documents`` are
    properties that the API takes as JSON text. ``resets`` are the parameters of an update that no longer states them.
    ``missing`` are properties of AWS that nothing behind this type has, with what to do.
    """

    service: str
    creates: str
    deletes: str
    updates: str | None = None
    physical_id: str
    identity: Mapping[str, str]
    attributes: Mapping[str, str] = field(default_factory=dict)
    named: str | None = None
    fixed: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    resets: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Properties, Wanted], Properties] = unchanged

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """The names that ``Fn::GetAtt`` knows."""
        return frozenset(self.attributes)

    def create(self, wanted: Wanted) -> Made:
        """Create the resource with the operation ``creates``."""
        params = self._params(wanted)
        answer = wanted.place.call(self.service, self.creates, params)
        known = {**answer, **params, "name": wanted.name, "place": wanted.place}
        return self._made(wanted, known)

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Update the resource with the operation ``updates``, or replace it."""
        before, after = made.wanted.properties, wanted.properties
        if self.updates is None or any(before.get(name) != after.get(name) for name in self.fixed):
            return self.create(wanted)
        params = self._params(wanted)
        if self.named:
            params[self.named] = made.known[self.named]
        shape = operation_model(self.service, self.updates).input_shape
        changes = {**self.resets, **params, **self._identity(made)}
        answer = wanted.place.call(self.service, self.updates, trimmed(shape, changes))
        return self._made(wanted, {**made.known, **answer, **params})

    def delete(self, made: Made) -> None:
        """Delete the resource with the operation ``deletes``."""
        with gone_is_fine():
            made.wanted.place.call(self.service, self.deletes, self._identity(made))

    def _params(self, wanted: Wanted) -> dict[str, Any]:
        for name, advice in self.missing.items():
            if wanted.properties.get(name):
                raise NotSimulated(f"its property {name} is not simulated: {advice}")
        params = dict(self.prepare(as_documents(wanted.properties, self.documents), wanted))
        if self.named and not params.get(self.named):
            params[self.named] = wanted.name
        return params

    def _identity(self, made: Made) -> dict[str, Any]:
        values = {name: text.format_map(made.known) for name, text in self.identity.items()}
        return {name: value for name, value in values.items() if value}

    def _made(self, wanted: Wanted, known: Mapping[str, Any]) -> Made:
        values = _Known(known)
        return Made(
            wanted=wanted,
            physical_id=self.physical_id.format_map(values),
            attributes={name: text.format_map(values) for name, text in self.attributes.items()},
            known=values,
        )


class _Known(dict[str, Any]):
    """What a service knows a resource by; a parameter that was not stated is an empty text."""

    def __missing__(self, key: str) -> str:
        return ""


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """Make it no error that something does not exist."""
    try:
        yield
    except ApiError as error:
        if not any(text in f"{error.code} {error.message}" for text in _GONE):
            raise


def as_documents(properties: Properties, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the properties, with some of them as JSON text."""
    return {name: as_text(value) if name in names else value for name, value in properties.items()}


def as_text(value: Any) -> Any:
    """Return a value as the API takes it in a string: documents as JSON, booleans in small letters."""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def trimmed(shape: Shape | None, value: Any) -> Any:
    """Return what an operation takes of a value: those that update know fewer members than those that create."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {name.lower(): member for name, member in shape.members.items()}
        return {name: trimmed(members[name.lower()], each) for name, each in value.items() if name.lower() in members}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [trimmed(shape.member, each) for each in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: trimmed(shape.value, each) for name, each in value.items()}
    return value
