"""The constraints that the service model states, and AWS's texts when a request breaks them.

Recorded: the sentence ``Value '...' at '...' failed to satisfy constraint: ...``, the texts for value sets,
patterns, lengths, values and absent members, several clauses joined by ``; ``, dotted paths, and that an
item of a list or map which is no structure is reported at the list or map, with all constraints of the items
(``Member must satisfy constraint: [..., Member must not be null]``, ``Map keys ...``, ``Map value ...``). Of
other services of the same framework: ``name.1.member`` as the path of a structure in a list
(``name.key.member`` in a map), pattern before length where one value breaks both, and the value left out
where it is sensitive. Chosen: clauses of different members come in the order of the model's members.
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
"""Look at a value that stands at a path, and append the clauses of what it breaks."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that the model demands of a value: AWS's text for it, and the test.

    Among the clauses of one value, those of constraints with ``leads`` come first.
    """

    text: str
    holds: Callable[[Any], bool]
    leads: bool = False


def constraints_of(shape: Shape) -> tuple[Constraint, ...]:
    """What the model demands of a value of this shape as a whole, in the order in which AWS lists it."""
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
        yield Constraint(text, pattern.matches, leads=True)


def _range(traits: Mapping[str, Any], measured: str, measure: Callable[[Any], Any]) -> Iterator[Constraint]:
    most, least = traits.get("max"), traits.get("min")
    if most is not None:
        text = f"Member must have {measured} less than or equal to {most}"
        yield Constraint(text, lambda value: measure(value) <= most)
        if least is None and measured == "length":
            least = 0  # AWS lists it (recorded), while older versions of botocore leave it out.
    if least is not None:
        text = f"Member must have {measured} greater than or equal to {least}"
        yield Constraint(text, lambda value: measure(value) >= least)


def _itself(value: Any) -> Any:
    return value


def _of_items(shape: Shape) -> Iterator[Constraint]:
    if isinstance(shape, ListShape):
        yield _each("Member must satisfy constraint", shape.member, _itself)
    elif isinstance(shape, MapShape):
        yield _each("Map keys must satisfy constraint", shape.key, _itself)
        yield _each("Map value must satisfy constraint", shape.value, lambda value: value.values())


def _each(text: str, item: Shape, items: Callable[[Any], Iterable[Any]]) -> Constraint:
    demands = constraints_of(item)
    tests = [demand.holds for demand in demands]
    listed = ", ".join([*(demand.text for demand in demands), _NOT_NULL])
    return Constraint(
        f"{text}: [{listed}]",
        lambda value: all(one is not None and all(test(one) for test in tests) for one in items(value)),
    )


def _clause(value: str, path: str, demand: str) -> str:
    return f"Value {value}at '{path}' failed to satisfy constraint: {demand}"


class Validator:
    """Checks the input of operations. Prepares each shape once, when it is first needed."""

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
                for name, wire_name, required, look in fields:
                    value = values.get(name)
                    if value is not None:
                        if look is not None:
                            look(value, prefix + wire_name, found)
                    elif required:
                        found.append(_clause("null ", prefix + wire_name, _NOT_NULL))

            # Filled after it is known, because a structure may contain itself.
            self._structures[shape.name] = inspect
            for name, member in shape.members.items():
                fields.append((name, lower_first(name), name in shape.required_members, self._member(member)))
        return self._structures[shape.name]

    def _member(self, shape: Shape) -> Inspect | None:
        demands = sorted(constraints_of(shape), key=lambda demand: not demand.leads)
        inside = self._inside(shape)
        if not demands:
            return inside

        def inspect(value: Any, path: str, found: list[str]) -> None:
            for demand in demands:
                if not demand.holds(value):
                    shown = "" if shape.metadata.get("sensitive") else f"'{java_text(value, shape)}' "
                    found.append(_clause(shown, path, demand.text))
            if inside is not None:
                inside(value, path, found)

        return inspect

    def _inside(self, shape: Shape) -> Inspect | None:
        """How to look at the structures within a value; None where there cannot be any."""
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            item = self._inside(shape.member)
            return None if item is None else partial(_inspect_items, item, _numbered)
        if isinstance(shape, MapShape):
            item = self._inside(shape.value)
            return None if item is None else partial(_inspect_items, item, dict.items)
        return None


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
