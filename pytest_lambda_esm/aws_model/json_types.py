"""JSON values to the types of the service model, and back.

AWS's front end ignores what it does not know (it drops members that the model lacks, and ``null`` means absent) and is
strict about types. Its messages for wrong types (``STRING_VALUE can not be converted to an Integer`` ...) are recorded
for other services with the same front end; for Lambda, and for a body that is not JSON, they are chosen.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NoReturn

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pytest_lambda_esm.aws_model.errors import ApiError, unreadable

Read = Callable[[Any], Any]
"""Converts a JSON value that is not null to a value of the model's type; raises SerializationException."""

Write = Callable[[Any], Any]
"""Converts a value that is not None to what ``json.dumps`` takes."""


# --- documents -------------------------------------------------------------------------------------------


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a body, None for an empty one. Raises SerializationException for other texts."""
    if not body or body.isspace():
        return None
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise unreadable(f"Could not parse request body into json: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def to_json(value: Any) -> bytes:
    """Return a compact JSON document."""
    return json.dumps(value, separators=(",", ":")).encode()


# --- reading ---------------------------------------------------------------------------------------------


class JsonReader:
    """Reads JSON values as the model's types. Prepares each structure once, on first use."""

    def __init__(self) -> None:
        self._structures: dict[str, Read] = {}

    def reader(self, shape: Shape) -> Read:
        """Return the reader of JSON values of this shape."""
        if isinstance(shape, StructureShape):
            return self.structure(shape, shape.members)
        if isinstance(shape, ListShape):
            return _read_list(self.reader(shape.member))
        if isinstance(shape, MapShape):
            return _read_map(self.reader(shape.value))
        return SCALARS[shape.type_name]

    def structure(self, shape: StructureShape, members: Mapping[str, Shape]) -> Read:
        """Return the reader of JSON objects as a structure with these members."""
        if shape.name not in self._structures:
            fields: dict[str, tuple[str, Read]] = {}

            def read(value: Any) -> dict[str, Any]:
                if type(value) is not dict:
                    raise mismatch(value, "structure")
                result = {}
                for key, item in value.items():
                    if item is not None and key in fields:
                        name, read_member = fields[key]
                        result[name] = read_member(item)
                return result

            # Registered before its fields are known, because a structure may contain itself.
            self._structures[shape.name] = read
            for name, member in members.items():
                fields[member.serialization.get("name", name)] = name, self.reader(member)
        return self._structures[shape.name]


def _read_list(read_item: Read) -> Read:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise mismatch(value, "list")
        # A null in a list is kept, and the constraints refuse it.
        return [None if item is None else read_item(item) for item in value]

    return read


def _read_map(read_item: Read) -> Read:
    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise mismatch(value, "map")
        return {key: None if item is None else read_item(item) for key, item in value.items()}

    return read


_INTEGER_BITS: Final = {"integer": 31, "long": 63}
_JAVA_NAMES: Final = {
    "blob": "a ByteBuffer",
    "boolean": "a Boolean",
    "double": "a Double",
    "float": "a Float",
    "integer": "an Integer",
    "long": "a Long",
    "string": "a String",
    "timestamp": "a Date",
}


def mismatch(value: Any, kind: str) -> ApiError:
    """Return the SerializationException for a JSON value (not null) of another type than the model's."""
    if isinstance(value, list):
        return unreadable("Start of list found where not expected.")
    if isinstance(value, dict):
        return unreadable("Start of structure or map found where not expected.")
    if kind == "list":
        return unreadable("Expected list or null")
    if kind in {"structure", "map"}:
        return unreadable("Expected null")
    if isinstance(value, bool):
        return unreadable(f"{str(value).upper()}_VALUE can not be converted to {_JAVA_NAMES[kind]}")
    token = "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
    return unreadable(f"{token} can not be converted to {_JAVA_NAMES[kind]}")


def _read_integer(kind: str) -> Read:
    limit = 1 << _INTEGER_BITS[kind]

    def read(value: Any) -> int:
        if type(value) is not int or not -limit <= value < limit:
            raise mismatch(value, kind)
        return value

    return read


def _read_number(kind: str) -> Read:
    def read(value: Any) -> float:
        if type(value) not in (int, float) or not math.isfinite(number := _as_float(value)):
            raise mismatch(value, kind)
        return number

    return read


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _read_string(value: Any) -> str:
    if type(value) is not str:
        raise mismatch(value, "string")
    return value


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise mismatch(value, "boolean")
    return value


def _read_blob(value: Any) -> bytes:
    if type(value) is not str:
        raise mismatch(value, "blob")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise mismatch(value, "blob") from error


SCALARS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        "blob": _read_blob,
        "boolean": _read_boolean,
        "double": _read_number("double"),
        "float": _read_number("float"),
        "integer": _read_integer("integer"),
        "long": _read_integer("long"),
        "string": _read_string,
        "timestamp": _read_number("timestamp"),
    }
)
"""The reader of each scalar type, by type name."""


# --- writing ---------------------------------------------------------------------------------------------


class JsonWriter:
    """Writes values of shapes as JSON values. Prepares each structure once, on first use."""

    def __init__(self) -> None:
        self._structures: dict[str, Callable[[Any], dict[str, Any]]] = {}

    def writer(self, shape: Shape) -> Write:
        """Return the writer of values of this shape."""
        if isinstance(shape, StructureShape):
            return self.structure(shape)
        if isinstance(shape, ListShape):
            write_item = self.writer(shape.member)
            return lambda value: [None if item is None else write_item(item) for item in value]
        if isinstance(shape, MapShape):
            write_value = self.writer(shape.value)
            return lambda value: {key: write_value(item) for key, item in value.items() if item is not None}
        return _SCALAR_WRITERS.get(shape.type_name, _unchanged)

    def structure(self, shape: StructureShape) -> Callable[[Any], dict[str, Any]]:
        """Return the writer of those members of a structure that are in the body."""
        if shape.name not in self._structures:
            fields: dict[str, tuple[str, Write]] = {}

            def write(value: Any) -> dict[str, Any]:
                result = {}
                for name, item in value.items():
                    if item is not None:
                        wire_name, write_member = fields.get(name, (name, _unchanged))
                        result[wire_name] = write_member(item)
                return result

            # Registered before its fields are known, because a structure may contain itself.
            self._structures[shape.name] = write
            for name, member in shape.members.items():
                fields[name] = member.serialization.get("name", name), self.writer(member)
        return self._structures[shape.name]


def epoch_seconds(moment: datetime | float) -> float | int:
    """Return seconds since the epoch, an int if whole. Raises ValueError for a datetime without a time zone."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"a timestamp needs a time zone: {moment!r}")
        moment = moment.timestamp()
    return int(moment) if moment == int(moment) else moment


def _unchanged(value: Any) -> Any:
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


_SCALAR_WRITERS: Final[Mapping[str, Write]] = MappingProxyType({"timestamp": epoch_seconds, "blob": _base64})
