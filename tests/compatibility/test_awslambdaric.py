"""The client of Lambda's own Python runtime, as the judge of what a handler returns, raises and sees."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from helpers.return_values import NO_VALUES, VALUES, shown
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.invocation.marshalling import encode

marshaller = pytest.importorskip("awslambdaric.lambda_runtime_marshaller")


def judged(value: Any, runtime: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_{runtime}")
    try:
        return marshaller.LambdaMarshaller().marshal_response(value)[0]
    except Exception as error:
        return str(error.msg)  # type: ignore[attr-defined]  # A FaultException, which has it.


@pytest.mark.parametrize("runtime", ["python3.11", "python3.12", "python3.14"])
@pytest.mark.parametrize("value", [value for value, _ in (*VALUES, *NO_VALUES)], ids=shown)
def test_return_values(value: Any, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        text = encode(value, runtime)
    except Exception as error:
        text = f"Unable to marshal response: {error}"
    expected = judged(value, runtime, monkeypatch)
    if expected.startswith("Unable to marshal response: maximum recursion depth exceeded"):
        expected = expected.partition(" exceeded")[0]  # Python's versions say in different words where that happened.
        text = text.partition(" exceeded")[0]
    assert text == expected


def test_bytes_are_sent_as_they_are(lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    lambda_esm.function("f", lambda event, context: b"\x00raw\xff")
    answer = boto3.client("lambda", region_name="us-east-1").invoke(FunctionName="f")
    assert answer["Payload"].read() == judged(b"\x00raw\xff", "python3.12", monkeypatch)


def test_error_payloads(lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(event: Any, context: Any) -> None:
        raise ValueError("ü")

    lambda_esm.function("f", handler)
    payload = boto3.client("lambda", region_name="us-east-1").invoke(FunctionName="f")["Payload"].read()
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12")
    assert payload.decode() == marshaller.to_json(json.loads(payload))
