"""The pattern language beyond the recordings: types, lists, ``$or``, repeated keys, refusals and limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.filters import InvalidPattern, compile_pattern

VALUES: dict[str, Any] = {
    "word": "word",
    "empty": "",
    "one_as_text": "1",
    "one": 1,
    "one_point_zero": 1.0,
    "two": 2,
    "true": True,
    "false": False,
    "null": None,
    "list": ["word", 2],
    "empty_list": [],
    "nested_list": [["word"], 2],
    "object": {"inner": "word"},
    "empty_object": {},
}
NOT_THERE = {"empty_list", "object", "empty_object", "missing"}
THERE = set(VALUES) - NOT_THERE
LISTS = {"list", "nested_list"}

# The list of a key, and which of the values match it.
MATCHING: list[tuple[list[Any], set[str]]] = [
    (["word"], {"word", *LISTS}),
    ([""], {"empty"}),
    (["1"], {"one_as_text"}),
    ([1], {"one", "one_point_zero"}),
    ([1.0], {"one", "one_point_zero"}),
    ([2], {"two", *LISTS}),
    ([True], {"true"}),
    ([False], {"false"}),
    ([None], {"null"}),
    (["word", None, 1, False], {"word", "null", "one", "one_point_zero", "false", *LISTS}),
    ([{"exists": True}], THERE),
    ([{"exists": False}], NOT_THERE),
    ([{"exists": True}, {"exists": False}], THERE | NOT_THERE),
    (["word", {"exists": False}], {"word", *LISTS, *NOT_THERE}),
    ([{"exactly": "word"}], {"word", *LISTS}),
    ([{"prefix": "wo"}], {"word", *LISTS}),
    ([{"prefix": ""}], {"word", "empty", "one_as_text", *LISTS}),
    ([{"prefix": {"equals-ignore-case": "WO"}}], {"word", *LISTS}),
    ([{"suffix": "rd"}], {"word", *LISTS}),
    ([{"suffix": {"equals-ignore-case": "RD"}}], {"word", *LISTS}),
    ([{"equals-ignore-case": "WoRD"}], {"word", *LISTS}),
    ([{"wildcard": "w*d"}], {"word", *LISTS}),
    ([{"wildcard": "*"}], {"word", "empty", "one_as_text", *LISTS}),
    ([{"anything-but": "word"}], THERE - {"word"}),
    ([{"anything-but": ["word", "1"]}], THERE - {"word", "one_as_text"}),
    ([{"anything-but": 1}], THERE - {"one", "one_point_zero"}),
    ([{"anything-but": [1.0, 2]}], THERE - {"one", "one_point_zero", "two"}),
    ([{"anything-but": {"prefix": "w"}}], THERE - {"word"}),
    ([{"anything-but": {"suffix": ["d", "1"]}}], THERE - {"word", "one_as_text"}),
    ([{"anything-but": {"equals-ignore-case": "WORD"}}], THERE - {"word"}),
    ([{"anything-but": {"wildcard": ["w*", "1"]}}], THERE - {"word", "one_as_text"}),
    ([{"numeric": ["=", 1]}], {"one", "one_point_zero"}),
    ([{"numeric": ["<", 2]}], {"one", "one_point_zero"}),
    ([{"numeric": [">=", 1]}], {"one", "one_point_zero", "two", *LISTS}),
    ([{"numeric": [">", 1, "<=", 2]}], {"two", *LISTS}),
    ([{"cidr": "10.0.0.0/8"}], set()),
]


@pytest.mark.parametrize(("leaf", "matching"), MATCHING, ids=[json.dumps(leaf) for leaf, _ in MATCHING])
def test_which_values_match(leaf: list[Any], matching: set[str]) -> None:
    pattern = compile_pattern(json.dumps({"key": leaf}))
    events = {name: {"key": value} for name, value in VALUES.items()} | {"missing": {"other": 1}}
    assert {name for name, event in events.items() if pattern.matches(event)} == matching


PEOPLE = {"people": [{"name": "Anna", "role": "admin"}, {"name": "Peter"}], "team": {"lead.name": "Eve"}}

# A pattern and whether it matches PEOPLE.
STRUCTURES: dict[str, tuple[str, bool]] = {
    "key_in_a_list_of_objects": ('{"people": {"name": ["Peter"]}}', True),
    "two_keys_of_one_element": ('{"people": {"name": ["Anna"], "role": ["admin"]}}', True),
    "two_keys_of_different_elements": ('{"people": {"name": ["Peter"], "role": ["admin"]}}', False),
    "absent_in_the_element_that_matched": ('{"people": {"name": ["Peter"], "role": [{"exists": false}]}}', True),
    "absent_asked_of_all_elements": ('{"people": {"role": [{"exists": false}]}}', False),
    "dots_in_the_event": ('{"team": {"lead": {"name": ["Eve"]}}}', True),
    "dots_in_pattern_and_event": ('{"team.lead": {"name": ["Eve"]}}', True),
    "or_beside_a_key": ('{"team.lead.name": ["Eve"], "$or": [{"x": [1]}, {"people.role": ["admin"]}]}', True),
    "or_beside_a_key_that_refuses": (
        '{"team.lead.name": ["Bob"], "$or": [{"x": [1]}, {"people.role": ["admin"]}]}',
        False,
    ),
    "or_inside_a_key": ('{"people": {"$or": [{"name": ["Bob"]}, {"role": ["admin"]}]}}', True),
    "or_without_a_match": ('{"people": {"$or": [{"name": ["Bob"]}, {"role": ["guest"]}]}}', False),
    "or_inside_or": ('{"$or": [{"x": [1]}, {"$or": [{"y": [1]}, {"team.lead.name": ["Eve"]}]}]}', True),
    "or_written_twice_means_both": (
        '{"$or": [{"x": [1]}, {"people.name": ["Anna"]}], "$or": [{"x": [1]}, {"people.role": ["guest"]}]}',
        False,
    ),
    "repeated_list_the_last_wins": ('{"people.name": ["Bob"], "people.name": ["Anna"]}', True),
    "repeated_list_in_another_spelling": ('{"people": {"name": ["Anna"]}, "people.name": ["Bob"]}', False),
    "repeated_object_means_both": ('{"team": {"lead.name": ["Eve"]}, "team": {"size": [3]}}', False),
}


@pytest.mark.parametrize(("text", "expected"), STRUCTURES.values(), ids=STRUCTURES)
def test_structure(text: str, expected: bool) -> None:
    assert compile_pattern(text).matches(PEOPLE) is expected


REFUSED: list[tuple[str, str]] = [
    ("", "not JSON"),
    ("{}", "the pattern is empty"),
    ('{"a": {}}', "'a' is an empty object"),
    ('{"a": [1]} trailing', "not JSON"),
    ('{"a": [NaN]}', "NaN is not JSON"),
    ('{"a": [[1]]}', "'a' has a list inside its list"),
    ('{"a": [{}]}', "exactly one key"),
    ('{"a": [{"prefix": "x", "suffix": "y"}]}', "exactly one key"),
    ('{"a": [{"prefix": "x", "prefix": "y"}]}', "exactly one key"),
    ('{"a": [{"exists": "true"}]}', "exists takes true or false"),
    ('{"a": [{"prefix": {"suffix": "x"}}]}', "prefix combines with equals-ignore-case only"),
    ('{"a": [{"suffix": {"equals-ignore-case": 1}}]}', "suffix with equals-ignore-case takes a string"),
    ('{"a": [{"anything-but": []}]}', "anything-but takes strings or numbers"),
    ('{"a": [{"anything-but": ["x", 1]}]}', "anything-but takes strings or numbers"),
    ('{"a": [{"anything-but": true}]}', "anything-but takes strings or numbers"),
    ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "anything-but combines with prefix, suffix"),
    ('{"a": [{"numeric": []}]}', "none of [operator, number]"),
    ('{"a": [{"numeric": ["!=", 1]}]}', "none of [operator, number]"),
    ('{"a": [{"numeric": ["=", "1"]}]}', "numeric = takes a number"),
    ('{"a": [{"numeric": ["=", true]}]}', "numeric = takes a number"),
    ('{"a": [{"numeric": [">", 1, "<", 1]}]}', "holds no numbers"),
    ('{"a": [{"numeric": ["<", 5000000001]}]}', "outside -5.0e9 to 5.0e9"),
    ('{"a": [{"numeric": [">", -5000000001]}]}', "outside -5.0e9 to 5.0e9"),
    ('{"a": [{"numeric": ["=", 5000000001]}]}', "outside -5.0e9 to 5.0e9"),
    ('{"a": [{"numeric": [">=", 0, "<=", 5000000001]}]}', "outside -5.0e9 to 5.0e9"),
    ('{"a": [{"anything-but": [1, 5000000001]}]}', "outside -5.0e9 to 5.0e9"),
    ('{"a": [{"numeric": [">=", 1, "<=", 1]}]}', "holds no numbers"),
    ('{"a": [{"numeric": [">", 5000000000]}]}', "holds no numbers"),
    ('{"a": [{"wildcard": "a\\\\b"}]}', "a backslash before neither"),
    ('{"a": [{"wildcard": "a\\\\"}]}', "a backslash before neither"),
    ('{"a": [{"anything-but": {"wildcard": ["a**"]}}]}', "two asterisks in a row"),
    ('{"a": [{"cidr": "10.0.0.1"}]}', "exactly one slash"),
    ('{"a": [{"cidr": "10.0.0.0/24/1"}]}', "exactly one slash"),
    ('{"a": [{"cidr": "10.0.0.1/32"}]}', "the mask must be below 32 bits"),
    ('{"a": [{"cidr": "2001:db8::/128"}]}', "the mask must be below 128 bits"),
    ('{"a": [{"cidr": "10.0.0.300/8"}]}', "is not an IP address"),
    (f'{{"a": [{{"cidr": "10.0.0.0/{"9" * 5000}"}}]}}', "the mask must be below 32 bits"),
    ('{"$or": {"a": [1]}}', "at least two objects"),
    ('{"$or": [{"a": [1]}]}', "at least two objects"),
    ('{"$or": [{"a": [1]}, 2]}', "$or takes objects"),
    ('{"$or": [{"a": [1]}, {"numeric": [2]}]}', "'numeric' is an operator, not a key, inside $or"),
    ('{"a":' * 50_000, "nested too deeply"),
    ('{"a":' * 3_000 + "[1]" + "}" * 3_000, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[f"{text[:50]!r}" for text, _ in REFUSED])
def test_refusal_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidPattern) as refusal:
        compile_pattern(text)
    assert reason in refusal.value.reason == str(refusal.value)
    assert not isinstance(refusal.value, LambdaEsmError)


def test_or_lists_with_too_many_combinations_are_refused() -> None:
    fork = '"$or": [{"a": [1]}, {"b": [1]}]'
    assert compile_pattern("{" + ", ".join([fork] * 9) + "}").matches({"a": 1, "b": 1})
    with pytest.raises(InvalidPattern, match="more than 1000 combinations"):
        compile_pattern("{" + ", ".join([fork] * 10) + "}")


# What is publicly known of AWS's limit: lists of wildcards for one key, and whether AWS took them.
COMPLEXITY: list[tuple[list[str], bool]] = [
    (["*:*:*:*:*:event-bus/*"], False),
    (["/Users/*/dir/dir/dir/dir/dir/doc.txt"], True),
    (["*.bif", "*.tiff", "*.tif", "*.svs"], True),
    (["*/datasync/*.bif", "*/datasync/*.tif"], True),
    (["*/datasync/*.bif", "*/datasync/*.tif", "*/datasync/*.tiff", "*/datasync/*.svs"], False),
    (["*:stack/Database/*", "*:stack/Network/*", "*:stack/App/*"], True),
    (["*:stack/Database/*", "*:stack/Network/*", "*:stack/App/*", "*:stack/Monitoring/*"], False),
]


@pytest.mark.parametrize(("texts", "accepted"), COMPLEXITY, ids=[" ".join(texts) for texts, _ in COMPLEXITY])
def test_complexity_of_wildcards(texts: list[str], accepted: bool) -> None:
    pattern = json.dumps({"key": [{"wildcard": text} for text in texts]})
    if accepted:
        compile_pattern(pattern)
    else:
        with pytest.raises(InvalidPattern, match="too complex"):
            compile_pattern(pattern)


def test_complexity_counts_each_key_for_itself() -> None:
    leaf = [{"wildcard": "*/datasync/*.bif"}, {"wildcard": "*/datasync/*.tif"}]
    pattern = compile_pattern(json.dumps({"a": leaf, "b": leaf, "c": leaf}))
    assert pattern.matches(dict.fromkeys("abc", "x/datasync/y.tif"))


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("a\\*b", "a*b", "axb"),
        ("a\\\\*", "a\\b", "ab"),
        ("*a*", "xay", "xy"),
        ("ab*ba", "abba", "aba"),
        ("*a*a*", "xaya", "xay"),
        ("*\n*", "x\ny", "xy"),
        ("é*🚀", "é 🚀", "e 🚀"),
        ("a*b*c", "abxbc", "acb"),
    ],
)
def test_wildcard(text: str, matching: str, other: str) -> None:
    pattern = compile_pattern(json.dumps({"key": [{"wildcard": text}]}))
    assert pattern.matches({"key": matching})
    assert not pattern.matches({"key": other})


@pytest.mark.parametrize(
    ("cidr", "inside", "outside"),
    [
        ("10.0.0.0/24", ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "9.255.255.255", "::a00:1", "host", ""]),
        ("10.0.0.8/24", ["10.0.0.0", "10.0.0.8", "10.0.0.255"], ["10.0.1.0"]),
        ("255.255.255.127/24", ["255.255.255.0", "255.255.255.255"], ["255.255.254.255"]),
        ("2001:db8::5/64", ["2001:db8::1"], ["2001:db8:0:1::"]),
        ("0.0.0.0/0", ["255.255.255.255"], ["256.0.0.1", "::1"]),
        ("2001:db8::/32", ["2001:db8:ffff::1", "2001:0DB8::"], ["2001:db9::", "10.0.0.1"]),
    ],
)
def test_cidr(cidr: str, inside: list[str], outside: list[str]) -> None:
    pattern = compile_pattern(json.dumps({"ip": [{"cidr": cidr}]}))
    assert [ip for ip in inside + outside if pattern.matches({"ip": ip})] == inside


@pytest.mark.parametrize(
    ("leaf", "matching", "other"),
    [
        ({"equals-ignore-case": "woRD"}, ["WORD", "word", "WoRd"], ["WORDS", "WOR"]),
        ({"prefix": {"equals-ignore-case": "wo"}}, ["WORD", "wOrd", "Wo"], ["W", "Sword"]),
        ({"suffix": {"equals-ignore-case": "RD"}}, ["WORD", "worD", "rd"], ["R", "WORDS"]),
        ({"anything-but": {"equals-ignore-case": ["Word", "TEXT"]}}, ["WORDS", ""], ["WORD", "word", "Text"]),
        ({"prefix": "wo"}, ["wo", "word"], ["Word", "WORD"]),
        ({"suffix": "rd"}, ["rd", "WOrd"], ["WORD", "worD"]),
        ({"anything-but": "word"}, ["Word", "WORD"], ["word"]),
        ({"wildcard": "w*d"}, ["wd", "word"], ["Word", "worD"]),
    ],
    ids=str,
)
def test_case_of_pattern_and_event(leaf: dict[str, Any], matching: list[str], other: list[str]) -> None:
    pattern = compile_pattern(json.dumps({"key": [leaf]}))
    assert [text for text in matching + other if pattern.matches({"key": text})] == matching


BILLION = 1_000_000_000


@pytest.mark.parametrize(
    ("comparison", "matching", "other"),
    [
        ([">", 0], [1, 5 * BILLION], [0, 5 * BILLION + 1]),
        (["<", 0], [-1, -5 * BILLION], [0, -5 * BILLION - 1]),
        ([">=", -5 * BILLION], [-5 * BILLION, 5 * BILLION], [-5 * BILLION - 1, 5 * BILLION + 1]),
        (["<=", 5 * BILLION], [-5 * BILLION, 5 * BILLION], [-5 * BILLION - 1, 5 * BILLION + 1]),
        (["=", 5 * BILLION], [5 * BILLION, 5e9], [5 * BILLION - 1, 5 * BILLION + 1]),
        (["=", -5 * BILLION], [-5 * BILLION], [5 * BILLION, -5 * BILLION - 1]),
        ([">", 1, "<", 3], [2, 1.001, 2.999], [1, 3]),
        ([">=", 1, "<", 3], [1, 2], [0.999, 3]),
        ([">", 1, "<=", 3], [2, 3], [1, 3.001]),
        ([">=", 1, "<=", 3], [1, 3], [0.999, 3.001]),
    ],
    ids=str,
)
def test_numeric_ranges_end_at_five_billion(comparison: list[Any], matching: list[Any], other: list[Any]) -> None:
    pattern = compile_pattern(json.dumps({"n": [{"numeric": comparison}]}))
    assert [number for number in matching + other if pattern.matches({"n": number})] == matching


def test_anything_but_takes_numbers_up_to_five_billion() -> None:
    pattern = compile_pattern('{"n": [{"anything-but": [5000000000, -5000000000]}]}')
    found = [5 * BILLION, -5 * BILLION, 5 * BILLION + 1, 0]
    assert [number for number in found if pattern.matches({"n": number})] == [5 * BILLION + 1, 0]


def test_large_numbers_are_still_equal_to_themselves() -> None:
    pattern = compile_pattern('{"account": [123456789012]}')
    assert pattern.matches({"account": 123456789012})
    assert not pattern.matches({"account": 123456789013})


@pytest.mark.parametrize("event", [None, 1, "a", [], [{"a": 1}]])
def test_what_is_no_object_matches_nothing(event: Any) -> None:
    assert not compile_pattern('{"a": [1, {"exists": false}]}').matches(event)


def test_deep_and_wide_events_are_matched_in_reasonable_time() -> None:
    deep: Any = 1
    for _ in range(50_000):
        deep = {"a": [deep]}
    assert not compile_pattern('{"a": {"b": [1]}}').matches({"a": [deep]})
    keys = [f"k{number}" for number in range(20)]
    wide = {key: [{"x": number} for number in range(100)] for key in keys}
    pattern = compile_pattern(json.dumps({**{key: {"x": [{"exists": True}]} for key in keys}, "z": [1]}))
    assert not pattern.matches(wide)
    assert pattern.matches({**wide, "z": 1})


def test_compiled_patterns_are_remembered() -> None:
    text = '{"remembered": [1]}'
    assert compile_pattern(text) is compile_pattern(text)
    assert repr(compile_pattern(text)) == f"Pattern({text!r})"
