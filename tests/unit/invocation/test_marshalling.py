"""Return values as JSON, without the rest of an invocation."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.return_values import NO_VALUES, VALUES, shown
from pytest_lambda_esm.invocation.marshalling import encode
from pytest_lambda_esm.invocation.result import LARGEST_RESPONSE, exit_status, returned


@pytest.mark.parametrize(("value", "text"), VALUES, ids=shown)
def test_values(value: Any, text: str) -> None:
    assert encode(value, "python3.12") == text


@pytest.mark.parametrize(("value", "message"), NO_VALUES, ids=shown)
def test_values_without_json(value: Any, message: str) -> None:
    result = returned(value, "id")
    assert result.error is not None
    assert (result.error.type, result.error.message) == (
        "Runtime.MarshalError",
        f"Unable to marshal response: {message}",
    )


@pytest.mark.parametrize(("runtime", "text"), [("python3.11", '"\\u00fc\\ud800"'), ("python3.9", '"\\u00fc\\ud800"')])
def test_older_runtimes_escape(runtime: str, text: str) -> None:
    assert encode("ü\ud800", runtime) == text


def test_the_limit_counts_bytes() -> None:
    """As many characters as fit, each of two bytes, do not fit."""
    letters = (LARGEST_RESPONSE - 2) // 2
    assert returned("é" * letters, "id").error is None
    too_large = returned("é" * (letters + 1), "id")
    assert too_large.error is not None
    assert too_large.error.type == "Function.ResponseSizeTooLarge"
    assert returned("é" * (LARGEST_RESPONSE // 6), "id", "python3.11").error is None
    escaped = returned("é" * (LARGEST_RESPONSE // 6), "id", "python3.11")
    assert len(escaped.text) == LARGEST_RESPONSE // 6 * 6 + 2
    assert returned(b"x" * LARGEST_RESPONSE, "id").error is None
    assert returned(b"x" * (LARGEST_RESPONSE + 1), "id").error is not None


def test_bytes_are_read_back_as_json_where_they_are() -> None:
    assert returned(b'{"a": 1}', "id").value == {"a": 1}
    assert returned(b"\x00raw", "id").value == b"\x00raw"
    assert returned(b"\xff", "id").text == "\ufffd"


STATUSES = (
    (None, 0),
    (0, 0),
    (False, 0),
    (1, 1),
    (True, 1),
    ("text", 1),
    (1.5, 1),
    ((), 1),
    (3, 3),
    (256, 0),
    (259, 3),
)


@pytest.mark.parametrize(
    ("code", "status"),
    [*STATUSES, (-1, 255), (2**40, 0), (2**70, 255), (-(2**70), 255)],
)
def test_exit_status(code: object, status: int) -> None:
    assert exit_status(code) == status
