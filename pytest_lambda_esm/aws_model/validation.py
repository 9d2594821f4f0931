"""The constraints of the service model, and AWS's messages for requests that break them.

Recorded for Lambda: the sentence ``Value '...' at '...' failed to satisfy constraint: ...``; the texts for value sets,
patterns, lengths, values and absent members; clauses joined by ``; ``; dotted paths; and that items of a list or map
that are not structures are reported at the list or map, with all constraints of the items (``Member must satisfy
constraint: [..., Member must not be null]``, ``Map keys ...``, ``Map value ...``). Recorded for other services of the
same framework: ``name.1.member`` as the path of a structure in a list (``name.key.member`` in a map), pattern before
length if one value breaks both, and that sensitive values are left out. Chosen: clauses of different members come in
the order of the model's members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pytest_lambda_esm.aws_model.errors import LAMBDA_STATUSES, ApiError
from pytest_lambda_esm.aws_model.java import JavaPattern, hash_order, java_text, lower_first

_NUMBERS: Final = frozenset({"integer", "long", "float", "double"})
_NOT_NULL: Final = "Member must not be null"

Inspect = Callable[[Any, str, list[str]], None]
"""Checks the value at a path, and appends a clause for each constraint that it breaks."""


class Validator:
    """Checks the input of operations. Prepares each structure once, on first use."""

    def __init__(self) -> None:
        self._structures: dict[str, Inspect] = {}

    def validate(self, shape: StructureShape, params: Mapping[str, Any]) -> None:
        """Raise AWS's ValidationException with a clause for each constraint that ``params`` break."""
        found: list[str] = []
        self._structure(shape)(params, "", found)
        if found:
            errors = "error" if len(found) == 1 else "errors"
            message = f"{len(found)} validation {errors} detected: {'; '.join(found)}"
            raise ApiError("ValidationException", message, LAMBDA_STATUSES["ValidationException"])

    def _structure(self, shape: StructureShape) -> Inspect:
        if shape.name not in self._structures:
            fields: list[tuple[str, str, bool, Inspect | None]] = []

            def inspect(values: Any, path: str, found: list[str]) -> None:
                prefix = f"{path}." if path else ""
                for name, shown_name, required, inspect_member in fields:
                    value = values.get(name)
                    if value is not None:
                        if inspect_member is not None:
                            inspect_member(value, prefix + shown_name, found)
                    elif required:
                        found.append(_clause("null ", prefix + shown_name, _NOT_NULL))

            # Registered before its fields are known, because a structure may contain itself.
            self._structures[shape.name] = inspect
            for name, member in shape.members.items():
                fields.append((name, lower_first(name), name in shape.required_members, self._member(member)))
        return self._structures[shape.name]

    def _member(self, shape: Shape) -> Inspect | None:
        constraints = sorted(constraints_of(shape), key=lambda constraint: not constraint.first)
        inside = self._inside(shape)
        if not constraints:
            return inside

        def inspect(value: Any, path: str, found: list[str]) -> None:
            for constraint in constraints:
                if not constraint.holds(value):
                    shown = "" if shape.metadata.get("sensitive") else f"'{java_text(value, shape)}' "
                    found.append(_clause(shown, path, constraint.text))
            if inside is not None:
                inside(value, path, found)

        return inspect

    def _inside(self, shape: Shape) -> Inspect | None:
        """Return how to check the structures within a value, None if it cannot have any."""
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            item = self._inside(shape.member)
            return None if item is None else partial(_inspect_items, item, _numbered)
        if isinstance(shape, MapShape):
            item = self._inside(shape.value)
            return None if item is None else partial(_inspect_items, item, dict.items)
        return None


def _clause(value: str, path: str, constraint: str) -> str:
    return f"Value {value}at '{path}' failed to satisfy constraint: {constraint}"


def _numbered(items: Any) -> Iterable[tuple[Any, Any]]:
    return enumerate(items, 1)


def _inspect_items(
    inspect: Inspect,
    items: Callable[[Any], Iterable[tuple[Any, Any]]],
    value: Any,
    path: str,
    found: list[str],
) -> None:
    for key, item in items(value):
        if item is not None:
            inspect(item, f"{path}.{key}.member", found)


# --- constraints of a shape ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint: AWS's text and the test of a value.

    Clauses of constraints with ``first`` come before the others of the same value.
    """

    text: str
    holds: Callable[[Any], bool]
    first: bool = False


def constraints_of(shape: Shape) -> tuple[Constraint, ...]:
    """Return the constraints on a value of this shape as a whole, in AWS's order."""
    return (*_own(shape), *_of_items(shape))


def _own(shape: Shape) -> Iterator[Constraint]:
    traits = shape.metadata
    if "enum" in traits:
        listed = ", ".join(hash_order(traits["enum"]))
        yield Constraint(f"Member must satisfy enum value set: [{listed}]", frozenset(traits["enum"]).__contains__)
    yield from (_range(traits, "value", _itself) if shape.type_name in _NUMBERS else _range(traits, "length", len))
    if "pattern" in traits:
        pattern = JavaPattern(traits["pattern"])
        text = f"Member must satisfy regular expression pattern: {pattern.text}"
        yield Constraint(text, pattern.matches, first=True)


def _range(traits: Mapping[str, Any], measured: str, measure: Callable[[Any], Any]) -> Iterator[Constraint]:
    maximum, minimum = traits.get("max"), traits.get("min")
    if maximum is not None:
        text = f"Member must have {measured} less than or equal to {maximum}"
        yield Constraint(text, lambda value: measure(value) <= maximum)
        if minimum is None and measured == "length":
            minimum = 0  # AWS lists it (recorded); older versions of botocore leave it out.
    if minimum is not None:
        text = f"Member must have {measured} greater than or equal to {minimum}"
        yield Constraint(text, lambda value: measure(value) >= minimum)


def _itself(value: Any) -> Any:
    return value


def _of_items(shape: Shape) -> Iterator[Constraint]:
    if isinstance(shape, ListShape):
        yield _each("Member must satisfy constraint", shape.member, _itself)
    elif isinstance(shape, MapShape):
        yield _each("Map keys must satisfy constraint", shape.key, _itself)
        yield _each("Map value must satisfy constraint", shape.value, lambda value: value.values())


def _each(text: str, item: Shape, items: Callable[[Any], Iterable[Any]]) -> Constraint:
    constraints = constraints_of(item)
    tests = [constraint.holds for constraint in constraints]
    listed = ", ".join([*(constraint.text for constraint in constraints), _NOT_NULL])
    return Constraint(
        f"{text}: [{listed}]",
        lambda value: all(entry is not None and all(test(entry) for test in tests) for entry in items(value)),
    )
