"""Payloads that are no JSON, in the words of the parser that AWS uses.

The texts of ``n\\x87...`` and ``\\x99...`` are recorded, with their line and column. The others follow published texts
of the same parser.
"""

from __future__ import annotations

import base64

import pytest

from pytest_lambda_esm.api.payload import NotJson, client_context, read

VALUE = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
SOURCE = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"

REFUSED = (
    (b'"\x87"', "Invalid UTF-8 start byte 0x87", (1, 3)),
    (b"\x99", f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value ({VALUE})", (1, 1)),
    (b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "Invalid UTF-8 start byte 0x87", (1, 3)),
    (
        b"\x99\xeb,j\x07\xa1zYh",
        f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value ({VALUE})",
        (1, 1),
    ),
    (b'{"a":\n \x99}', f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value ({VALUE})", (2, 2)),
    (b'["\xe9x"]', "Invalid UTF-8 middle byte 0xe9", (1, 4)),
    (b'["a", tru\x80]', "Invalid UTF-8 start byte 0x80", (1, 11)),
    (b"what \x87", f"Unrecognized token 'what': was expecting ({VALUE})", (1, 5)),
    (b"\x00", f"Unexpected character ((CTRL-CHAR, code 0)): expected a valid value ({VALUE})", (1, 1)),
    (b"nonsense", f"Unrecognized token 'nonsense': was expecting ({VALUE})", (1, 9)),
    (b"NaN", f"Unrecognized token 'NaN': was expecting ({VALUE})", (1, 4)),
    (b"{a: 1}", "Unexpected character ('a' (code 97)): was expecting double-quote to start field name", (1, 2)),
    (b'{"a":\n }', f"Unexpected character ('}}' (code 125)): expected a valid value ({VALUE})", (2, 2)),
    (b'{"a": 1', "Unexpected end-of-input", (1, 8)),
    (b'"open', "Unexpected end-of-input in VALUE_STRING", (1, 6)),
)


@pytest.mark.parametrize(("payload", "text", "place"), REFUSED, ids=lambda value: repr(value)[:20])
def test_refused(payload: bytes, text: str, place: tuple[int, int]) -> None:
    with pytest.raises(NotJson) as caught:
        read(payload)
    assert str(caught.value) == text + SOURCE.format(*place)


@pytest.mark.parametrize(
    ("payload", "text"),
    [(b"", "{}"), (b"  ", "{}"), (b"null", "null"), (b' {"a":  1}', ' {"a":  1}'), ("é".join('""').encode(), '"é"')],
)
def test_read(payload: bytes, text: str) -> None:
    assert read(payload) == text


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"a": ' * 1001 + b"1" + b"}" * 1001])
def test_too_deep(payload: bytes) -> None:
    with pytest.raises(NotJson, match=r"Document nesting depth \(1001\) exceeds"):
        read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"1" * 1000,
        b"-0." + b"1" * 999,
        b"1e999999999",
        b'{"digits": "' + b"1" * 5000 + b'"}',
        b'["' + b"[" * 2000 + rb"\"" + b"[" * 2000 + b'"]',
        b"[" + b"[]," * 2000 + b"[]]",
        b"[" + b"1," * 2000 + b"1]",
    ],
    ids=range(7),
)
def test_within_the_limits(payload: bytes) -> None:
    assert read(payload) == payload.decode()


@pytest.mark.parametrize("payload", [b"1" * 1001, b'["1", ' + b"1" * 5000 + b"]", b"0." + b"1" * 1001], ids=range(3))
def test_a_number_that_is_too_long(payload: bytes) -> None:
    with pytest.raises(NotJson, match=r"Number value length \(\d+\) exceeds the maximum allowed \(1000, from"):
        read(payload)


def test_a_client_context_that_is_nested_too_deeply() -> None:
    with pytest.raises(NotJson, match="valid Base64-encoded JSON object"):
        client_context(base64.b64encode(b"[" * 100_000).decode())
