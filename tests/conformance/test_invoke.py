"""The answers of Invoke, as recorded from AWS."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError

from helpers.conformance import Facts
from pytest_lambda_esm import FakeLambda

FACT_TITLE = "Invoke"
REGION, ACCOUNT = "us-east-1", "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"


@pytest.fixture
def aws_lambda(lambda_esm: FakeLambda) -> Any:
    """A client that leaves refusals to the row: no retries, no checks on its own side."""
    config = ClientConfig(retries={"max_attempts": 0}, parameter_validation=False)
    return boto3.client("lambda", region_name=REGION, config=config)


def echo(event: Any, context: Any) -> Any:
    return event


known = Facts(FACT_TITLE)


# --- success -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Success:
    id: str
    params: dict[str, Any]
    status: int
    payload: bytes
    version: str | None = None
    evidence: str = "recorded"

    @property
    def text(self) -> str:
        kind = self.params.get("InvocationType", "RequestResponse")
        version = f" and ExecutedVersion {self.version}" if self.version else ""
        return f"{kind} answers {self.status}, the payload {self.payload.decode() or '(empty)'}{version}."


SUCCESSES = (
    Success("e1-request-response", {"Payload": b'{"a": 1}'}, 200, b'{"a": 1}', "$LATEST"),
    Success("e1-event", {"InvocationType": "Event", "Payload": b'{"a": 1}'}, 202, b""),
    Success("e1-dry-run", {"InvocationType": "DryRun"}, 204, b""),
    Success("e1-empty-payload-is-an-empty-object", {}, 200, b"{}", "$LATEST"),
    Success("e1-none-is-null", {"Payload": b"null"}, 200, b"null", "$LATEST"),
)


@pytest.mark.parametrize("row", SUCCESSES, ids=lambda row: row.id)
def test_success(lambda_esm: FakeLambda, aws_lambda: Any, row: Success) -> None:
    lambda_esm.function("my-function", echo)
    answer = aws_lambda.invoke(FunctionName="my-function", **row.params)
    assert (answer["StatusCode"], answer["Payload"].read()) == (row.status, row.payload)
    assert answer.get("ExecutedVersion") == row.version
    assert "FunctionError" not in answer


@known("e1-request-id", "recorded", "The request id of the answer is the context's aws_request_id.")
def test_request_id_is_the_contexts(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", lambda event, context: context.aws_request_id)
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert json.loads(answer["Payload"].read()) == answer["ResponseMetadata"]["RequestId"]


@known("e1-content-type", "reported", "The payload of a synchronous call is JSON by its content type.")
def test_content_type_is_json(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", echo)
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"


@known("e1-log-result", "documented", "LogResult holds the last 4 KB of the log, which ends with END and REPORT.")
def test_log_result_is_the_tail_of_the_log(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", lambda event, context: print("x" * 5000), memory=256)
    answer = aws_lambda.invoke(FunctionName="my-function", LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    request = answer["ResponseMetadata"]["RequestId"]
    assert len(log) == 4096
    assert log.startswith("xxx")
    assert re.search(
        rf"x\nEND RequestId: {request}\nREPORT RequestId: {request}\tDuration: 0.00 ms\tBilled Duration: 0 ms\t"
        rf"Memory Size: 256 MB\tMax Memory Used: \d+ MB\n$",
        log,
    )


@known("e1-log-start", "recorded", "The log begins with START, the request id and the version.")
def test_log_begins_with_start(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", lambda event, context: print("hello"))
    answer = aws_lambda.invoke(FunctionName="my-function", LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    assert log.startswith(f"START RequestId: {answer['ResponseMetadata']['RequestId']} Version: $LATEST\nhello\nEND ")


# --- function errors -----------------------------------------------------------------------------------------


def failing(event: Any, context: Any) -> None:
    raise Exception("Something went wrong")


@known(
    "e2-exception", "recorded", "An exception becomes errorMessage, errorType, requestId and stackTrace, in this order."
)
def test_an_exception_becomes_the_payload(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", failing)
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    payload = json.loads(answer["Payload"].read())
    assert list(payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (payload["errorMessage"], payload["errorType"]) == ("Something went wrong", "Exception")
    assert payload["requestId"] == answer["ResponseMetadata"]["RequestId"]
    line = failing.__code__.co_firstlineno + 1
    assert payload["stackTrace"] == [
        f'  File "{__file__}", line {line}, in failing\n    raise Exception("Something went wrong")\n'
    ]


@dataclass(frozen=True)
class FunctionError:
    id: str
    handler: Callable[[Any, Any], Any]
    payload: dict[str, Any]
    evidence: str = "recorded"

    @property
    def text(self) -> str:
        return f"The payload is {self.payload}, with status 200 and FunctionError Unhandled."


def _exits(event: Any, context: Any) -> None:
    raise SystemExit(1)


FUNCTION_ERRORS = (
    FunctionError(
        "e2-timeout",
        lambda event, context: time.sleep(30),
        {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: <id> Error: Task timed out after 1.00 seconds",
        },
    ),
    FunctionError(
        "e2-process-exit",
        _exits,
        {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: <id> Error: Runtime exited without providing a reason",
        },
    ),
    FunctionError(
        "e2-response-too-large",
        lambda event, context: "x" * 6_291_555,
        {
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        },
    ),
)


@pytest.mark.parametrize("row", FUNCTION_ERRORS, ids=lambda row: row.id)
def test_function_error(lambda_esm: FakeLambda, aws_lambda: Any, row: FunctionError) -> None:
    lambda_esm.function("my-function", row.handler, timeout=1)
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert (answer["StatusCode"], answer["FunctionError"], answer["ExecutedVersion"]) == (200, "Unhandled", "$LATEST")
    request = answer["ResponseMetadata"]["RequestId"]
    payload = json.loads(answer["Payload"].read())
    assert payload == {name: text.replace("<id>", request) for name, text in row.payload.items()}
    assert list(payload) == list(row.payload)


@known("e2-response-of-six-mebibytes", "recorded", "A response of exactly 6 MiB passes.")
def test_response_of_exactly_six_mebibytes_passes(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", lambda event, context: "x" * (6 * 1024 * 1024))
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert "FunctionError" not in answer
    assert len(answer["Payload"].read()) == 6 * 1024 * 1024 + 2


@known(
    "e2-unreadable-event",
    "documented",
    "An event that is not JSON is Runtime.UnmarshalError with the text of Python's json, as in AWS's runtime client.",
)
def test_an_event_that_is_not_json(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("my-function", echo)
    events = lambda_esm.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": function.arn, "Input": "nonsense"}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    lambda_esm.clock.run_until(lambda: bool(function.invocations))
    error = function.invocations[0].error
    assert error is not None
    assert dict(error.payload) == {
        "errorMessage": "Unable to unmarshal input: Expecting value: line 1 column 1 (char 0)",
        "errorType": "Runtime.UnmarshalError",
        "requestId": function.invocations[0].request_id,
        "stackTrace": [],
    }


# --- refusals ------------------------------------------------------------------------------------------------

PATTERN = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must "
NOT_FOUND = ("ResourceNotFoundException", 404)
INVALID = ("ValidationException", 400)
NOT_JSON = "Could not parse request body into json: Could not parse payload into json: "
SOURCE = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: "
EXPECTED = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@dataclass(frozen=True)
class Refusal:
    """``message`` is the whole text, or its beginning where it ends in an ellipsis."""

    id: str
    params: dict[str, Any]
    error: tuple[str, int]
    message: str
    members: dict[str, Any] = field(default_factory=dict)
    evidence: str = "recorded"

    @property
    def text(self) -> str:
        message = self.message.partition("\n")[0]
        return f"{self.error[1]} {self.error[0]}: {message if len(message) < 300 else message[:300] + '…'}"


REFUSALS = (
    Refusal(
        "e3-unknown-function",
        {"FunctionName": "doesnotexist"},
        NOT_FOUND,
        f"Function not found: {ARN}:doesnotexist:$LATEST",
        {"Type": "User"},
    ),
    Refusal(
        "e3-unknown-version",
        {"FunctionName": "my-function", "Qualifier": "7"},
        NOT_FOUND,
        f"Function not found: {ARN}:my-function:7",
    ),
    Refusal(
        "e3-unknown-alias",
        {"FunctionName": "my-function:live"},
        NOT_FOUND,
        f"Function not found: {ARN}:my-function:live",
    ),
    Refusal(
        "e3-latest-in-lower-case",
        {"FunctionName": "my-function", "Qualifier": "$latest"},
        NOT_FOUND,
        f"Function not found: {ARN}:my-function:$latest",
    ),
    Refusal(
        "e3-name-of-65-characters",
        {"FunctionName": "a" * 65},
        NOT_FOUND,
        f"Function not found: {ARN}:{'a' * 65}:$LATEST",
    ),
    Refusal("e3-incomplete-arn", {"FunctionName": ARN}, NOT_FOUND, f"Function not found: {ARN}:function:$LATEST"),
    *(
        Refusal(
            f"e3-illegal-name-{number}",
            {"FunctionName": name},
            INVALID,
            PATTERN.format(name, "functionName") + "satisfy regular expression pattern: …",
        )
        for number, name in enumerate(("my-function!", "*", "my-function:1:2", "my-function:$LATES"))
    ),
    Refusal(
        "e3-illegal-qualifier",
        {"FunctionName": "my-function", "Qualifier": "invalid!"},
        INVALID,
        PATTERN.format("invalid!", "qualifier") + "satisfy regular expression pattern: …",
    ),
    Refusal(
        "e3-qualifier-of-129-characters",
        {"FunctionName": "my-function", "Qualifier": "a" * 129},
        INVALID,
        PATTERN.format("a" * 129, "qualifier") + "have length less than or equal to 128",
    ),
    Refusal(
        "e3-two-qualifiers",
        {"FunctionName": "my-function:1", "Qualifier": "2"},
        ("InvalidParameterValueException", 400),
        "The derived qualifier from the function name does not match the specified qualifier.",
    ),
    Refusal(
        "e3-another-region",
        {"FunctionName": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:my-function"},
        NOT_FOUND,
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    ),
    Refusal(
        "e3-another-partition",
        {"FunctionName": f"arn:aws-cn:lambda:us-east-1:{ACCOUNT}:function:my-function"},
        NOT_FOUND,
        f"Function not found: arn:aws-cn:lambda:us-east-1:{ACCOUNT}:function:my-function:$LATEST",
        evidence="chosen",
    ),
    Refusal(
        "e3-body-is-no-json-start-byte",
        {"FunctionName": "my-function", "Payload": b'"\x87"'},
        ("InvalidRequestContentException", 400),
        NOT_JSON + "Invalid UTF-8 start byte 0x87" + SOURCE + "3]",
    ),
    Refusal(
        "e3-body-is-no-json-control-character",
        {"FunctionName": "my-function", "Payload": b"\x99"},
        ("InvalidRequestContentException", 400),
        NOT_JSON + f"Unexpected character ((CTRL-CHAR, code 153)): {EXPECTED}" + SOURCE + "2]",
    ),
    Refusal(
        "e3-event-body-is-no-json",
        {"FunctionName": "my-function", "Payload": b"nonsense", "InvocationType": "Event"},
        ("InvalidRequestContentException", 400),
        NOT_JSON + "Unrecognized token 'nonsense': was expecting …",
        evidence="chosen",
    ),
    *(
        Refusal(
            f"e3-number-of-{digits}-digits-{kind}",
            {"FunctionName": "my-function", "Payload": payload, "InvocationType": kind},
            ("InvalidRequestContentException", 400),
            NOT_JSON + f"Number value length ({digits}) exceeds the maximum allowed (1000, from"
            " `StreamReadConstraints.getMaxNumberLength()`)",
            evidence="chosen",
        )
        for digits, payload in ((1001, b"-" + b"1" * 1001), (5000, b'{"a": [1.' + b"1" * 4990 + b"e+100000000]}"))
        for kind in ("RequestResponse", "Event", "DryRun")
    ),
    Refusal(
        "e3-nested-too-deeply",
        {"FunctionName": "my-function", "Payload": b'[{"a":' * 501 + b"1" + b"}]" * 501},
        ("InvalidRequestContentException", 400),
        NOT_JSON + "Document nesting depth (1001) exceeds the maximum allowed (1000, from"
        " `StreamReadConstraints.getMaxNestingDepth()`)",
        evidence="chosen",
    ),
    Refusal(
        "e3-request-over-six-mebibytes",
        {"FunctionName": "my-function", "Payload": b'"' + b"x" * 6_291_455 + b'"'},
        ("RequestEntityTooLargeException", 413),
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        evidence="reported",
    ),
    Refusal(
        "e3-event-over-one-mebibyte",
        {"FunctionName": "my-function", "Payload": b'"' + b"x" * 1_048_575 + b'"', "InvocationType": "Event"},
        ("RequestEntityTooLargeException", 413),
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
        evidence="reported",
    ),
)


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.id)
def test_refusal(lambda_esm: FakeLambda, aws_lambda: Any, row: Refusal) -> None:
    function = lambda_esm.function("my-function", echo)
    with pytest.raises(ClientError) as caught:
        aws_lambda.invoke(**row.params)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == row.error
    message = response["Error"]["Message"]
    if row.message.endswith("…"):
        assert message.startswith(row.message[:-1])
    else:
        assert message == row.message
    assert {name: response[name] for name in row.members} == row.members
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []


def package_of(size: int) -> bytes:
    """A zip file whose directory says that its one entry, which is empty, has this size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("zeros", b"")
        archive.infolist()[0].file_size = size
    return buffer.getvalue()


LARGEST = 262_144_000


@known(
    "e3-code-too-large", "reported", f"Unzipped size must be smaller than {LARGEST} bytes: 400, on create and update."
)
def test_code_that_is_too_large_unpacked(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", echo)
    aws_lambda.update_function_code(FunctionName="my-function", ZipFile=package_of(LARGEST))
    with pytest.raises(aws_lambda.exceptions.InvalidParameterValueException) as caught:
        aws_lambda.update_function_code(FunctionName="my-function", ZipFile=package_of(LARGEST + 1))
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Message"] == f"Unzipped size must be smaller than {LARGEST} bytes"


@known(
    "e3-code-too-large-with-layers",
    "reported",
    f"Function code combined with layers exceeds the maximum allowed size of {LARGEST} bytes, and the actual size.",
)
def test_code_that_is_too_large_with_its_layers(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    layer = aws_lambda.publish_layer_version(LayerName="zeros", Content={"ZipFile": package_of(LARGEST)})
    lambda_esm.function("my-function", echo)
    aws_lambda.update_function_code(FunctionName="my-function", ZipFile=package_of(10))
    with pytest.raises(aws_lambda.exceptions.InvalidParameterValueException) as caught:
        aws_lambda.update_function_configuration(FunctionName="my-function", Layers=[layer["LayerVersionArn"]])
    assert caught.value.response["Error"]["Message"] == (
        f"Function code combined with layers exceeds the maximum allowed size of {LARGEST} bytes."
        f" The actual size is {LARGEST + 10} bytes."
    )


@known("e3-reserved-concurrency", "recorded", "429 TooManyRequestsException: Rate Exceeded., with Reason and Type.")
@pytest.mark.parametrize("reserved", [0, 1])
def test_reserved_concurrency_exceeded(lambda_esm: FakeLambda, aws_lambda: Any, reserved: int) -> None:
    def calls_itself(event: Any, context: Any) -> Any:
        return aws_lambda.invoke(FunctionName="my-function")["StatusCode"]

    lambda_esm.function("my-function", calls_itself, reserved_concurrency=reserved)
    if reserved == 0:
        with pytest.raises(aws_lambda.exceptions.TooManyRequestsException) as caught:
            aws_lambda.invoke(FunctionName="my-function")
        response = caught.value.response
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert (response["Error"]["Message"], response["Type"]) == ("Rate Exceeded.", "User")
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert response["retryAfterSeconds"] == "1"
    else:
        payload = json.loads(aws_lambda.invoke(FunctionName="my-function")["Payload"].read())
        assert payload["errorType"] == "TooManyRequestsException"


# --- qualifiers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Qualified:
    id: str
    params: dict[str, str]
    arn: str
    version: str
    evidence: str = "recorded"

    @property
    def text(self) -> str:
        return f"The context says that {self.arn} was invoked; version {self.version} has run."


QUALIFIED = (
    Qualified("e4-unqualified", {"FunctionName": "my-function"}, f"{ARN}:my-function", "$LATEST"),
    Qualified("e4-full-arn", {"FunctionName": f"{ARN}:my-function"}, f"{ARN}:my-function", "$LATEST"),
    Qualified("e4-partial-arn", {"FunctionName": f"{ACCOUNT}:function:my-function"}, f"{ARN}:my-function", "$LATEST"),
    Qualified("e4-latest", {"FunctionName": "my-function", "Qualifier": "$LATEST"}, f"{ARN}:my-function", "$LATEST"),
    Qualified("e4-version", {"FunctionName": "my-function", "Qualifier": "1"}, f"{ARN}:my-function:1", "1"),
    Qualified("e4-alias", {"FunctionName": "my-function", "Qualifier": "live"}, f"{ARN}:my-function:live", "1"),
    Qualified("e4-alias-in-name", {"FunctionName": "my-function:live"}, f"{ARN}:my-function:live", "1"),
    Qualified(
        "e4-same-qualifier-twice",
        {"FunctionName": "my-function:live", "Qualifier": "live"},
        f"{ARN}:my-function:live",
        "1",
    ),
)


@pytest.mark.parametrize("row", QUALIFIED, ids=lambda row: row.id)
def test_qualifier(lambda_esm: FakeLambda, aws_lambda: Any, row: Qualified) -> None:
    lambda_esm.function("my-function", lambda event, context: [context.invoked_function_arn, context.function_version])
    aws_lambda.publish_version(FunctionName="my-function")
    aws_lambda.create_alias(FunctionName="my-function", Name="live", FunctionVersion="1")
    answer = aws_lambda.invoke(**row.params)
    assert json.loads(answer["Payload"].read()) == [row.arn, row.version]
    assert answer["ExecutedVersion"] == row.version


ROWS = (*known, *SUCCESSES, *FUNCTION_ERRORS, *REFUSALS, *QUALIFIED)
"""All facts of this file, for the page of facts."""
