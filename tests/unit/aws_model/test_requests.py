"""The contents of a request's URI, query string, headers and body, in the types of the service model."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    return LambdaModel.load()


def parse(model: LambdaModel, operation: str, body: Any = b"", **parts: Any) -> dict[str, Any]:
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = {"uri": {}, "query": {}, "headers": {}, **parts}
    return model.parse(model.operation(operation), body=body, **request)


def test_body_of_all_kinds(model: LambdaModel) -> None:
    sent = {
        "FunctionName": "f",
        "Enabled": False,
        "BatchSize": 5,
        "StartingPositionTimestamp": 1700000000.125,
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
        "Tags": {"k": "v"},
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h:1"]}},
    }
    assert parse(model, "CreateEventSourceMapping", sent) == sent


def test_unknown_and_null_members_are_dropped(model: LambdaModel) -> None:
    sent = {
        "FunctionName": "f",
        "Nonsense": 1,
        "BatchSize": None,
        "FilterCriteria": {"Filters": None, "X": {}},
    }
    assert parse(model, "CreateEventSourceMapping", sent) == {"FunctionName": "f", "FilterCriteria": {}}


def test_null_in_a_list_or_map_is_kept_for_the_constraints(model: LambdaModel) -> None:
    sent = {"Topics": [None], "Tags": {"k": None}}
    assert parse(model, "CreateEventSourceMapping", sent) == sent


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b"null"])
def test_no_body_is_an_empty_one(model: LambdaModel, body: bytes) -> None:
    assert parse(model, "CreateEventSourceMapping", body) == {}


def test_query_and_uri(model: LambdaModel) -> None:
    query = {"EventSourceArn": ["arn:aws:sqs:::q"], "MaxItems": ["50"], "Marker": [""], "Other": ["x"]}
    expected = {"EventSourceArn": "arn:aws:sqs:::q", "MaxItems": 50, "Marker": ""}
    assert parse(model, "ListEventSourceMappings", query=query) == expected
    assert parse(model, "UntagResource", uri={"Resource": "arn"}, query={"tagKeys": ["a", "b"]}) == {
        "Resource": "arn",
        "TagKeys": ["a", "b"],
    }


def test_headers_in_any_case_and_raw_payload(model: LambdaModel) -> None:
    headers = {"x-amz-invocation-type": "Event", "X-Amz-Log-Type": "Tail", "Accept": "*/*"}
    assert parse(model, "Invoke", b"\x00{", uri={"FunctionName": "f"}, headers=headers) == {
        "FunctionName": "f",
        "InvocationType": "Event",
        "LogType": "Tail",
        "Payload": b"\x00{",
    }
    assert parse(model, "InvokeAsync", b"{}") == {"InvokeArgs": b"{}"}


def test_empty_payload_is_absent(model: LambdaModel) -> None:
    assert parse(model, "Invoke", b"") == {}


def test_blob_in_json(model: LambdaModel) -> None:
    sent = {"ZipFile": base64.b64encode(b"PK\x00").decode()}
    assert parse(model, "UpdateFunctionCode", sent) == {"ZipFile": b"PK\x00"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-01-02T03:04:05Z", 1704164645.0),
        ("2024-01-02T03:04:05.500+00:00", 1704164645.5),
        ("Tue, 02 Jan 2024 03:04:05 GMT", 1704164645.0),
        ("1704164645.5", 1704164645.5),
    ],
)
def test_timestamps_in_the_query(model: LambdaModel, text: str, seconds: float) -> None:
    if "ListDurableExecutionsByFunction" not in model.operations:
        pytest.skip("the installed botocore has no operation with a timestamp in its query")
    parsed = parse(model, "ListDurableExecutionsByFunction", query={"StartedAfter": [text]})
    assert parsed == {"StartedAfter": seconds}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "Could not parse request body into json: "),
        (b"\xff", "Could not parse request body into json: "),
        (b"[" * 100_000, "Could not parse request body into json: "),
        (b'{"BatchSize": NaN}', "Could not parse request body into json: NaN"),
        (b'{"BatchSize": ' + b"9" * 5000 + b"}", ""),
        ([], "Start of list found where not expected."),
        ("text", "Expected null"),
        ({"BatchSize": True}, "TRUE_VALUE can not be converted to an Integer"),
        ({"BatchSize": "5"}, "STRING_VALUE can not be converted to an Integer"),
        ({"BatchSize": 5.5}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"BatchSize": 2**31}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"BatchSize": {}}, "Start of structure or map found where not expected."),
        ({"FunctionName": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({"FunctionName": ["f"]}, "Start of list found where not expected."),
        ({"Enabled": "true"}, "STRING_VALUE can not be converted to a Boolean"),
        ({"Enabled": 1}, "NUMBER_VALUE can not be converted to a Boolean"),
        ({"StartingPositionTimestamp": "now"}, "STRING_VALUE can not be converted to a Date"),
        (b'{"StartingPositionTimestamp": 1e999}', "NUMBER_VALUE can not be converted to a Date"),
        (
            b'{"StartingPositionTimestamp": 1' + b"0" * 400 + b"}",
            "NUMBER_VALUE can not be converted to a Date",
        ),
        ({"Topics": "t"}, "Expected list or null"),
        ({"Topics": [1]}, "NUMBER_VALUE can not be converted to a String"),
        ({"Tags": []}, "Start of list found where not expected."),
        ({"Tags": 1}, "Expected null"),
        ({"Tags": {"k": False}}, "FALSE_VALUE can not be converted to a String"),
        ({"FilterCriteria": "x"}, "Expected null"),
        ({"FilterCriteria": {"Filters": [[]]}}, "Start of list found where not expected."),
    ],
)
def test_wrong_json_is_a_serialization_exception(model: LambdaModel, body: Any, text: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(model, "CreateEventSourceMapping", body)
    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)
    assert refused.value.message.startswith(text)


@pytest.mark.parametrize("text", ["", "ten", "1.0", "-", "1_0", "99999999999", "9" * 30, "\u0665"])
def test_wrong_number_in_the_query_is_a_serialization_exception(model: LambdaModel, text: str) -> None:
    with pytest.raises(ApiError, match="can not be converted to an Integer"):
        parse(model, "ListEventSourceMappings", query={"MaxItems": [text]})


def test_wrong_base64_is_a_serialization_exception(model: LambdaModel) -> None:
    with pytest.raises(ApiError, match="STRING_VALUE can not be converted to a ByteBuffer"):
        parse(model, "UpdateFunctionCode", {"ZipFile": "###"})
