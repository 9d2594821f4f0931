"""Errors and names that the service model contains."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.errors import ConfigurationError


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    return LambdaModel.load()


@pytest.mark.parametrize(
    ("code", "members", "status", "body"),
    [
        ("ResourceNotFoundException", {}, 404, {"Type": "User", "Message": "text"}),
        ("ResourceInUseException", {}, 400, {"Type": "User", "Message": "text"}),
        ("InvalidParameterValueException", {}, 400, {"Type": "User", "message": "text"}),
        ("ResourceConflictException", {}, 409, {"Type": "User", "message": "text"}),
        ("ServiceException", {}, 500, {"Type": "Service", "Message": "text"}),
        ("EC2ThrottledException", {"Type": "User"}, 502, {"Type": "User", "Message": "text"}),
        (
            "TooManyRequestsException",
            {"Reason": "CallerRateLimitExceeded"},
            429,
            {"Type": "User", "message": "text", "Reason": "CallerRateLimitExceeded"},
        ),
        ("ValidationException", {}, 400, {"message": "text"}),
        ("AccessDeniedException", {}, 403, {"message": "text"}),
        ("ServiceUnavailable", {}, 503, {"message": "text"}),
        ("ThrottlingException", {}, 400, {"message": "text"}),
    ],
)
def test_error_on_the_wire(
    model: LambdaModel, code: str, members: dict[str, Any], status: int, body: dict[str, str]
) -> None:
    error = model.error(code, "text", **members)
    reply = model.render_error(error)

    assert (error.status, reply.status) == (status, status)
    assert reply.headers["x-amzn-errortype"] == code
    assert json.loads(reply.body) == body


def test_header_member_of_an_error(model: LambdaModel) -> None:
    reply = model.render_error(model.error("TooManyRequestsException", "text", retryAfterSeconds=3))
    assert reply.headers["Retry-After"] == "3"
    assert b"3" not in reply.body


def test_wrong_names_are_refused_with_the_nearest_right_ones(model: LambdaModel) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'ResourceInUseException'"):
        model.error("ResourceInUseExeption", "")
    with pytest.raises(ConfigurationError, match=r"has no member 'reason'. Did you mean 'Reason'"):
        model.error("TooManyRequestsException", "", reason="x")
    with pytest.raises(ConfigurationError, match="ValidationException has no member 'Type'"):
        model.error("ValidationException", "", Type="User")
    with pytest.raises(ConfigurationError, match="Did you mean 'CreateEventSourceMapping'"):
        model.operation("CreateEventSourceMaping")


def test_errors_of_an_operation(model: LambdaModel) -> None:
    assert "ResourceInUseException" in model.errors_of("DeleteEventSourceMapping")
    assert "ResourceInUseException" not in model.errors_of("GetEventSourceMapping")
    with pytest.raises(ConfigurationError, match="no operation"):
        model.errors_of("Nonsense")


def test_error_reads_well(model: LambdaModel) -> None:
    assert str(model.error("ServiceException", "boom")) == "ServiceException (500): boom"
