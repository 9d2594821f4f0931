"""Tests an event against a compiled pattern.

A list in an event does not appear in paths: ``{"users": [{"name": "a"}]}`` has the path ``users.name``. Keys in
different elements of one list never match together: ``{"users": {"name": ["a"], "role": ["admin"]}}`` needs one user
who has both. ``{"exists": false}`` is tested on the elements that the alphabetically earlier keys have chosen, and on
all elements if they have chosen none. These are the rules of AWS's published rule engine.

There are two ways to test an event. The fast path walks from key to key. It cannot decide where a path leads into a
list of objects or lists, or a key contains a dot; then the exact path flattens the event and looks for values that
match together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters.syntax import Branch, Leaf, read_branches

EventTest = Callable[[dict[str, Any]], bool]

CONTAINERS: Final = frozenset({dict, list})
_MISSING: Final = object()


class Pattern:
    """A compiled pattern; ``branches`` are its alternatives, more than one only with ``$or``."""

    __slots__ = ("_conjunctions", "branches", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.branches: Final[Sequence[Branch]] = tuple(read_branches(text))
        self._conjunctions = tuple(Conjunction(branch) for branch in self.branches)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def matches(self, event: Any) -> bool:
        """Whether an event, as parsed JSON, matches. Only objects match patterns."""
        return type(event) is dict and any_matches(self._conjunctions, event)


@functools.lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Compile an event pattern, in EventBridge's language as Lambda's event filtering supports it.

    Raises InvalidPattern, and nothing else, for invalid text. Compiled patterns are immutable and cached.
    """
    return Pattern(text)


class Conjunction:
    """Keys that must all match: ``fields`` in the order of their paths, and ``test``, their fast path.

    ``test`` takes an object without dots in its keys, and raises ListOnPath if it cannot decide. ``any_matches``
    takes any event.
    """

    __slots__ = ("fields", "test")

    def __init__(self, branch: Branch) -> None:
        self.fields: Final[Sequence[tuple[str, Leaf]]] = tuple(sorted(branch.items(), key=lambda field: field[0]))
        self.test: Final[EventTest] = conjunction_test(self.fields)


def any_matches(conjunctions: Sequence[Conjunction], event: Any) -> bool:
    """Whether one of the conjunctions matches an event: an object, or a list of objects."""
    if type(event) is dict and not has_dotted_key(event):
        try:
            for conjunction in conjunctions:  # noqa: SIM110 - a generator takes as long as two tests
                if conjunction.test(event):
                    return True
            return False
        except ListOnPath:
            pass
    flat = flatten(event, frozenset().union(*(prefixes_of(conjunction.fields) for conjunction in conjunctions)))
    return any(conjunction_matches(conjunction.fields, flat) for conjunction in conjunctions)


# --- the fast path -----------------------------------------------------------------------------------------


class ListOnPath(Exception):
    """A path leads into a list of objects or lists, where keys may have to match in the same element."""


def has_dotted_key(event: dict[str, Any] | list[Any]) -> bool:
    """Whether any object in the event has a key with a dot."""
    pending: list[Any] = [event]
    while pending:
        node = pending.pop()
        if type(node) is dict:
            if "." in "".join(node):
                return True
            node = node.values()
        for child in node:
            if type(child) in CONTAINERS:
                pending.append(child)
    return False


def conjunction_test(fields: Sequence[tuple[str, Leaf]]) -> EventTest:
    """Return the test that all fields match; a field is a dotted path and its leaf."""
    tests = [_field_test(path.split("."), leaf) for path, leaf in fields]
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda event: first(event) and second(event)

    def test(event: dict[str, Any]) -> bool:
        for field in tests:  # noqa: SIM110 - a generator takes as long as two of the tests
            if not field(event):
                return False
        return True

    return test


def _field_test(steps: list[str], leaf: Leaf) -> EventTest:
    *parents, last = steps
    at_key = _strings_test(last, leaf) if leaf.strings is not None else _values_test(last, leaf)
    if not parents:
        return at_key
    absent = leaf.absent

    def test(event: dict[str, Any]) -> bool:
        for step in parents:
            parent = event.get(step)
            if type(parent) is not dict:
                _refuse_containers(parent)
                return absent
            event = parent
        return at_key(event)

    return test


def _strings_test(key: str, leaf: Leaf) -> EventTest:
    strings, other_values = leaf.strings or frozenset(), _values_test(key, leaf)

    def test(event: dict[str, Any]) -> bool:
        value = event.get(key, _MISSING)
        return value in strings if type(value) is str else other_values(event)

    return test


def _values_test(key: str, leaf: Leaf) -> EventTest:
    matches, absent = leaf.matches, leaf.absent

    def test(event: dict[str, Any]) -> bool:
        value = event.get(key, _MISSING)
        if value is _MISSING or type(value) is dict:
            return absent
        if type(value) is not list:
            return matches(value)
        _refuse_containers(value)
        return any(map(matches, value)) if value else absent

    return test


def _refuse_containers(value: Any) -> None:
    if type(value) is list:
        for item in value:
            if type(item) in CONTAINERS:
                raise ListOnPath


# --- the exact path ----------------------------------------------------------------------------------------

Place = tuple[tuple[int, int], ...]
"""The list elements that contain a value: pairs of a list's number and an index."""


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A string, number, boolean or null of an event, and its place."""

    value: Any
    place: Place


FlatEvent = dict[str, list[FoundValue]]
"""The values of an event by their dotted path."""


def flatten(event: dict[str, Any] | list[Any], paths: frozenset[str]) -> FlatEvent:
    """Return the values of an event by path, for these paths; empty objects and lists have no values."""
    flat: FlatEvent = {}
    lists = 0
    pending: list[tuple[Any, str | None, Place]] = [(event, None, ())]
    while pending:
        node, path, place = pending.pop()
        if type(node) is dict:
            for key, child in node.items():
                child_path = key if path is None else f"{path}.{key}"
                if child_path in paths:
                    pending.append((child, child_path, place))
        elif type(node) is list:
            lists += 1
            for index, child in enumerate(node):
                inside = (*place, (lists, index)) if type(child) in CONTAINERS else place
                pending.append((child, path, inside))
        elif path is not None:
            flat.setdefault(path, []).append(FoundValue(node, place))
    return flat


def prefixes_of(fields: Sequence[tuple[str, Leaf]]) -> frozenset[str]:
    """Return the paths of the fields, and all their prefixes."""
    steps = [path.split(".") for path, _ in fields]
    return frozenset(".".join(names[:count]) for names in steps for count in range(1, len(names) + 1))


def conjunction_matches(fields: Sequence[tuple[str, Leaf]], flat: FlatEvent) -> bool:
    """Whether all fields, in the order of their paths, match together.

    Goes through the fields once, and keeps the set of all places that the fields so far can have chosen. Lists that
    contain no value of a later field are dropped from the places, so the set stays small.
    """
    chosen: set[frozenset[tuple[int, int]]] = {frozenset()}
    for (path, leaf), later in zip(fields, _later_lists(fields, flat), strict=True):
        found = flat.get(path, [])
        matching = {value.place for value in found if leaf.matches(value.value)}
        after: set[frozenset[tuple[int, int]]] = set()
        for places in chosen:
            indices = dict(places)
            if leaf.absent and not any(_agrees(value.place, indices) for value in found):
                after.add(frozenset(place for place in places if place[0] in later))
            for place in matching:
                if _agrees(place, indices):
                    after.add(frozenset(pair for pair in {*places, *place} if pair[0] in later))
        if not after:
            return False
        chosen = after
    return True


def _agrees(place: Place, indices: dict[int, int]) -> bool:
    return all(indices.get(number, index) == index for number, index in place)


def _later_lists(fields: Sequence[tuple[str, Leaf]], flat: FlatEvent) -> list[frozenset[int]]:
    """Return, for each field, the numbers of the lists that contain values of the fields after it."""
    later: frozenset[int] = frozenset()
    result = []
    for path, _ in reversed(fields):
        result.append(later)
        later |= {number for value in flat.get(path, []) for number, _ in value.place}
    return result[::-1]
