"""The exact way to test any event: flatten it, then look for values that can stand together.

A list in an event disappears from the path: ``{"users": [{"name": "a"}]}`` has ``users.name``. Keys of different
elements of one list never match together: ``{"users": {"name": ["a"], "role": ["admin"]}}`` needs one user who
has both. Whether a key is absent is asked of the elements that the alphabetically earlier keys have chosen, and
of all elements when they have chosen none. These are the rules of AWS's published rule engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.filters.fields import CONTAINERS
from pytest_lambda_esm.filters.leaves import Leaf

Place = tuple[tuple[int, int], ...]
"""In which element of which lists a value stands: pairs of a list's number and an index."""


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A string, number, boolean or null of an event, and where it stands."""

    value: Any
    place: Place


FlatEvent = dict[str, list[FoundValue]]
"""All values of an event by their dotted path."""


def ways_to(fields: Sequence[tuple[str, Leaf]]) -> frozenset[str]:
    """The paths of the fields, and all paths that lead to them."""
    steps = [path.split(".") for path, _ in fields]
    return frozenset(".".join(names[:count]) for names in steps for count in range(1, len(names) + 1))


def flatten(event: dict[str, Any] | list[Any], ways: frozenset[str]) -> FlatEvent:
    """List the values of an event by path, for the paths in ``ways``; empty objects and lists have none."""
    flat: FlatEvent = {}
    lists = 0
    pending: list[tuple[Any, str | None, Place]] = [(event, None, ())]
    while pending:
        node, path, place = pending.pop()
        if type(node) is dict:
            for key, child in node.items():
                child_path = key if path is None else f"{path}.{key}"
                if child_path in ways:
                    pending.append((child, child_path, place))
        elif type(node) is list:
            lists += 1
            for index, child in enumerate(node):
                inside = (*place, (lists, index)) if type(child) in CONTAINERS else place
                pending.append((child, path, inside))
        elif path is not None:
            flat.setdefault(path, []).append(FoundValue(node, place))
    return flat


def conjunction_matches(fields: Sequence[tuple[str, Leaf]], flat: FlatEvent) -> bool:
    """Whether all fields, given in the order of their paths, match together.

    Goes through the fields once, and keeps the set of all places that the fields so far can have chosen. Of
    these only the lists count which a later field can be in, so the set stays small.
    """
    chosen: set[frozenset[tuple[int, int]]] = {frozenset()}
    mentioned = _lists_mentioned_later(fields, flat)
    for (path, leaf), later in zip(fields, mentioned, strict=True):
        found = flat.get(path, [])
        matching = {value.place for value in found if leaf.matches(value.value)}
        after: set[frozenset[tuple[int, int]]] = set()
        for places in chosen:
            indices = dict(places)
            if leaf.absent and not any(_stands_with(value.place, indices) for value in found):
                after.add(frozenset(place for place in places if place[0] in later))
            for place in matching:
                if _stands_with(place, indices):
                    after.add(frozenset(pair for pair in {*places, *place} if pair[0] in later))
        if not after:
            return False
        chosen = after
    return True


def _stands_with(place: Place, indices: dict[int, int]) -> bool:
    return all(indices.get(number, index) == index for number, index in place)


def _lists_mentioned_later(fields: Sequence[tuple[str, Leaf]], flat: FlatEvent) -> list[frozenset[int]]:
    """For each field the numbers of the lists that the fields after it can be in."""
    later: frozenset[int] = frozenset()
    result = []
    for path, _ in reversed(fields):
        result.append(later)
        later |= {number for value in flat.get(path, []) for number, _ in value.place}
    return result[::-1]
