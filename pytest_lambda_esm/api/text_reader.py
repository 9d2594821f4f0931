"""From text (URI, query string, headers) to the types of the service model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.api.api_error import ApiError
from pytest_lambda_esm.api.json_reader import SCALARS, mismatch


def _text_integer(kind: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text[1:] if text[:1] in {"-", "+"} else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
            raise mismatch(text, kind)
        return int(SCALARS[kind](int(text)))

    return read


def _text_number(kind: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return float(SCALARS[kind](float(text)))
        except ValueError as error:
            raise mismatch(text, kind) from error

    return read


def _text_boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise mismatch(text, "boolean")
    return text.lower() == "true"


def _text_timestamp(text: str) -> float:
    """Read the forms in which timestamps travel outside of bodies: ISO 8601, RFC 822, epoch seconds."""
    for read in (float, _iso_8601, _rfc_822):
        try:
            return float(SCALARS["timestamp"](read(text)))
        except (ApiError, ValueError, TypeError, OverflowError):
            continue
    raise mismatch(text, "timestamp")


def _iso_8601(text: str) -> float:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _rfc_822(text: str) -> float:
    return parsedate_to_datetime(text).timestamp()


TEXTS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "blob": str.encode,
        "boolean": _text_boolean,
        "double": _text_number("double"),
        "float": _text_number("float"),
        "integer": _text_integer("integer"),
        "long": _text_integer("long"),
        "string": str,
        "timestamp": _text_timestamp,
    }
)
"""The reader by type name. Each returns the value or raises SerializationException."""
