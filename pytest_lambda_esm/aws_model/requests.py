"""Reads the input of an operation from the URI, query string, headers and body of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final

from botocore.model import ListShape, OperationModel, Shape

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.json_types import SCALARS, JsonReader, Read, mismatch, parse_json


@dataclass(frozen=True, slots=True)
class RequestReader:
    """Reads one operation's requests. A located member is (name in the request, member name, reader).

    The body is one member as it is (``raw_body``), one member as JSON (``json_member``), or all other members as JSON.
    """

    uri: tuple[tuple[str, Callable[[str], Any]], ...]
    query: tuple[tuple[str, str, Callable[[Sequence[str]], Any]], ...]
    headers: tuple[tuple[str, str, Callable[[str], Any]], ...]
    raw_body: str | None
    json_body: Read | None
    json_member: str | None

    @classmethod
    def of(cls, operation: OperationModel, json_reader: JsonReader) -> RequestReader:
        """Return the reader of an operation."""
        shape = operation.input_shape
        members = shape.members if shape else {}
        payload = shape.serialization.get("payload") if shape else None
        located: dict[str | None, list[tuple[str, str, Shape]]] = {}
        for name, member in members.items():
            traits = member.serialization
            located.setdefault(traits.get("location"), []).append((traits.get("name", name), name, member))
        raw_body = payload if payload and members[payload].type_name == "blob" else None
        body = {name: member for _, name, member in located.get(None, []) if name != payload}
        json_body = None
        if payload is not None and raw_body is None:
            json_body = json_reader.reader(members[payload])
        elif shape and body and payload is None:
            json_body = json_reader.structure(shape, body)
        return cls(
            uri=tuple((name, _TEXT_READERS[member.type_name]) for _, name, member in located.get("uri", [])),
            query=tuple((wire, name, _query_reader(member)) for wire, name, member in located.get("querystring", [])),
            headers=tuple(
                (wire.lower(), name, _TEXT_READERS[member.type_name])
                for wire, name, member in located.get("header", [])
            ),
            raw_body=raw_body,
            json_body=json_body,
            json_member=payload if raw_body is None else None,
        )

    def read(
        self,
        *,
        uri: Mapping[str, str],
        query: Mapping[str, Sequence[str]],
        headers: Mapping[str, str | bytes],
        body: bytes,
    ) -> dict[str, Any]:
        """Return the members that a request has, by member name. Raises SerializationException."""
        params: dict[str, Any] = {name: read(uri[name]) for name, read in self.uri if name in uri}
        for wire_name, name, read_query in self.query:
            if texts := query.get(wire_name):
                params[name] = read_query(texts)
        if self.headers:
            sent = {key.lower(): _decoded(value) for key, value in headers.items()}
            params.update((name, read(sent[wire])) for wire, name, read in self.headers if wire in sent)
        if self.raw_body is not None:
            if body:
                params[self.raw_body] = bytes(body)
        elif self.json_body is not None and (value := parse_json(body)) is not None:
            content = self.json_body(value)
            params.update(content if self.json_member is None else {self.json_member: content})
        return params


def _query_reader(shape: Shape) -> Callable[[Sequence[str]], Any]:
    if isinstance(shape, ListShape):
        read_item = _TEXT_READERS[shape.member.type_name]
        return lambda texts: [read_item(text) for text in texts]
    read = _TEXT_READERS[shape.type_name]
    return lambda texts: read(texts[0])


def _decoded(value: str | bytes) -> str:
    # botocore leaves some header values of prepared requests as bytes.
    return value.decode("latin-1") if isinstance(value, bytes) else value


# --- values outside of bodies ------------------------------------------------------------------------------


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
    """Read a timestamp in one of the formats outside of bodies: epoch seconds, ISO 8601 or RFC 822."""
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


_TEXT_READERS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
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
"""The reader of each scalar type, by type name; raises SerializationException."""
