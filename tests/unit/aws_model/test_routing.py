"""The operation for a method and a path."""

from __future__ import annotations

import pytest

from pytest_lambda_esm.aws_model.model import LambdaModel

UUID = "01234567-89ab-cdef-0123-456789abcdef"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
ENCODED_ARN = ARN.replace(":", "%3A")


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    return LambdaModel.load()


@pytest.mark.parametrize(
    ("method", "path", "operation", "uri"),
    [
        ("POST", "/2015-03-31/event-source-mappings", "CreateEventSourceMapping", {}),
        ("POST", "/2015-03-31/event-source-mappings/", "CreateEventSourceMapping", {}),
        ("GET", "/2015-03-31/event-source-mappings/", "ListEventSourceMappings", {}),
        ("GET", "/2015-03-31/event-source-mappings?MaxItems=1", "ListEventSourceMappings", {}),
        ("get", f"/2015-03-31/event-source-mappings/{UUID}", "GetEventSourceMapping", {"UUID": UUID}),
        ("PUT", f"/2015-03-31/event-source-mappings/{UUID}", "UpdateEventSourceMapping", {"UUID": UUID}),
        (
            "DELETE",
            "/2015-03-31/event-source-mappings/no%2Fuuid%0A",
            "DeleteEventSourceMapping",
            {"UUID": "no/uuid\n"},
        ),
        (
            "GET",
            "/2015-03-31/event-source-mappings/%F0%9F%98%80+",
            "GetEventSourceMapping",
            {"UUID": "\U0001f600+"},
        ),
        ("POST", f"/2015-03-31/functions/{ENCODED_ARN}/invocations", "Invoke", {"FunctionName": ARN}),
        (
            "POST",
            f"/2015-03-31/functions/{ARN}:$LATEST/invocations",
            "Invoke",
            {"FunctionName": f"{ARN}:$LATEST"},
        ),
        ("POST", "/2014-11-13/functions/f/invoke-async/", "InvokeAsync", {"FunctionName": "f"}),
        (
            "GET",
            "/2019-09-25/functions/f/event-invoke-config/list",
            "ListFunctionEventInvokeConfigs",
            {"FunctionName": "f"},
        ),
        (
            "GET",
            "/2019-09-25/functions/list/event-invoke-config",
            "GetFunctionEventInvokeConfig",
            {"FunctionName": "list"},
        ),
        ("DELETE", f"/2017-03-31/tags/{ENCODED_ARN}", "UntagResource", {"Resource": ARN}),
        ("GET", "/2015-03-31/functions/invocations", "GetFunction", {"FunctionName": "invocations"}),
        ("GET", "/2018-10-31/layers", "ListLayers", {}),
        ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn", {}),
        (
            "GET",
            "/2018-10-31/layers/l/versions/3/policy",
            "GetLayerVersionPolicy",
            {"LayerName": "l", "VersionNumber": "3"},
        ),
        (
            "GET",
            "/2019-09-30/functions/f/provisioned-concurrency?List=ALL",
            "ListProvisionedConcurrencyConfigs",
            {"FunctionName": "f"},
        ),
    ],
)
def test_request_means_operation(
    model: LambdaModel, method: str, path: str, operation: str, uri: dict[str, str]
) -> None:
    match = model.match(method, path)
    assert match is not None
    assert (match.operation.name, match.uri) == (operation, uri)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/2015-03-31/event-source-mappings"),
        ("GET", "/2015-03-31/event-source-mappings/a/b"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/2015-03-31"),
        ("POST", "/restapis/2015-03-31/event-source-mappings"),
    ],
)
def test_no_operation_there(model: LambdaModel, method: str, path: str) -> None:
    assert model.match(method, path) is None


def test_every_operation_is_found_by_its_own_template(model: LambdaModel) -> None:
    for name in model.operations:
        http = model.operation(name).http
        path = http["requestUri"].replace("{", "").replace("}", "")
        match = model.match(http["method"], path)
        assert match is not None, name
        assert match.operation.name == name
