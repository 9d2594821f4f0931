"""Schemas that read and write values: Avro and JSON Schema here, Protobuf in ``protobuf_schemas.py``.

Their libraries belong to the extra ``kafka`` and are imported when the first schema needs them. A decoded value is
JSON, as Lambda passes it to filters, and to functions with ``EventRecordFormat`` JSON.
"""

from __future__ import annotations

import importlib
import io
import json
import math
from typing import Any, Final, Protocol

from pytest_lambda_esm.errors import NotSimulated

AVRO: Final = "AVRO"
PROTOBUF: Final = "PROTOBUF"
JSON: Final = "JSON"
FORMATS: Final = (AVRO, PROTOBUF, JSON)

EXTRA: Final = 'pip install "pytest-lambda-esm[kafka]"'


class InvalidSchema(ValueError):
    """The definition of a schema cannot be used; the text says why."""


class InvalidValue(ValueError):
    """A value does not fit its schema, or bytes cannot be read with it; the text says why."""


class Schema(Protocol):
    """A schema. Both methods raise InvalidValue.

    The bytes are those behind the header of a registry's wire format. For Protobuf they begin with the place of the
    message's type in the schema.
    """

    def encode(self, value: Any, message: str | None) -> bytes:
        """Return a value as bytes. ``message`` is the type of a Protobuf message, by default the schema's first one."""
        ...

    def decode(self, payload: bytes) -> bytes:
        """Return the JSON of a value that was encoded."""
        ...


def library(module: str, data_format: str) -> Any:
    """Import a library of the extra ``kafka``. Raises NotSimulated where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise NotSimulated(
            f"schemas of the format {data_format} need {module.partition('.')[0]}, which cannot be imported ({error})."
            f" Install the extra of this package: {EXTRA}"
        ) from error


def compact(value: Any) -> bytes:
    """Return the JSON of a value, without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parsed(definition: str) -> Any:
    """Return the definition of a schema that is written in JSON. Raises InvalidSchema."""
    try:
        return json.loads(definition)
    except ValueError as error:
        raise InvalidSchema(f"the definition is not JSON: {error}") from None


def refuse_message(message: str | None, data_format: str) -> None:
    """Raise InvalidValue if a message type is named for a format that has none."""
    if message is not None:
        raise InvalidValue(f"message={message!r} is for Protobuf; the schema's format is {data_format}")


class AvroSchema:
    """An Avro schema.

    The JSON of a value has its underlying types: a date is a number of days, bytes are text in ISO-8859-1, and
    the name of the type of a union's value is left out.
    """

    def __init__(self, definition: str) -> None:
        self._fastavro = library("fastavro", AVRO)
        declared = parsed(definition)
        try:
            self._writes = self._fastavro.parse_schema(declared)
            self._reads = self._fastavro.parse_schema(_without_logical_types(parsed(definition)))
        except Exception as error:  # fastavro raises errors of several kinds.
            raise InvalidSchema(f"fastavro refuses the definition: {_text(error)}") from error

    def encode(self, value: Any, message: str | None) -> bytes:
        """Return a value as bytes. Fields without a default must be present, and no other fields."""
        refuse_message(message, AVRO)
        buffer = io.BytesIO()
        try:
            self._fastavro.schemaless_writer(buffer, self._writes, value, strict_allow_default=True)
        except Exception as error:
            raise InvalidValue(f"the value does not fit the Avro schema: {_text(error)}") from error
        return buffer.getvalue()

    def decode(self, payload: bytes) -> bytes:
        """Return the JSON of a value."""
        try:
            return compact(_plain(self._fastavro.schemaless_reader(io.BytesIO(payload), self._reads, None)))
        except Exception as error:
            raise InvalidValue(f"the bytes do not fit the Avro schema: {_text(error)}") from error


class JsonSchema:
    """A JSON Schema; the validator is that of its ``$schema``, by default of draft 7. Nothing is fetched."""

    def __init__(self, definition: str) -> None:
        jsonschema = library("jsonschema", JSON)
        specifications = library("jsonschema_specifications", JSON)
        declared = parsed(definition)
        validator = jsonschema.validators.validator_for(declared, default=jsonschema.Draft7Validator)
        try:
            validator.check_schema(declared)
        except jsonschema.SchemaError as error:
            raise InvalidSchema(f"the definition is not a JSON Schema: {error.message}") from error
        self._validator = validator(declared, registry=specifications.REGISTRY)

    def encode(self, value: Any, message: str | None) -> bytes:
        """Return a value as JSON."""
        refuse_message(message, JSON)
        self._check(value)
        try:
            return compact(value)
        except (TypeError, ValueError) as error:
            raise InvalidValue(f"JSON cannot express the value: {error}") from error

    def decode(self, payload: bytes) -> bytes:
        """Return the bytes if they are JSON that fits the schema."""
        try:
            value = json.loads(payload)
        except ValueError as error:
            raise InvalidValue(f"the bytes are not JSON: {error}") from error
        self._check(value)
        return payload

    def _check(self, value: Any) -> None:
        try:
            found = next(self._validator.iter_errors(value), None)
        except Exception as error:  # A reference that leads nowhere; the library's error for it is private.
            raise InvalidValue(f"the value cannot be checked: {_text(error)}") from error
        if found is not None:
            raise InvalidValue(f"the value does not fit the JSON Schema: {found.message} at {found.json_path}")


def _without_logical_types(declared: Any) -> Any:
    if isinstance(declared, dict):
        return {name: _without_logical_types(part) for name, part in declared.items() if name != "logicalType"}
    return [_without_logical_types(part) for part in declared] if isinstance(declared, list) else declared


def _plain(value: Any) -> Any:
    """Return a value of Avro as JSON can express it."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode("iso-8859-1")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
