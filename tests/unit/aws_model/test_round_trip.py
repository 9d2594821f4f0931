"""A real botocore client and the service model: each receives what the other sends."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.aws_model.model import LambdaModel

UUID = "01234567-89ab-cdef-0123-456789abcdef"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders:live"
ESM_ARN = f"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{UUID}"


class Raw(io.BytesIO):
    def stream(self, amt: int = 1024, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


class Backend:
    """Reads each request of the client with the service model, and returns the answer that the test chose."""

    def __init__(self, model: LambdaModel) -> None:
        self.model = model
        self.client = boto3.client(
            "lambda",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.client.meta.events.register("before-send.lambda", self._answer)
        self.operation = ""
        self.params: dict[str, Any] = {}
        self.result: dict[str, Any] | ApiError = {}

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        match = self.model.match(request.method, url.path)
        assert match is not None
        self.operation = match.operation.name
        try:
            self.params = self.model.parse(
                match.operation,
                uri=match.uri,
                query=parse_qs(url.query, keep_blank_values=True),
                headers=request.headers,
                body=_bytes(request.body),
            )
            self.model.validate(match.operation, self.params)
            reply = self._reply()
        except ApiError as error:
            reply = self.model.render_error(error)
        return AWSResponse(request.url, reply.status, reply.headers, Raw(reply.body))

    def _reply(self) -> HttpResponse:
        if isinstance(self.result, ApiError):
            return self.model.render_error(self.result)
        return self.model.render(self.model.operation(self.operation), self.result)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        return bytes(body.read())
    return body if isinstance(body, bytes) else bytes(body, "utf-8")


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    return LambdaModel.load()


@pytest.fixture(scope="module")
def shared(model: LambdaModel) -> Backend:
    return Backend(model)


@pytest.fixture
def backend(shared: Backend) -> Backend:
    shared.result = {}
    return shared


REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (
        "create_event_source_mapping",
        {
            "FunctionName": FUNCTION_ARN,
            "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            "Enabled": False,
            "BatchSize": 100,
            "StartingPosition": "AT_TIMESTAMP",
            "StartingPositionTimestamp": 1700000000,
            "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"a": ["\u00e9"]}}'}]},
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}},
            "MaximumRecordAgeInSeconds": -1,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "Tags": {"Stra\u00dfe": "12 b"},
        },
    ),
    (
        "create_event_source_mapping",
        {
            "FunctionName": "orders",
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h.example.com:9092"]}},
            "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
            "Topics": ["orders"],
        },
    ),
    ("update_event_source_mapping", {"UUID": UUID, "FilterCriteria": {}, "FunctionResponseTypes": []}),
    ("update_event_source_mapping", {"UUID": UUID}),
    ("get_event_source_mapping", {"UUID": UUID}),
    ("delete_event_source_mapping", {"UUID": UUID}),
    ("list_event_source_mappings", {}),
    ("list_event_source_mappings", {"FunctionName": "orders:live", "MaxItems": 7, "Marker": "a+b/c=%&"}),
    (
        "put_function_event_invoke_config",
        {"FunctionName": "orders", "Qualifier": "$LATEST", "MaximumRetryAttempts": 0},
    ),
    (
        "update_function_event_invoke_config",
        {"FunctionName": FUNCTION_ARN, "DestinationConfig": {"OnSuccess": {"Destination": ""}}},
    ),
    ("get_function_event_invoke_config", {"FunctionName": "123456789012:function:orders"}),
    ("list_function_event_invoke_configs", {"FunctionName": "orders", "MaxItems": 50}),
    ("delete_function_event_invoke_config", {"FunctionName": "orders", "Qualifier": "live"}),
    (
        "invoke",
        {
            "FunctionName": "orders",
            "InvocationType": "Event",
            "LogType": "Tail",
            "Payload": b'{"a": 1}',
            "Qualifier": "1",
        },
    ),
    ("invoke_async", {"FunctionName": "orders", "InvokeArgs": b"{}"}),
    ("list_tags", {"Resource": ESM_ARN}),
    ("tag_resource", {"Resource": ESM_ARN, "Tags": {"a": ""}}),
    ("untag_resource", {"Resource": ESM_ARN, "TagKeys": ["a", "b c", "\u00e9"]}),
]


@pytest.mark.filterwarnings("ignore:.*deprecated.*")
@pytest.mark.parametrize(("method", "params"), REQUESTS, ids=[name for name, _ in REQUESTS])
def test_what_is_sent_arrives(backend: Backend, method: str, params: dict[str, Any]) -> None:
    getattr(backend.client, method)(**params)
    assert backend.client.meta.method_to_api_mapping[method] == backend.operation
    assert backend.params == params


def test_bool_as_integer_is_refused(backend: Backend) -> None:
    with pytest.raises(ClientError, match="TRUE_VALUE can not be converted to an Integer") as refused:
        backend.client.create_event_source_mapping(FunctionName="f", BatchSize=True)
    assert refused.value.response["Error"]["Code"] == "SerializationException"


def test_no_tag_keys(backend: Backend) -> None:
    with pytest.raises(ClientError) as refused:
        backend.client.untag_resource(Resource=ESM_ARN, TagKeys=[])
    assert refused.value.response["Error"]["Message"] == (
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"
    )


def test_validation_exception_has_neither_type_nor_message_at_the_top(backend: Backend) -> None:
    with pytest.raises(ClientError) as refused:
        backend.client.create_event_source_mapping(FunctionName="f!")
    response = refused.value.response
    assert response["Error"]["Code"] == "ValidationException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert set(response) == {"Error", "ResponseMetadata"}


def test_typed_exceptions(backend: Backend) -> None:
    for code, member in [
        ("ResourceNotFoundException", "Message"),
        ("ResourceInUseException", "Message"),
        ("InvalidParameterValueException", "message"),
        ("ResourceConflictException", "message"),
    ]:
        backend.result = backend.model.error(code, f"{code} is why")
        with pytest.raises(getattr(backend.client.exceptions, code)) as refused:
            backend.client.delete_event_source_mapping(UUID=UUID)
        response = refused.value.response
        assert response["Error"] == {"Code": code, "Message": f"{code} is why"}
        assert (response[member], response["Type"]) == (f"{code} is why", "User")


def test_every_error_of_the_model_is_understood(backend: Backend) -> None:
    for name in backend.model.operations:
        for code in backend.model.errors_of(name):
            backend.result = backend.model.error(code, "why")
            with pytest.raises(getattr(backend.client.exceptions, code)) as refused:
                backend.client.get_event_source_mapping(UUID=UUID)
            assert refused.value.response["Error"]["Code"] == code
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == backend.result.status


def test_too_many_requests(backend: Backend) -> None:
    backend.result = backend.model.error(
        "TooManyRequestsException",
        "Rate Exceeded.",
        Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
        retryAfterSeconds="2",
    )
    with pytest.raises(backend.client.exceptions.TooManyRequestsException) as refused:
        backend.client.invoke(FunctionName="f")
    response = refused.value.response
    assert response["Error"]["Message"] == response["message"] == "Rate Exceeded."
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (response["retryAfterSeconds"], response["Type"]) == ("2", "User")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_server_fault(backend: Backend) -> None:
    backend.result = backend.model.error("ServiceException", "boom")
    with pytest.raises(backend.client.exceptions.ServiceException) as refused:
        backend.client.get_event_source_mapping(UUID=UUID)
    assert refused.value.response["Type"] == "Service"


def answer(backend: Backend, call: Callable[[], Any], **result: Any) -> Any:
    backend.result = result
    return {key: value for key, value in call().items() if key != "ResponseMetadata"}


def test_results_arrive(backend: Backend) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
    mapping = {
        "UUID": UUID,
        "BatchSize": 10,
        "LastModified": moment,
        "State": "Creating",
        "FunctionResponseTypes": [],
        "DestinationConfig": {"OnFailure": {}},
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h:1"]}},
    }
    get = lambda: backend.client.get_event_source_mapping(UUID=UUID)  # noqa: E731
    assert answer(backend, get, **mapping, LastProcessingResult=None) == mapping

    listing = {"NextMarker": "m", "EventSourceMappings": [mapping, mapping]}
    assert answer(backend, backend.client.list_event_source_mappings, **listing) == listing

    tags = {"Tags": {"\u00e9": ""}}
    assert answer(backend, lambda: backend.client.list_tags(Resource=ESM_ARN), **tags) == tags


def test_invoke_result_arrives(backend: Backend) -> None:
    result = answer(
        backend,
        lambda: backend.client.invoke(FunctionName="f"),
        StatusCode=200,
        FunctionError="Unhandled",
        LogResult="bG9n",
        ExecutedVersion="$LATEST",
        Payload=b'{"errorMessage": "x"}',
    )
    assert result.pop("Payload").read() == b'{"errorMessage": "x"}'
    assert result == {
        "StatusCode": 200,
        "FunctionError": "Unhandled",
        "LogResult": "bG9n",
        "ExecutedVersion": "$LATEST",
    }


@pytest.mark.parametrize("status", [202, 204])
def test_invoke_status_of_the_result_wins(backend: Backend, status: int) -> None:
    result = answer(backend, lambda: backend.client.invoke(FunctionName="f"), StatusCode=status, Payload=b"")
    assert (result["StatusCode"], result["Payload"].read()) == (status, b"")


def test_event_stream_arrives(backend: Backend) -> None:
    events = [
        {"PayloadChunk": {"Payload": b"\x00first"}},
        {"PayloadChunk": {"Payload": b"second"}},
        {"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": "why", "LogResult": None}},
    ]
    result = answer(
        backend,
        lambda: backend.client.invoke_with_response_stream(FunctionName="f"),
        StatusCode=200,
        ExecutedVersion="1",
        ResponseStreamContentType="application/octet-stream",
        EventStream=events,
    )
    assert result["ExecutedVersion"] == "1"
    assert list(result["EventStream"]) == [
        *events[:2],
        {"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": "why"}},
    ]
