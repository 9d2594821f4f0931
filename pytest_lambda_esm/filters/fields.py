"""The fast way to test an event: one function per key, looking the key up step by step.

It is exact for the events that are common: objects in objects, lists of values. For an event with objects in
lists, or with dots in its keys, it gives up (``ListOnPath``, ``has_dotted_key``), and ``arrays`` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pytest_lambda_esm.filters.leaves import Leaf

EventTest = Callable[[dict[str, Any]], bool]

CONTAINERS: Final = frozenset({dict, list})
_MISSING: Final = object()


class ListOnPath(Exception):
    """A key leads into a list of objects or lists, where keys may have to match in the same element."""


def has_dotted_key(event: dict[str, Any] | list[Any]) -> bool:
    """Whether any object in the event has a key with a dot in it."""
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
    """A test that all fields match; a field is a dotted path and its leaf."""
    tests = [_field_test(path.split("."), leaf) for path, leaf in fields]
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda event: first(event) and second(event)

    def test(event: dict[str, Any]) -> bool:
        for field in tests:  # noqa: SIM110 - a generator would take as long as two of the tests
            if not field(event):
                return False
        return True

    return test


def _field_test(steps: list[str], leaf: Leaf) -> EventTest:
    *parents, last = steps
    at_key = _words_test(last, leaf) if leaf.words is not None else _values_test(last, leaf)
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


def _words_test(key: str, leaf: Leaf) -> EventTest:
    words, words_or_list = leaf.words or frozenset(), _values_test(key, leaf)

    def test(event: dict[str, Any]) -> bool:
        value = event.get(key, _MISSING)
        return value in words if type(value) is str else words_or_list(event)

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
