"""The filters of a mapping: which form a record's data has, its other keys, and the reasons given."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from helpers.data_rules import DATA_RULES
from pytest_lambda_esm.filters import DataForm, DataRules, Filter, InvalidPattern, data_rules

SQS = DATA_RULES["sqs"]


def filters(*patterns: str, source: str = "sqs") -> Filter:
    return Filter.compile(patterns, DATA_RULES[source])


def message(body: Any, **members: Any) -> dict[str, Any]:
    return {"messageId": "1", "body": body if isinstance(body, str) else json.dumps(body), **members}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


BODIES: dict[str, tuple[str, DataForm]] = {
    "object": ('{"a": 1}', DataForm.JSON),
    "list": ('["x", {"a": 1}]', DataForm.JSON),
    "white_space_around": (' \r\n\t{"a": 1}\n', DataForm.JSON),
    "word": ("hello", DataForm.PLAIN),
    "empty": ("", DataForm.PLAIN),
    "number": ("123", DataForm.PLAIN),
    "quoted_word": ('"word"', DataForm.PLAIN),
    "null": ("null", DataForm.PLAIN),
    "text_after_json": ('{"a": 1} and more', DataForm.PLAIN),
    "two_objects": ('{"a": 1}{"a": 1}', DataForm.PLAIN),
    "single_quotes": ("{'a': 1}", DataForm.PLAIN),
    "not_a_number": ('{"a": NaN}', DataForm.PLAIN),
    "cut_off": ('{"a": ', DataForm.PLAIN),
    "nested_too_deeply": ("[" * 100_000, DataForm.PLAIN),
}


@pytest.mark.parametrize(("body", "form"), BODIES.values(), ids=BODIES)
def test_form_of_a_body(body: str, form: DataForm) -> None:
    assert SQS.read(message(body))[0] is form
    assert filters('{"body": {"a": [1, {"exists": false}]}}').passes(message(body)) is (form is DataForm.JSON)
    assert filters('{"body": [{"exists": true}]}').passes(message(body)) is (form is DataForm.PLAIN)


@pytest.mark.parametrize("data", [None, 5, "no base64!", encoded(b"\xff\xfe"), encoded(b"\xc3")[:-1], ["x"]])
def test_data_that_is_no_text_is_dropped_by_kinesis_and_passed_by_kafka(data: Any) -> None:
    wants_json = '{"%s": {"a": [1]}}'
    assert not filters(wants_json % "data", source="kinesis").passes({"kinesis": {"data": data}})
    assert filters(wants_json % "value", source="kafka").passes({"topic": "t", "value": data})
    assert not filters('{"data": {"a": [1]}}', source="kinesis").passes({"kinesis": None})
    assert filters('{"value": {"a": [1]}}', source="kafka").passes({"topic": "t"})


STRICT = encoded(b'{"a": 1}')  # eyJhIjogMX0=


@pytest.mark.parametrize(
    "data",
    [STRICT[:-1], f"{STRICT}\n", f" {STRICT}", f"{STRICT[:4]} {STRICT[4:]}", f"{STRICT[:4]}!{STRICT[4:]}", "-_-_"],
    ids=["padding", "line-end", "blank-first", "blank-inside", "sign", "url-safe"],
)
def test_data_is_strict_base64(data: str) -> None:
    wants_anything = '{"data": {"a": [{"exists": true}, {"exists": false}]}}'
    assert filters(wants_anything, source="kinesis").passes({"kinesis": {"data": STRICT}})
    assert filters(wants_anything, source="kinesis").passes({"kinesis": {"data": STRICT.encode()}})
    assert not filters(wants_anything, source="kinesis").passes({"kinesis": {"data": data}})


def test_a_mapping_without_filters_passes_everything() -> None:
    assert filters().passes(message("anything"))
    assert filters().verdict({}).why == "The mapping has no filters, so every record passes."


def test_a_verdict_decodes_a_record_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read, reads = DataRules.read, []
    monkeypatch.setattr(DataRules, "read", lambda self, record: (reads.append(record), read(self, record))[1])
    record = {"topic": "t", "value": encoded(b"text")}
    verdict = filters('{"value": {"a": [1]}}', source="kafka").verdict(record)
    assert (verdict.passed, verdict.misfit) == (True, ("JSON", "plain text"))
    assert reads == [record]


def test_each_filter_decides_about_the_form_it_expects() -> None:
    both = filters('{"body": {"a": [1]}}', '{"body": [{"prefix": "Result: "}]}')
    assert [both.passes(message(body)) for body in ({"a": 1}, "Result: x", {"a": 2}, "Error: x")] == [
        True,
        True,
        False,
        False,
    ]


def test_or_may_hold_a_pattern_for_text_and_one_for_json() -> None:
    either = filters('{"$or": [{"body": ["hello"]}, {"body": {"a": [1]}}]}')
    assert either.passes(message("hello"))
    assert either.passes(message({"a": 1}))
    assert not either.passes(message({"a": "hello"}))


def test_data_cannot_be_text_and_json_at_once() -> None:
    assert not filters('{"body": [{"exists": true}], "body.a": [1]}').passes(message({"a": 1}))
    assert not filters('{"body": [{"exists": true}], "body.a": [1]}').passes(message("text"))


def test_metadata_and_data_are_both_required() -> None:
    both = filters('{"body": {"a": [1]}, "messageAttributes": {"kind.of": {"stringValue": ["order"]}}}')
    attributes = {"kind.of": {"stringValue": "order", "dataType": "String"}}
    assert both.passes(message({"a": 1}, messageAttributes=attributes))
    assert not both.passes(message({"a": 1}, messageAttributes={}))
    assert not both.passes(message({"a": 2}, messageAttributes=attributes))


@pytest.mark.parametrize(
    ("pattern", "passed"),
    [
        ({"partitionKey": ["p1"], "data": {"City": ["Seattle"]}}, True),
        ({"kinesis": {"partitionKey": ["p1"]}}, True),
        ({"partitionKey": ["p2"], "data": {"City": ["Seattle"]}}, False),
        ({"kinesis": {"data": {"City": ["Seattle"]}}}, False),
        ({"eventSource": ["aws:kinesis"]}, True),
    ],
)
def test_kinesis_data_is_at_the_top_of_the_pattern(pattern: dict[str, Any], passed: bool) -> None:
    record = {
        "kinesis": {"partitionKey": "p1", "data": encoded(b'{"City": "Seattle"}')},
        "eventSource": "aws:kinesis",
    }
    assert filters(json.dumps(pattern), source="kinesis").passes(record) is passed


def test_body_with_dots_in_keys_and_lists_of_objects() -> None:
    nested = filters('{"body": {"order": {"lines": {"sku": ["x"], "count": [{"numeric": [">", 1]}]}}}}')
    assert nested.passes(message({"order.lines": [{"sku": "y", "count": 5}, {"sku": "x", "count": 2}]}))
    assert not nested.passes(message({"order": {"lines": [{"sku": "y", "count": 5}, {"sku": "x", "count": 1}]}}))
    assert nested.passes(message([{"order": {"lines": {"sku": "x", "count": 2}}}]))


REASONS: dict[str, tuple[str, list[str], dict[str, Any], str]] = {
    "passed": (
        "sqs",
        ['{"body": {"a": [9]}}', '{"body": {"a": [1], "b": [{"exists": false}]}}'],
        message({"a": 1}),
        "Filter 2 of 2 matched: body.a is 1, body.b is absent.",
    ),
    "nearest_is_named": (
        "sqs",
        ['{"body": {"a": [9], "b": [9]}}', '{"body": {"a": [1], "b": [{"numeric": [">", 5]}]}}'],
        message({"a": 1, "b": 3}),
        "No filter matched, so the message is deleted. Filter 2 of 2 came closest:"
        ' body.b is 3, not one of [{"numeric": [">", 5]}].',
    ),
    "absent_is_wanted": (
        "sqs",
        ['{"body": {"a": [{"exists": false}]}}'],
        message({"a": None, "b": 1}),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        ' body.a is null, not one of [{"exists": false}].',
    ),
    "absent_or_a_value_is_wanted": (
        "sqs",
        ['{"body": {"a": [2, {"exists": false}], "b": [2]}}'],
        message({"b": 1}),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest: body.b is 1, not one of [2].",
    ),
    "absent_is_not_wanted": (
        "sqs",
        ['{"body": {"a": [{"exists": true}]}}'],
        message({"b": 1}),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        ' body.a is absent, not one of [{"exists": true}].',
    ),
    "several_values": (
        "sqs",
        ['{"body": {"a": {"b": [9]}}}'],
        message({"a": [{"b": 2}, {"b": 1}]}),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        " body.a.b is 1 and 2, not one of [9].",
    ),
    "elements_of_a_list": (
        "sqs",
        ['{"body": {"a": {"b": [1], "c": [2]}}}'],
        message({"a": [{"b": 1}, {"c": 2}]}),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        " each key matches on its own, but not all in the same element of a list.",
    ),
    "form_of_the_data": (
        "sqs",
        ['{"body": {"a": [9]}}'],
        message("plain"),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        " it expects JSON in 'body', which holds plain text.",
    ),
    "plain_text": (
        "sqs",
        ['{"body": ["Result: good"]}'],
        message("Result: bad"),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        ' body is "Result: bad", not one of ["Result: good"].',
    ),
    "metadata": (
        "dynamodb",
        ['{"eventName": ["INSERT"]}'],
        {"eventName": "REMOVE", "dynamodb": {}},
        "No filter matched, so the record is skipped and the iterator moves on. Filter 1 of 1 came closest:"
        ' eventName is "REMOVE", not one of ["INSERT"].',
    ),
    "mismatch_that_passes": (
        "kafka",
        ['{"value": {"a": [9]}, "topic": ["t"]}'],
        {"topic": "t", "value": encoded(b"plain")},
        "Filter 1 of 1 matched: it expects JSON in 'value', which holds plain text,"
        ' and Kafka then ignores that part, topic is "t".',
    ),
    "long_value": (
        "sqs",
        ['{"body": ["short"]}'],
        message("x" * 200),
        "No filter matched, so the message is deleted. Filter 1 of 1 came closest:"
        f' body is "{"x" * 79}..., not one of ["short"].',
    ),
}


@pytest.mark.parametrize(("source", "patterns", "record", "why"), REASONS.values(), ids=REASONS)
def test_why(source: str, patterns: list[str], record: dict[str, Any], why: str) -> None:
    verdict = filters(*patterns, source=source).verdict(record)
    assert verdict.why == why
    assert verdict.passed is why.startswith("Filter ")
    assert filters(*patterns, source=source).passes(record) is verdict.passed


def test_one_refused_pattern_refuses_all() -> None:
    with pytest.raises(InvalidPattern, match="'b' has an empty list"):
        filters('{"a": [1]}', '{"b": []}')


def test_the_number_of_filters_is_left_to_the_quota() -> None:
    assert filters(*['{"body": {"a": [1]}}'] * 11).passes(message({"a": 1}))


def test_repr_shows_the_patterns() -> None:
    assert repr(filters('{"a": [1]}')) == "Filter(['{\"a\": [1]}'], source='SQS')"


def test_the_body_is_parsed_once_for_all_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    read = data_rules.read_document
    monkeypatch.setattr(data_rules, "read_document", lambda text: parsed.append(text) or read(text))
    five = filters(*[f'{{"body": {{"total": [{{"numeric": [">", {least}]}}]}}}}' for least in range(10, 60, 10)])
    record = message({"total": 5})
    assert not five.passes(record)
    assert parsed == [record["body"]]
