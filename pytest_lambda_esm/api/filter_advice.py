"""Finds filters on DynamoDB's records that can never match, because values in them are wrapped in their type.

Follows the page "Using event filtering with a DynamoDB event source": ``{"N": "20"}`` is a string for a filter, and
``exists`` works on leaves only, which are the types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_TYPES: Final = frozenset({"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"})
_IMAGES: Final = ("NewImage", "OldImage", "Keys")


class Hopeless(NamedTuple):
    """A key of a pattern that can never match: its path, and the reason."""

    path: str
    why: str


def hopeless(pattern: str) -> Iterator[Hopeless]:
    """Return the keys of a valid pattern that never match."""
    for path, values in _leaves(json.loads(pattern), ()):
        if path[:1] == ("dynamodb",) and len(path) > 2 and path[1] in _IMAGES:
            why = _problem(path[-1], len(path) == 3, values)
            if why:
                yield Hopeless(".".join(path), why)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            if key == "$or" and isinstance(member, list):
                for alternative in member:
                    yield from _leaves(alternative, path)
            else:
                yield from _leaves(member, (*path, key))


def _problem(key: str, is_attribute: bool, values: list[Any]) -> str:
    """Say why none of a key's values can match; an attribute has a type below it, also if its name is ``N``."""
    if all(isinstance(value, dict) and value.get("exists") is True for value in values):
        return f"{key!r} is an object, and exists matches leaves only" if is_attribute or key not in _TYPES else ""
    if key == "N" and not is_attribute and all(map(_is_numeric, values)):
        return "DynamoDB's numbers are strings, and this compares them with numbers"
    return ""


def _is_numeric(value: Any) -> bool:
    if isinstance(value, dict):
        return "numeric" in value
    return isinstance(value, (int, float)) and not isinstance(value, bool)
