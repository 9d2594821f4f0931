"""Reads the payload and the client context of an invocation.

What is not JSON is refused with the messages of Jackson, the parser that AWS uses.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from typing import Any, Final, NoReturn

from pytest_lambda_esm.api.payload_limits import beyond_limits, too_deep

_SOURCE: Final = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"
_VALUE: Final = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
_WORD: Final = re.compile(r"[A-Za-z0-9_$]+")
_TOKEN_AT_END: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*$")


class NotJson(Exception):
    """A payload is not JSON; the message is Jackson's."""


def read(payload: bytes) -> str:
    """Return the payload as JSON text, ``{}`` for an empty one (recorded). Raises NotJson."""
    if not payload.strip():
        return "{}"
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise NotJson(_undecodable(payload, error)) from None
    problem = beyond_limits(text)
    if problem is not None:
        raise NotJson(problem)
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise NotJson(_unparsable(text, error)) from None
    except RecursionError:
        raise NotJson(too_deep()) from None  # Python before 3.12 counts the levels of its stack, too.
    return text


def client_context(text: str) -> dict[str, Any]:
    """Return the members of a client context, which is a JSON object in base64. Raises NotJson."""
    try:
        value = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError, binascii.Error):
        value = None
    if not isinstance(value, dict):
        raise NotJson("Client context must be a valid Base64-encoded JSON object.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError("constant", "", 0)


def _undecodable(payload: bytes, error: UnicodeDecodeError) -> str:
    """Bytes that are not UTF-8. Where a value would begin, Jackson refuses the byte before decoding a character."""
    before = payload[: error.start].decode()
    earlier = _earlier_problem(before)
    if earlier is not None:
        return earlier
    byte = payload[error.start]
    in_string = _in_string(before)
    if not in_string and _TOKEN_AT_END.search(before) is None:
        return f"Unexpected character ({_shown(byte)}): expected a valid value ({_VALUE})\n at {_place(before)}"
    kind = "start" if error.reason == "invalid start byte" or not in_string else "middle"
    return f"Invalid UTF-8 {kind} byte 0x{byte:x}\n at {_place(before + '?')}"


def _earlier_problem(before: str) -> str | None:
    """Return the message for JSON that is broken before the first byte that is not UTF-8, or None."""
    try:
        json.loads(before, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        position = error.pos if error.msg != "constant" else _constant_at(before)
        rest = before[position:]
        word = _WORD.match(rest)
        read_to = position + (word.end() if word is not None else 1)
        if rest.strip() and read_to < len(before) and not error.msg.startswith("Unterminated string"):
            return _unparsable(before, error)
    return None


def _in_string(text: str) -> bool:
    return len(re.findall(r'(?<!\\)"', text)) % 2 == 1


def _shown(code: int) -> str:
    """Return a character as Jackson's messages show it."""
    return f"(CTRL-CHAR, code {code})" if unicodedata.category(chr(code)) == "Cc" else f"'{chr(code)}' (code {code})"


def _unparsable(text: str, error: json.JSONDecodeError) -> str:
    position = error.pos if error.msg != "constant" else _constant_at(text)
    rest = text[position:]
    if not rest.strip():
        return f"Unexpected end-of-input\n at {_place(text)}"
    if error.msg.startswith("Unterminated string"):
        return f"Unexpected end-of-input in VALUE_STRING\n at {_place(text)}"
    word = _WORD.match(rest)
    if word is not None and not rest[0].isdigit() and error.msg in ("Expecting value", "constant"):
        place = _place(text[: position + word.end()])
        return f"Unrecognized token '{word.group()}': was expecting ({_VALUE})\n at {place}"
    expected = f"expected a valid value ({_VALUE})"
    if error.msg.startswith("Expecting property name"):
        expected = "was expecting double-quote to start field name"
    return f"Unexpected character ({_shown(ord(rest[0]))}): {expected}\n at {_place(text[:position])}"


def _constant_at(text: str) -> int:
    found = re.search(r"-?Infinity|NaN", text)
    return found.start() if found is not None else 0


def _place(consumed: str) -> str:
    """Return Jackson's position after this text."""
    line = consumed.count("\n") + 1
    return _SOURCE.format(line, len(consumed) - consumed.rfind("\n"))
