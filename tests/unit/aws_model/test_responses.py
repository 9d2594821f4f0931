"""How results become responses."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.aws_model.model import LambdaModel

MOMENT = datetime(2024, 1, 2, 3, 4, 5, 250_000, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    return LambdaModel.load()


def render(model: LambdaModel, operation: str, **result: Any) -> HttpResponse:
    return model.render(model.operation(operation), result)


def test_mapping(model: LambdaModel) -> None:
    reply = render(
        model,
        "CreateEventSourceMapping",
        UUID="u",
        BatchSize=10,
        LastModified=MOMENT,
        StartingPositionTimestamp=1700000000.0,
        FilterCriteria={"Filters": [{"Pattern": "{}"}]},
        DestinationConfig={"OnFailure": {"Destination": None}},
        LastProcessingResult=None,
        FunctionResponseTypes=[],
    )
    assert (reply.status, reply.headers) == (202, {"content-type": "application/json"})
    assert json.loads(reply.body) == {
        "UUID": "u",
        "BatchSize": 10,
        "LastModified": 1704161045.25,
        "StartingPositionTimestamp": 1700000000,
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
    }


def test_member_newer_than_the_model_is_sent(model: LambdaModel) -> None:
    assert json.loads(render(model, "GetEventSourceMapping", MemberOfTomorrow={"A": 1}).body) == {
        "MemberOfTomorrow": {"A": 1}
    }


def test_no_content(model: LambdaModel) -> None:
    assert render(model, "TagResource") == HttpResponse(204, {}, b"")
    assert render(model, "DeleteFunctionEventInvokeConfig") == HttpResponse(204, {}, b"")
    assert render(model, "Invoke", StatusCode=204, Payload=b"").body == b""


def test_invoke_answers_with_headers_status_and_raw_payload(model: LambdaModel) -> None:
    reply = render(
        model, "Invoke", StatusCode=200, FunctionError="Unhandled", ExecutedVersion="$LATEST", Payload=b"\x00"
    )
    assert (reply.status, reply.body) == (200, b"\x00")
    assert reply.headers["X-Amz-Function-Error"] == "Unhandled"
    assert reply.headers["X-Amz-Executed-Version"] == "$LATEST"
    assert "X-Amz-Log-Result" not in reply.headers


def test_timestamp_without_a_time_zone_is_refused(model: LambdaModel) -> None:
    with pytest.raises(ValueError, match="time zone"):
        render(model, "GetEventSourceMapping", LastModified=datetime(2024, 1, 1))


def test_replies_do_not_share_their_headers(model: LambdaModel) -> None:
    render(model, "TagResource").headers["x"] = "1"
    render(model, "GetEventSourceMapping").headers["x"] = "1"
    assert "x" not in render(model, "TagResource").headers
    assert "x" not in render(model, "GetEventSourceMapping").headers
