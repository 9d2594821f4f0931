"""The answers of Invoke, as recorded from AWS."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError

from helpers.conformance import Facts
from helpers.return_values import NO_JSON, NOT_UTF_8, WRONG_KEY, Color, Data, Number, Point, circular
from pytest_lambda_esm import FakeLambda

FACT_TITLE = "Invoke"
REGION, ACCOUNT = "us-east-1", "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"


@pytest.fixture
def aws_lambda(lambda_esm: FakeLambda) -> Any:
    """A client without retries and without its own checks, so that the fake gets each request as the row has it."""
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
        return f"{kind} returns the status {self.status}, the payload {self.payload.decode() or '(empty)'}{version}."


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


@known("e1-content-type", "reported", "The content type of a synchronous call's payload is JSON.")
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
        rf"Memory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: 0.00 ms\t\n$",
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


def _exits_with(*status: Any) -> Callable[[Any, Any], None]:
    return lambda event, context: sys.exit(*status)


def _exit_error(reason: str) -> dict[str, Any]:
    return {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: <id> Error: {reason}"}


FUNCTION_ERRORS = (
    FunctionError(
        "e2-timeout",
        lambda event, context: time.sleep(30),
        {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: <id> Error: Task timed out after 1.00 seconds",
        },
    ),
    FunctionError("e2-process-exit", _exits_with(), _exit_error("Runtime exited without providing a reason")),
    FunctionError("e2-process-exit-0", _exits_with(0), _exit_error("Runtime exited without providing a reason")),
    FunctionError(
        "e2-process-exit-1",
        _exits_with(1),
        _exit_error("Runtime exited with error: exit status 1"),
        evidence="reported",
    ),
    FunctionError(
        "e2-process-exit-text",
        _exits_with("no table"),
        _exit_error("Runtime exited with error: exit status 1"),
        evidence="chosen",
    ),
    FunctionError(
        "e2-process-exit-3",
        _exits_with(3),
        _exit_error("Runtime exited with error: exit status 3"),
        evidence="chosen",
    ),
    FunctionError(
        "e2-process-exit-at-once",
        lambda event, context: os._exit(4),
        _exit_error("Runtime exited with error: exit status 4"),
        evidence="chosen",
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


@known("e2-response-is-measured-in-bytes", "documented", "The size of a response is its number of bytes in UTF-8.")
@pytest.mark.parametrize(("letters", "error"), [(3_145_777, None), (3_145_778, "Unhandled")])
def test_size_of_a_response_that_is_not_ascii(
    lambda_esm: FakeLambda, aws_lambda: Any, letters: int, error: str | None
) -> None:
    lambda_esm.function("my-function", lambda event, context: "é" * letters)
    assert aws_lambda.invoke(FunctionName="my-function").get("FunctionError") == error


@known("e2-response-of-six-mebibytes", "recorded", "A response of exactly 6 MiB passes.")
def test_response_of_exactly_six_mebibytes_passes(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", lambda event, context: "x" * (6 * 1024 * 1024))
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert "FunctionError" not in answer
    assert len(answer["Payload"].read()) == 6 * 1024 * 1024 + 2


@dataclass(frozen=True)
class ReturnValue:
    id: str
    value: Any
    payload: bytes
    evidence: str = "runtime"

    @property
    def text(self) -> str:
        return f"If a handler returns {self.value!r}, the payload is {self.payload!r}."


RETURN_VALUES = (
    ReturnValue("e5-decimal", Decimal("1.10"), b"1.10"),
    ReturnValue("e5-decimal-digits", Decimal("0.12345678901234567890123"), b"0.12345678901234567890123"),
    ReturnValue("e5-decimal-exponent", Decimal("1E+2"), b"1E+2"),
    ReturnValue("e5-decimal-nan", Decimal("-NaN"), b"NaN"),
    ReturnValue("e5-named-tuple", Point(1, 2), b'{"x": 1, "y": 2}'),
    ReturnValue("e5-bytes", b"\x00raw\xff", b"\x00raw\xff"),
    ReturnValue("e5-bytes-inside", {"b": b"abc"}, b'{"b": "abc"}'),
    ReturnValue("e5-enumeration-of-numbers", [Number.ONE], b"[1]"),
    ReturnValue("e5-not-a-number", float("nan"), b"NaN"),
    ReturnValue("e5-not-escaped", "ü", '"ü"'.encode()),
)


@pytest.mark.parametrize("row", RETURN_VALUES, ids=lambda row: row.id)
def test_return_value(lambda_esm: FakeLambda, aws_lambda: Any, row: ReturnValue) -> None:
    lambda_esm.function("my-function", lambda event, context: row.value)
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert (answer.get("FunctionError"), answer["Payload"].read()) == (None, row.payload)


@dataclass(frozen=True)
class NoReturnValue:
    id: str
    value: Any
    message: str
    evidence: str = "runtime"

    @property
    def text(self) -> str:
        return f"A handler that returns {self.value!r} causes Runtime.MarshalError: {self.message}"


NO_RETURN_VALUES = (
    NoReturnValue("e5-no-utf-8", [b"\xff"], NOT_UTF_8),
    NoReturnValue("e5-enumeration", Color.RED, NO_JSON.format("Color")),
    NoReturnValue("e5-dataclass", Data(), NO_JSON.format("Data")),
    NoReturnValue("e5-set", {1}, NO_JSON.format("set")),
    NoReturnValue("e5-key-that-is-a-tuple", {(1, 2): 3}, WRONG_KEY.format("tuple")),
    NoReturnValue("e5-circular", circular("list"), "Circular reference detected"),
)


@pytest.mark.parametrize("row", NO_RETURN_VALUES, ids=lambda row: row.id)
def test_no_return_value(lambda_esm: FakeLambda, aws_lambda: Any, row: NoReturnValue) -> None:
    lambda_esm.function("my-function", lambda event, context: row.value)
    answer = aws_lambda.invoke(FunctionName="my-function")
    assert json.loads(answer["Payload"].read()) == {
        "errorMessage": f"Unable to marshal response: {row.message}",
        "errorType": "Runtime.MarshalError",
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "stackTrace": [],
    }


@known(
    "e5-coroutine",
    "runtime",
    "A handler that is a coroutine function (async def) causes Runtime.MarshalError: the runtime does not await it.",
)
@pytest.mark.lambda_esm(advice_ignore="ESM144")
def test_coroutine_function(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    ran = []

    async def handler(event: Any, context: Any) -> str:
        ran.append(event)
        return "never"

    lambda_esm.function("my-function", handler)
    answer = aws_lambda.invoke(FunctionName="my-function")
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["stackTrace"], ran) == ("Runtime.MarshalError", [], [])
    assert error["errorMessage"] == f"Unable to marshal response: {NO_JSON.format('coroutine')}"


@known(
    "e2-unreadable-event",
    "documented",
    "An event that is not JSON causes Runtime.UnmarshalError with the text of Python's json, as in AWS's "
    "runtime client.",
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


def _with_runtime(aws_lambda: Any, runtime: str) -> None:
    aws_lambda.update_function_configuration(FunctionName="my-function", Runtime=runtime)


def _raises_umlaut(event: Any, context: Any) -> None:
    raise ValueError("ü")


@known("e2-error-payload-is-not-escaped", "runtime", "From python3.12 on, error payloads are not escaped.")
@pytest.mark.parametrize(("runtime", "text"), [("python3.11", "\\u00fc"), ("python3.12", "ü"), ("python3.14", "ü")])
def test_escapes_in_error_payloads(lambda_esm: FakeLambda, aws_lambda: Any, runtime: str, text: str) -> None:
    lambda_esm.function("my-function", _raises_umlaut)
    _with_runtime(aws_lambda, runtime)
    payload = aws_lambda.invoke(FunctionName="my-function")["Payload"].read().decode()
    assert payload.startswith(f'{{"errorMessage": "{text}", "errorType": "ValueError", ')


@known("e2-no-request-id-in-python-3.8", "recorded", "Error payloads of python3.8 have no requestId.")
@pytest.mark.parametrize(("runtime", "present"), [("python3.8", False), ("python3.9", True)])
def test_request_id_in_error_payloads(lambda_esm: FakeLambda, aws_lambda: Any, runtime: str, present: bool) -> None:
    lambda_esm.function("my-function", _raises_umlaut)
    _with_runtime(aws_lambda, runtime)
    payload = json.loads(aws_lambda.invoke(FunctionName="my-function")["Payload"].read())
    assert list(payload) == ["errorMessage", "errorType", *(["requestId"] if present else []), "stackTrace"]


def _raises_surrogate(event: Any, context: Any) -> None:
    raise ValueError("\ud800")


@known("e2-error-that-cannot-be-sent", "chosen", "A lone surrogate in the text of an error is sent as its escape.")
def test_lone_surrogate_in_an_error(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    function = lambda_esm.function("my-function", _raises_surrogate)
    payload = aws_lambda.invoke(FunctionName="my-function")["Payload"].read()
    assert b'"errorMessage": "\\ud800"' in payload
    assert function.invocations[0].outcome == "error"


@known("e2-text-that-cannot-be-sent", "runtime", "A lone surrogate in the response ends the runtime.")
def test_lone_surrogates_end_the_runtime(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    lambda_esm.function("my-function", lambda event, context: ["\ud800"])
    payload = json.loads(aws_lambda.invoke(FunctionName="my-function")["Payload"].read())
    assert payload["errorMessage"].endswith(" Error: Runtime exited with error: exit status 1")


# --- refusals ------------------------------------------------------------------------------------------------

PATTERN = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must "
NOT_FOUND = ("ResourceNotFoundException", 404)
INVALID = ("ValidationException", 400)
NOT_JSON = "Could not parse request body into json: Could not parse payload into json: "
SOURCE = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: "
EXPECTED = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@dataclass(frozen=True)
class Refusal:
    """``message`` is the whole text, or its beginning if it ends in an ellipsis."""

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
        "e3-unknown-function-event",
        {"FunctionName": "doesnotexist", "InvocationType": "Event"},
        NOT_FOUND,
        f"Function not found: {ARN}:doesnotexist:$LATEST",
        evidence="documented",
    ),
    Refusal(
        "e3-unknown-function-dry-run",
        {"FunctionName": "doesnotexist", "InvocationType": "DryRun"},
        NOT_FOUND,
        f"Function not found: {ARN}:doesnotexist:$LATEST",
        evidence="documented",
    ),
    Refusal(
        "e3-unknown-alias-event",
        {"FunctionName": "my-function:live", "InvocationType": "Event"},
        NOT_FOUND,
        f"Function not found: {ARN}:my-function:live",
        evidence="documented",
    ),
    Refusal(
        "e3-unknown-version-dry-run",
        {"FunctionName": "my-function", "Qualifier": "7", "InvocationType": "DryRun"},
        NOT_FOUND,
        f"Function not found: {ARN}:my-function:7",
        evidence="documented",
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
        NOT_JSON + f"Unexpected character ((CTRL-CHAR, code 153)): {EXPECTED}" + SOURCE + "1]",
    ),
    Refusal(
        "e3-body-is-no-utf-8",
        {"FunctionName": "my-function", "Payload": b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt"},
        ("InvalidRequestContentException", 400),
        NOT_JSON + "Invalid UTF-8 start byte 0x87" + SOURCE + "3]",
    ),
    Refusal(
        "e3-body-begins-with-no-utf-8",
        {"FunctionName": "my-function", "Payload": b"\x99\xeb,j\x07\xa1zYh"},
        ("InvalidRequestContentException", 400),
        NOT_JSON + f"Unexpected character ((CTRL-CHAR, code 153)): {EXPECTED}" + SOURCE + "1]",
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
    """Return a zip file whose directory gives this size for its single, empty entry."""
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


@known("e3-reserved-concurrency", "recorded", "429 TooManyRequestsException with Reason, but without Retry-After.")
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
        assert "retryAfterSeconds" not in response
        assert "retry-after" not in response["ResponseMetadata"]["HTTPHeaders"]
    else:
        payload = json.loads(aws_lambda.invoke(FunctionName="my-function")["Payload"].read())
        assert payload["errorType"] == "TooManyRequestsException"


# --- traces --------------------------------------------------------------------------------------------------

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@known("e6-trace", "recorded", "The Root of the header X-Amzn-Trace-Id is the Root that the handler sees.")
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_trace_of_the_caller(lambda_esm: FakeLambda, aws_lambda: Any, kind: str) -> None:
    def handler(event: Any, context: Any) -> str:
        return os.environ["_X_AMZN_TRACE_ID"]

    def add_header(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amzn-Trace-Id"] = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"

    function = lambda_esm.function("my-function", handler)
    aws_lambda.invoke(FunctionName="my-function")
    aws_lambda.meta.events.register("before-call.lambda.Invoke", add_header)
    aws_lambda.invoke(FunctionName="my-function", InvocationType=kind)
    lambda_esm.clock.run_until_idle()
    first, second = (invocation.result for invocation in function.invocations)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", first)
    assert re.fullmatch(rf"Root={ROOT};Parent=[0-9a-f]{{16}};Sampled=1", second)
    assert "53995c3f42cd8ad8" not in second


@known("e6-w3c", "runtime", "context.w3c() has the W3C trace context of the client context, which does not show it.")
def test_w3c_trace_context(lambda_esm: FakeLambda, aws_lambda: Any) -> None:
    seen = []
    lambda_esm.function("my-function", lambda event, context: seen.append((context.w3c(), context.client_context)))
    sent = {"w3c": {"traceparent": "00-1-2-01", "tracestate": 7, "other": "x"}, "custom": {"a": 1}}
    aws_lambda.invoke(FunctionName="my-function", ClientContext=base64.b64encode(json.dumps(sent).encode()).decode())
    aws_lambda.invoke(FunctionName="my-function")
    (fields, client_context), (no_fields, _) = seen
    assert (fields, no_fields) == ({"traceparent": "00-1-2-01"}, {})
    assert client_context.custom == {"a": 1}
    assert not hasattr(client_context, "w3c")


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
    Qualified(
        "e4-latest", {"FunctionName": "my-function", "Qualifier": "$LATEST"}, f"{ARN}:my-function:$LATEST", "$LATEST"
    ),
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


ROWS = (*known, *SUCCESSES, *FUNCTION_ERRORS, *RETURN_VALUES, *NO_RETURN_VALUES, *REFUSALS, *QUALIFIED)
"""All facts of this file, for the page of facts."""
