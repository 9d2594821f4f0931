"""Filters of a mapping, source by source: recordings of real AWS, and the tables of its developer guide."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from helpers.data_rules import DATA_RULES
from pytest_lambda_esm.filters import Filter, InvalidPattern


def passes(source: str, record: dict[str, Any], *patterns: dict[str, Any]) -> bool:
    return Filter.compile([json.dumps(pattern) for pattern in patterns], DATA_RULES[source]).passes(record)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sqs(body: str) -> dict[str, Any]:
    return {
        "messageId": "1",
        "body": body,
        "attributes": {"SenderId": "AIDA", "ApproximateReceiveCount": "1"},
        "messageAttributes": {"kind.of": {"stringValue": "test", "dataType": "String"}},
        "eventSource": "aws:sqs",
    }


def kinesis(data: bytes) -> dict[str, Any]:
    return {
        "kinesis": {"partitionKey": "p1", "sequenceNumber": "1", "data": encoded(data)},
        "eventSource": "aws:kinesis",
        "eventName": "aws:kinesis:record",
    }


def dynamodb(image: dict[str, Any], event_name: str = "INSERT") -> dict[str, Any]:
    return {
        "eventName": event_name,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"ApproximateCreationDateTime": 1733418659.0, "NewImage": image, "SizeBytes": 52},
    }


def kafka(data: bytes) -> dict[str, Any]:
    return {"topic": "orders", "partition": 0, "offset": 15, "value": encoded(data), "headers": []}


def mq(data: bytes) -> dict[str, Any]:
    return {
        "messageID": "ID:1",
        "messageType": "jms/text-message",
        "redelivered": False,
        "data": encoded(data),
    }


NUMBER = {"my-number": [{"numeric": [">", 100]}]}
RECORDED_SQS: dict[str, tuple[Any, Any, Any]] = {
    "single": ({"my-key": ["my-value"]}, {"my-key": "my-value"}, {"my-key": "other-value"}),
    "or": (
        {"my-key": ["my-value-one", "my-value-two"]},
        {"my-key": "my-value-two"},
        {"my-key": "other-value"},
    ),
    "and": (
        {"my-key-one": ["other-filter", "my-value-one"], "my-key-two": ["my-value-two"]},
        {"my-key-one": "my-value-one", "my-key-two": "my-value-two"},
        {"my-key-one": "other-value-", "my-key-two": "my-value-two"},
    ),
    "exists": ({"my-key": [{"exists": True}]}, {"my-key": "any-value-one"}, {"other-key": "any-value-two"}),
    "numeric-bigger": (NUMBER, {"my-number": 101}, {"my-number": 100}),
    "numeric-smaller": ({"my-number": [{"numeric": ["<", 100]}]}, {"my-number": 99}, {"my-number": 100}),
    "numeric-range": (
        {"my-number": [{"numeric": [">=", 100, "<", 200]}]},
        {"my-number": 100},
        {"my-number": 200},
    ),
    "prefix": ({"my-key": [{"prefix": "yes"}]}, {"my-key": "yes-value"}, {"my-key": "no-value"}),
}


@pytest.mark.parametrize(("pattern", "matching", "other"), RECORDED_SQS.values(), ids=RECORDED_SQS)
def test_sqs_event_filter(pattern: Any, matching: Any, other: Any) -> None:
    assert passes("sqs", sqs(json.dumps(matching)), {"body": pattern})
    assert not passes("sqs", sqs(json.dumps(other)), {"body": pattern})


def test_sqs_event_filter_valid_json_filter_drops_a_plain_string() -> None:
    assert passes("sqs", sqs('{"my-key": "my-value"}'), {"body": {"my-key": ["my-value"]}})
    assert not passes("sqs", sqs("plain-string"), {"body": {"my-key": ["my-value"]}})


PRESENT = {"id": {"S": "id_value"}, "presentKey": {"S": "presentValue"}}
ABSENT = {"id": {"S": "id_value"}}
FIRST, SECOND = {"id": {"S": "id_value"}}, {"id": {"S": "id_value"}, "id2": {"S": "id2_new"}}
NUMERIC_OR_NOT_101 = {"N": [{"numeric": [">", 100]}, {"anything-but": "101"}]}
# Name: the pattern, the two records, and which of them the function got.
RECORDED_DYNAMODB: dict[str, tuple[Any, list[Any], list[bool]]] = {
    "insert_same_entry_twice": ({"eventName": ["INSERT"]}, [dynamodb(FIRST)], [True]),
    "content_or_filter": (
        {"eventName": ["INSERT", "MODIFY"]},
        [dynamodb(FIRST), dynamodb(SECOND, "MODIFY")],
        [True, True],
    ),
    "content_multiple_filters": (
        {"eventName": ["INSERT"], "eventSource": ["aws:dynamodb"]},
        [dynamodb(FIRST), dynamodb(SECOND, "MODIFY")],
        [True, False],
    ),
    "content_filter_type": (
        {"dynamodb": {"NewImage": {"presentKey": {"S": ["presentValue"]}}}},
        [dynamodb(PRESENT), dynamodb(ABSENT)],
        [True, False],
    ),
    "content_filter_type_without_the_type": (
        {"dynamodb": {"NewImage": {"presentKey": ["presentValue"]}}},
        [dynamodb(PRESENT), dynamodb(ABSENT)],
        [False, False],
    ),
    "exists_filter_type": (
        {"dynamodb": {"NewImage": {"presentKey": {"S": [{"exists": True}]}}}},
        [dynamodb(PRESENT), dynamodb(ABSENT)],
        [True, False],
    ),
    "exists_filter_on_an_object": (
        {"dynamodb": {"NewImage": {"presentKey": [{"exists": True}]}}},
        [dynamodb(PRESENT), dynamodb(ABSENT)],
        [False, False],
    ),
    "exists_false_filter": (
        {"dynamodb": {"NewImage": {"presentKey": [{"exists": False}]}}},
        [dynamodb(ABSENT), dynamodb(PRESENT)],
        [True, True],
    ),
    "numeric_filter": (
        {"dynamodb": {"NewImage": {"numericFilter": NUMERIC_OR_NOT_101}}},
        [dynamodb({"numericFilter": {"N": "42"}}), dynamodb({"numericFilter": {"N": "101"}})],
        [True, False],
    ),
    "prefix_filter": (
        {"dynamodb": {"NewImage": {"prefix": {"S": [{"prefix": "us-1"}]}}}},
        [dynamodb({"prefix": {"S": "us-1-other-suffix"}}), dynamodb({"prefix": {"S": "other-suffix"}})],
        [True, False],
    ),
    "date_time_conversion": (
        {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}},
        [dynamodb(FIRST), dynamodb(SECOND)],
        [True, True],
    ),
}


@pytest.mark.parametrize(("pattern", "records", "expected"), RECORDED_DYNAMODB.values(), ids=RECORDED_DYNAMODB)
def test_dynamodb_event_filter(pattern: Any, records: list[Any], expected: list[bool]) -> None:
    assert [passes("dynamodb", record, pattern) for record in records] == expected


def test_kinesis_event_filtering_json_pattern() -> None:
    records = [kinesis(b'{"event_type": "function_1"}'), kinesis(b'{"event_type": "function_2"}')]
    for number in (1, 2):
        pattern = {"data": {"event_type": [f"function_{number}"]}}
        assert [passes("kinesis", record, pattern) for record in records] == [number == 1, number == 2]


REFUSED = {
    "invalid_event_filter_null": "null",
    "invalid_event_filter_simple_string": "simple string",
    "invalid_event_filter_no_list": '{"eventSource": "aws:sqs"}',
    "invalid_event_filter_empty_list": '{"eventSource": []}',
    "invalid_event_filter_broken_json": '[{"eventName": ["INSERT"=123}]',
}


@pytest.mark.parametrize("source", ["sqs", "kinesis", "dynamodb", "kafka", "mq"])
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_invalid_event_filter(text: str, source: str) -> None:
    with pytest.raises(InvalidPattern):
        Filter.compile([text], DATA_RULES[source])


JSON, TEXT = b'{"state": "open"}', b"Result: open"
NO_TEXT = '{"state": "open"}'.encode("utf-16")
FOR_JSON, FOR_TEXT = {"state": ["open"]}, [{"prefix": "Result: "}]
OTHER_JSON, OTHER_TEXT = {"state": ["closed"]}, [{"prefix": "Error: "}]
METADATA = {"sqs": "eventSource", "kinesis": "eventSource", "kafka": "topic", "mq": "messageType"}
MAKE: dict[str, Any] = {"sqs": lambda data: sqs(data.decode()), "kinesis": kinesis, "kafka": kafka, "mq": mq}

# The source, the data of the record, the pattern for the data key, and whether the record passes.
FORMATS: list[tuple[str, bytes, Any, bool]] = [
    ("sqs", TEXT, FOR_TEXT, True),
    ("sqs", TEXT, OTHER_TEXT, False),
    ("sqs", TEXT, None, True),
    ("sqs", TEXT, FOR_JSON, False),
    ("sqs", JSON, FOR_TEXT, False),
    ("sqs", JSON, None, True),
    ("sqs", JSON, FOR_JSON, True),
    ("sqs", JSON, OTHER_JSON, False),
    ("kinesis", JSON, FOR_JSON, True),
    ("kinesis", JSON, OTHER_JSON, False),
    ("kinesis", JSON, None, True),
    ("kinesis", TEXT, None, True),
    ("kinesis", TEXT, FOR_JSON, False),
    ("kinesis", NO_TEXT, FOR_JSON, False),
    *((source, TEXT, FOR_TEXT, True) for source in ("kafka", "mq")),
    *((source, TEXT, OTHER_TEXT, False) for source in ("kafka", "mq")),
    *((source, JSON, FOR_JSON, True) for source in ("kafka", "mq")),
    *((source, JSON, OTHER_JSON, False) for source in ("kafka", "mq")),
    *((source, TEXT, OTHER_JSON, True) for source in ("kafka", "mq")),
    *((source, JSON, OTHER_TEXT, True) for source in ("kafka", "mq")),
    *((source, NO_TEXT, OTHER_JSON, True) for source in ("kafka", "mq")),
    *((source, NO_TEXT, OTHER_TEXT, True) for source in ("kafka", "mq")),
    *((source, JSON, None, True) for source in ("kafka", "mq")),
]
NAMES = {JSON: "json", TEXT: "text", NO_TEXT: "not_utf8"}
FORMAT_IDS = [f"{source}-{NAMES[data]}-{json.dumps(pattern)}" for source, data, pattern, _ in FORMATS]


@pytest.mark.parametrize(("source", "data", "pattern", "expected"), FORMATS, ids=FORMAT_IDS)
def test_format_of_data_and_pattern(source: str, data: bytes, pattern: Any, expected: bool) -> None:
    record = MAKE[source](data)
    about_data = {} if pattern is None else {str(DATA_RULES[source].data_key): pattern}
    key = METADATA[source]
    assert passes(source, record, {key: [{"exists": True}]} | about_data) is expected
    if about_data:
        assert passes(source, record, about_data) is expected
    # The record's other keys are filtered in any case.
    assert not passes(source, record, {key: ["something else"]} | about_data)


@pytest.mark.parametrize(("source", "key"), [("kinesis", "data"), ("dynamodb", "dynamodb")])
def test_pattern_for_plain_text_is_refused_by_streams(source: str, key: str) -> None:
    with pytest.raises(InvalidPattern, match="JSON only"):
        passes(source, {}, {key: ["word"]})


def test_documentdb_has_no_filters() -> None:
    assert passes("documentdb", {"event": {}})
    with pytest.raises(InvalidPattern, match="DocumentDB has no event filters"):
        passes("documentdb", {"event": {}}, {"event": {"operationType": ["insert"]}})


def test_filters_are_alternatives_and_keys_are_not() -> None:
    record = sqs('{"a": 1, "b": 2}')
    assert passes("sqs", record, {"body": {"a": [9]}}, {"body": {"b": [2]}})
    assert not passes("sqs", record, {"body": {"a": [9], "b": [2]}})


def test_numbers_compare_by_value_so_300_0_is_300() -> None:
    assert passes("sqs", sqs('{"n": 300.0}'), {"body": {"n": [300]}})
    assert passes("sqs", sqs('{"n": 3.0e2}'), {"body": {"n": [300]}})


def test_dynamodb_numbers_are_strings_and_never_match_numeric() -> None:
    record = dynamodb({"Price": {"N": "20"}, "Organizations": {"S": "none"}})
    assert not passes("dynamodb", record, {"dynamodb": {"NewImage": {"Price": {"N": [{"numeric": [">", 10]}]}}}})
    assert not passes("dynamodb", record, {"dynamodb": {"NewImage": {"Organizations": [{"exists": True}]}}})
