"""JSON as AWS reads it: strict, and with repeated keys of patterns kept."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pytest_lambda_esm.filters.errors import InvalidPattern


class Members(tuple[tuple[str, Any], ...]):
    """The members of a JSON object in their order, repeated keys included."""

    __slots__ = ()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_PATTERN_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_constant=_refuse_constant)
_DATA_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def read_pattern(text: str) -> Any:
    """Parse a pattern; objects become ``Members``. Raises InvalidPattern for text that is not JSON."""
    try:
        return _PATTERN_DECODER.decode(text)
    except ValueError as error:
        raise InvalidPattern(f"the pattern is not JSON: {error}") from None
    except RecursionError:
        raise InvalidPattern("the pattern is nested too deeply") from None


def read_document(text: str) -> dict[str, Any] | list[Any] | None:
    """Parse a record's data: return its object or list, or None for any other text.

    A text such as ``123`` or ``"word"`` is valid JSON, too. It counts as plain text here, since the documentation of
    event filtering distinguishes plain strings and JSON with keys.
    """
    if text[:1] not in ("{", "["):
        text = text.lstrip(" \t\r\n")
        if text[:1] not in ("{", "["):
            return None
    try:
        document, end = _DATA_DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if end != len(text) and text[end:].strip(" \t\r\n"):
        return None
    found: dict[str, Any] | list[Any] = document
    return found


def show(value: Any) -> str:
    """Return a JSON value in one line, for reasons and explanations."""
    return json.dumps(_plain(value), ensure_ascii=False, default=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, Members):
        return {key: _plain(member) for key, member in value}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
