"""The engine, compared with a slow matcher that follows the rules word by word, on random patterns and events."""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.data_rules import DATA_RULES
from helpers.trials import trials
from pytest_lambda_esm.filters import Filter, InvalidPattern, compile_pattern

# The reference: a pattern is an object as Python has it, so without repeated keys.

Located = tuple[Any, dict[tuple[str, ...], int]]
"""A value, and its index in each list around it; a list is named by the path to it."""


def values_at(node: Any, names: list[str], way: tuple[str, ...], indices: dict[tuple[str, ...], int]) -> list[Located]:
    """All values of an event whose keys, joined with dots, are the names joined with dots."""
    found: list[Located] = []
    if isinstance(node, list):
        for index, item in enumerate(node):
            inside = {**indices, way: index} if isinstance(item, dict | list) else indices
            found += values_at(item, names, (*way, f"[{index}]"), inside)
    elif isinstance(node, dict):
        for key, item in node.items():
            steps = key.split(".")
            if names[: len(steps)] == steps:
                found += values_at(item, names[len(steps) :], (*way, key), indices)
    elif not names:
        found.append((node, indices))
    return found


def expand(pattern: dict[str, Any], prefix: str = "") -> list[dict[str, list[Any]]]:
    """The ways to match a pattern, each with one list per path; later lists replace earlier ones."""
    ways: list[dict[str, list[Any]]] = [{}]
    for key, value in pattern.items():
        if key == "$or":
            more = [way for alternative in value for way in expand(alternative, prefix)]
        elif isinstance(value, dict):
            more = expand(value, f"{prefix}{key}.")
        else:
            more = [{prefix + key: value}]
        ways = [{**one, **other} for one in ways for other in more]
    return ways


def same(expected: Any, value: Any) -> bool:
    numbers = (int, float)
    if isinstance(expected, bool) or isinstance(value, bool) or not isinstance(expected, numbers):
        return type(expected) is type(value) and expected == value
    return isinstance(value, numbers) and expected == value


def wildcard(text: str, value: str) -> bool:
    pieces = re.findall(r"\\.|\*|[^\\*]", text, re.DOTALL)
    expression = "".join(".*" if piece == "*" else re.escape(piece[-1]) for piece in pieces)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def compare(operator: str, value: float, bound: float) -> bool:
    order = (value > bound) - (value < bound)
    return {"=": order == 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def in_cidr(text: str, value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address in ipaddress.ip_network(text, strict=False)


def accepts_text(name: str, operand: Any, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if isinstance(operand, dict):
        operand, value = operand["equals-ignore-case"].lower(), value.lower()
    if name == "wildcard":
        return wildcard(operand, value)
    if name == "cidr":
        return in_cidr(operand, value)
    same_ends: dict[str, bool] = {
        "prefix": value[: len(operand)] == operand,
        "suffix": value[max(0, len(value) - len(operand)) :] == operand,
        "equals-ignore-case": value.lower() == operand.lower(),
    }
    return same_ends[name]


def accepts(entry: Any, value: Any) -> bool:
    """Whether one entry of a list accepts a value that exists."""
    if not isinstance(entry, dict):
        return same(entry, value)
    [(name, operand)] = entry.items()
    if name == "exists":
        return bool(operand)
    if name == "numeric":
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 5e9:
            return False
        return all(compare(operand[i], value, operand[i + 1]) for i in range(0, len(operand), 2))
    if name == "anything-but":
        if isinstance(operand, dict):
            [(inner, texts)] = operand.items()
            return not any(accepts_text(inner, text, value) for text in (texts if type(texts) is list else [texts]))
        return not any(same(item, value) for item in (operand if type(operand) is list else [operand]))
    return accepts_text(name, operand, value)


def together(one: dict[Any, int], other: dict[Any, int]) -> bool:
    return all(other.get(name, index) == index for name, index in one.items())


def way_matches(way: list[tuple[str, list[Any]]], event: Any, chosen: dict[Any, int]) -> bool:
    if not way:
        return True
    (path, entries), *rest = way
    reachable = [
        (value, indices) for value, indices in values_at(event, path.split("."), (), {}) if together(indices, chosen)
    ]
    if not reachable and {"exists": False} in entries:
        return way_matches(rest, event, chosen)
    return any(
        any(accepts(entry, value) for entry in entries) and way_matches(rest, event, {**chosen, **indices})
        for value, indices in reachable
    )


def reference(pattern: dict[str, Any], event: Any) -> bool:
    return any(way_matches(sorted(way.items()), event, {}) for way in expand(pattern))


# The random input: few keys and values, so that something matches.

KEYS = st.sampled_from(["a", "b", "c", "a.b", "b.c", "", "a-c"])
TEXTS = st.sampled_from(["", "x", "xy", "XY", "yx", "x*y", "\\", "1", "10.0.0.7", "2001:db8::1", "é", "É", "🚀", "ab"])
NUMBERS = st.sampled_from([0, 1, -1, 1.0, 1.5, 100, 1e2, 300.0, 6_000_000_000, 123456789012345678901])
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
WILDCARDS = st.sampled_from(["", "*", "x*", "*y", "x*y", "*x*", "\\*", "x\\*y", "\\\\", "1*.0*", "*é"])
LIMITS = st.sampled_from([-1, 0, 1, 1.5, 100, 300])
CIDRS = st.sampled_from(["10.0.0.0/24", "10.0.0.8/24", "2001:db8::/64", "0.0.0.0/0"])


def one_or_list(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


def folded(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return values | st.fixed_dictionaries({"equals-ignore-case": values})


def operator(name: str, operand: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({name: operand})


RANGES = st.tuples(st.sampled_from([">", ">="]), LIMITS, st.sampled_from(["<", "<="]), LIMITS).filter(
    lambda bounds: bounds[1] < bounds[3]
)
COMPARISONS = st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), LIMITS)
FILLED = TEXTS.filter(bool)
ENTRIES = st.one_of(
    SCALARS,
    operator("exists", st.booleans()),
    operator("prefix", folded(TEXTS)),
    operator("suffix", folded(TEXTS)),
    operator("equals-ignore-case", TEXTS),
    operator("wildcard", WILDCARDS),
    operator("cidr", CIDRS),
    operator("numeric", st.one_of(RANGES, COMPARISONS).map(list)),
    operator("anything-but", one_or_list(TEXTS)),
    operator("anything-but", one_or_list(NUMBERS.filter(lambda number: abs(number) < 5e9))),
    operator("anything-but", operator("prefix", one_or_list(FILLED))),
    operator("anything-but", operator("suffix", one_or_list(FILLED))),
    operator("anything-but", operator("equals-ignore-case", one_or_list(TEXTS))),
    operator("anything-but", operator("wildcard", one_or_list(WILDCARDS))),
)
LEAVES = st.lists(ENTRIES, min_size=1, max_size=3)


def with_or(objects: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    alternatives = st.lists(objects, min_size=2, max_size=3)
    return st.builds(lambda value, forks: {**value, "$or": forks}, objects, alternatives)


FLAT_OBJECTS = st.dictionaries(KEYS, LEAVES, min_size=1, max_size=3)
PATTERNS = st.recursive(
    FLAT_OBJECTS,
    lambda inner: st.dictionaries(KEYS, LEAVES | inner, min_size=1, max_size=3) | with_or(inner),
    max_leaves=4,
)
EVENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXTS, inner, max_size=3), max_leaves=10
)


def engine(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    try:
        return compile_pattern(json.dumps(pattern)).matches(event)
    except InvalidPattern as refusal:
        # The only refusal a pattern from PATTERNS can meet.
        assume("too complex" not in refusal.reason)
        raise


@trials(150)
@given(pattern=PATTERNS, event=EVENTS)
def test_engine_agrees_with_the_reference(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    assert engine(pattern, event) is reference(pattern, event)


# Only two keys and two values, so that most examples depend on the list element that a value is in.
FEW_KEYS = st.sampled_from(["a", "b", "a.b"])
FEW_LEAVES = st.sampled_from([[1], [2], [{"exists": False}], [{"exists": True}], [1, {"exists": False}]])
FEW_PATTERNS = st.dictionaries(
    FEW_KEYS, FEW_LEAVES | st.dictionaries(FEW_KEYS, FEW_LEAVES, min_size=1, max_size=2), min_size=1, max_size=2
)
FEW_OBJECTS = st.recursive(
    st.dictionaries(FEW_KEYS, st.sampled_from([1, 2]), max_size=2),
    lambda inner: st.dictionaries(FEW_KEYS, inner | st.lists(inner, max_size=3) | st.lists(st.lists(inner))),
    max_leaves=6,
)


@trials(200)
@given(pattern=FEW_PATTERNS, event=FEW_OBJECTS)
def test_engine_agrees_with_the_reference_on_lists_of_objects(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    assert engine(pattern, event) is reference(pattern, event)


@trials(60)
@given(patterns=st.lists(PATTERNS, max_size=3), event=EVENTS)
def test_a_body_is_filtered_like_the_event_it_holds(patterns: list[Any], event: dict[str, Any]) -> None:
    for pattern in patterns:
        engine(pattern, event)
    compiled = Filter.compile([json.dumps({"body": pattern}) for pattern in patterns], DATA_RULES["sqs"])
    record = {"messageId": "1", "body": json.dumps(event)}
    expected = not patterns or any(reference(pattern, event) for pattern in patterns)
    assert compiled.passes(record) is expected
    verdict = compiled.verdict(record)
    assert verdict.passed is expected
    assert verdict.why.startswith("No filter matched") is not expected


def compiles_or_is_refused(text: str) -> bool:
    try:
        return compile_pattern(text).matches({}) in (True, False)
    except InvalidPattern as refusal:
        return bool(refusal.reason)


@trials(150)
@given(text=st.one_of(st.text(), st.text(alphabet='{}[]":,$or 1*\\'), ANY_JSON.map(json.dumps)))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    assert compiles_or_is_refused(text)


@trials(80)
@given(
    operand=ANY_JSON, name=st.sampled_from(["prefix", "suffix", "anything-but", "numeric", "cidr", "wildcard", "$or"])
)
def test_any_operand_is_an_operand_or_refused(operand: Any, name: str) -> None:
    assert compiles_or_is_refused(json.dumps({"key": [{name: operand}]}))
    assert compiles_or_is_refused(json.dumps({"key": [{"anything-but": {name: operand}}]}))
    assert compiles_or_is_refused(json.dumps({"key": {name: operand}}))


RECORD_VALUES = st.one_of(ANY_JSON, st.binary(max_size=20), st.text())


@trials(80)
@pytest.mark.parametrize("source", ["sqs", "kinesis", "dynamodb", "kafka", "mq"])
@given(pattern=PATTERNS, value=RECORD_VALUES, topic=SCALARS)
def test_matching_never_raises(source: str, pattern: dict[str, Any], value: Any, topic: Any) -> None:
    rules = DATA_RULES[source]
    engine(pattern, {})
    key = str(rules.data_key)
    compiled = Filter.compile([json.dumps({key: pattern, "topic": [{"exists": True}]})], rules)
    record = {"topic": topic, key: value, "kinesis": {"data": value}}
    assert compiled.verdict(record).why
    assert compiled.passes(record) in (True, False)


@pytest.mark.parametrize("size", [1, 2])
def test_the_reference_itself_knows_what_stands_together(size: int) -> None:
    for one, other in itertools.product(["Anna", "Peter"], repeat=2):
        people = [{"first": "Anna", "last": "Smith"}, {"first": "Peter", "last": "Jones"}][:size]
        pattern = {"people": {"first": [one], "last": ["Smith" if other == "Anna" else "Jones"]}}
        assert reference(pattern, {"people": people}) is (one == other and (size == 2 or one == "Anna"))
