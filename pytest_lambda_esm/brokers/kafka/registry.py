"""Schema registries: what a test registers and encodes with, and what a poller reads records with.

Two kinds differ in where their schemas are and in how a record names its schema: ``confluent_registry.py`` and
``glue_registry.py``.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pytest_lambda_esm.brokers.embedded import EmbeddedSource
from pytest_lambda_esm.brokers.kafka.protobuf_schemas import Places, ProtobufSchema
from pytest_lambda_esm.brokers.kafka.schema_codecs import (
    FORMATS,
    PROTOBUF,
    AvroSchema,
    InvalidSchema,
    InvalidValue,
    JsonSchema,
    Schema,
)
from pytest_lambda_esm.errors import ConfigurationError, nearest

SCHEMA_NOT_FOUND: Final = "SCHEMA_NOT_FOUND"
DESERIALIZATION_ERROR: Final = "DESERIALIZATION_ERROR"

ACCESS_TYPES: Final = (
    "BASIC_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "OAUTHBEARER_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
)
"""The types of ``AccessConfigs``."""


_KEPT: Final = 1000
"""How many readings a registry keeps: a record is read for its filters, its size and its event."""


class Version(NamedTuple):
    """One version of a schema, with the id that records carry."""

    schema_id: int | str
    definition: str
    data_format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a registry read from a record's key or value.

    ``condition`` is why it could not, as AWS calls it, with a text in ``about``; empty if it could. ``source`` are the
    bytes behind the header, ``json`` is the value as JSON. ``schema_id`` is text, as in an event.
    """

    condition: str = ""
    about: str = ""
    data_format: str = ""
    schema_id: str = ""
    source: bytes = b""
    json: bytes = b""


class SchemaRegistry(EmbeddedSource, ABC):
    """A schema registry, from ``cluster.schema_registry(...)``.

    Schemas are of the formats ``"AVRO"``, ``"PROTOBUF"`` and ``"JSON"``. They need the extra of this package:
    ``pip install "pytest-lambda-esm[kafka]"``.
    """

    noun = "a registry"

    def __init__(self, uri: str, changed: Callable[[], None]) -> None:
        super().__init__()
        self._uri = uri
        self.listen(changed)
        self._required: str | None = None
        self._compiled: dict[int | str, tuple[Version, Schema]] = {}
        self._recent: dict[bytes, Reading] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._uri}>"

    @property
    def uri(self) -> str:
        """Its URL or ARN, for ``SchemaRegistryURI``."""
        return self._uri

    def register(self, subject: str, schema: str | dict[str, Any] | list[Any], type: str = "AVRO") -> int | str:
        """Register a schema under a subject, and return its id; the same schema has the same id.

        ``schema`` is the text of the definition, or for Avro and JSON Schema also an object. A further schema is the
        subject's new version. With Glue, ``subject`` is the name of the schema, and the id is that of the version.
        Raises ConfigurationError for a definition that is not valid, and NotSimulated without the extra ``kafka``.
        """
        __tracebackhide__ = True
        call = f"register({subject!r}, ..., {type!r})"
        self._check_use(call, subject)
        if type not in FORMATS:
            raise ConfigurationError(f"{call}: there is no such type. {nearest(type, FORMATS)}")
        if not isinstance(schema, str) and (type == PROTOBUF or not isinstance(schema, (dict, list))):
            raise ConfigurationError(f"{call}: a schema is the text of its definition, not {schema!r:.100}")
        definition = schema if isinstance(schema, str) else json.dumps(schema)
        try:
            compiled = self._compile(definition, type)
        except InvalidSchema as error:
            raise ConfigurationError(f"{call}: {error}") from error
        version = self._store(call, subject, definition, type)
        self._compiled[version.schema_id] = version, compiled
        return version.schema_id

    def encode(self, subject: str, value: Any, *, message: str | None = None) -> bytes:
        """Return a value in the registry's wire format, as its serializers write it, for a record's key or value.

        The schema is the latest one of the subject. A value of Avro and JSON Schema is an object; one of Protobuf is
        an object as Protobuf's JSON has it, or a message of a generated class, and ``message`` is its type, by default
        the first of the schema. Raises ConfigurationError for an unknown subject, and a value that does not fit.
        """
        __tracebackhide__ = True
        call = f"encode({subject!r}, ...)"
        self._check_use(call, subject)
        version = self._latest(subject)
        if version is None:
            known = list(self._subjects())
            hint = nearest(subject, known) if known else "It has no schema yet."
            raise ConfigurationError(f"{call}: {self!r} has no subject {subject!r}. {hint} register adds one.")
        try:
            payload = self._schema(version).encode(value, message)
        except (InvalidSchema, InvalidValue) as error:
            raise ConfigurationError(f"{call}: {error}") from error
        return self._frame(version.schema_id, payload)

    def require(self, access: str) -> None:
        """Accept only mappings whose ``AccessConfigs`` have this type, such as ``"BASIC_AUTH"``.

        Other mappings stop polling and show that Lambda has no credentials. Raises ConfigurationError for another type.
        """
        __tracebackhide__ = True
        self._check_open(f"require({access!r})")
        if access not in ACCESS_TYPES:
            raise ConfigurationError(f"AccessConfigs have no type {access!r}. {nearest(access, ACCESS_TYPES)}")
        self._required = access
        self.changed()

    # --- for pollers, of this package only ----------------------------------------------------------------

    def problem(self, access: Collection[str]) -> str | None:
        """Return why Lambda cannot use it with these types of access, or None.

        :meta private:
        """
        if self._required is not None and self._required not in access:
            return "credentials"
        return self._refusal

    def read(self, data: bytes) -> Reading:
        """Read a record's key or value. Raises NotSimulated without the extra ``kafka``.

        :meta private:
        """
        known = self._recent.get(data)
        if known is not None:
            return known
        reading = self._read(data)
        if not reading.condition:
            if len(self._recent) >= _KEPT:
                self._recent.clear()
            self._recent[data] = reading
        return reading

    # --- what the kinds differ in --------------------------------------------------------------------------

    _places: Places

    @abstractmethod
    def _store(self, call: str, subject: str, definition: str, data_format: str) -> Version:
        """Store a schema. Raises ConfigurationError where the subject has schemas of another format."""

    @abstractmethod
    def _latest(self, subject: str) -> Version | None:
        """Return the latest version of a subject."""

    @abstractmethod
    def _find(self, schema_id: int | str) -> Version | None:
        """Return the version with an id."""

    @abstractmethod
    def _subjects(self) -> Iterable[str]:
        """Return the names of all subjects."""

    @abstractmethod
    def _frame(self, schema_id: int | str, payload: bytes) -> bytes:
        """Return bytes with the header that names their schema."""

    @abstractmethod
    def _unframe(self, data: bytes) -> tuple[int | str, bytes]:
        """Return the id of the schema, and the bytes behind the header. Raises ValueError if there is no header."""

    # --- inside ------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> Reading:
        try:
            schema_id, payload = self._unframe(data)
        except ValueError as error:
            return Reading(condition=DESERIALIZATION_ERROR, about=str(error))
        version = self._version(schema_id)
        if version is None:
            return Reading(condition=SCHEMA_NOT_FOUND, about=f"the registry {self._uri} has no schema {schema_id}")
        try:
            document = self._schema(version).decode(payload)
        except (InvalidSchema, InvalidValue) as error:
            return Reading(condition=DESERIALIZATION_ERROR, about=str(error))
        return Reading(data_format=version.data_format, schema_id=str(schema_id), source=payload, json=document)

    def _check_use(self, call: str, subject: Any) -> None:
        __tracebackhide__ = True
        self._check_open(call)
        if not isinstance(subject, str) or not subject:
            raise ConfigurationError(f"{call}: a subject is a text, such as 'orders-value'")

    def _version(self, schema_id: int | str) -> Version | None:
        known = self._compiled.get(schema_id)  # A version never changes, and Lambda keeps the schemas that it has read.
        return known[0] if known is not None else self._find(schema_id)

    def _schema(self, version: Version) -> Schema:
        known = self._compiled.get(version.schema_id)
        if known is None:
            known = version, self._compile(version.definition, version.data_format)
            self._compiled[version.schema_id] = known
        return known[1]

    def _compile(self, definition: str, data_format: str) -> Schema:
        if data_format == PROTOBUF:
            return ProtobufSchema(definition, self._places)
        return AvroSchema(definition) if data_format == "AVRO" else JsonSchema(definition)
