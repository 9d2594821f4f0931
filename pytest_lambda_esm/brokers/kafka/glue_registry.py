"""A schema registry of AWS Glue, whose schemas are in moto.

Follows AWS's open-source serializer (awslabs/aws-glue-schema-registry): a header has 18 bytes, the version 3, the
compression 0 or 5 (zlib), and the UUID of the schema's version.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Final, Protocol
from uuid import UUID

from pytest_lambda_esm.brokers.kafka.protobuf_schemas import GluePlaces
from pytest_lambda_esm.brokers.kafka.registry import SchemaRegistry, Version
from pytest_lambda_esm.errors import ConfigurationError

_HEADER_VERSION: Final = 3
_PLAIN: Final = 0
_ZLIB: Final = 5
_HEADER_SIZE: Final = 18


class GlueSchemas(Protocol):
    """The schemas of Glue, by the ARN of their registry."""

    def has_registry(self, registry: str) -> bool:
        """Whether a registry exists."""
        ...

    def names(self, registry: str) -> Iterable[str]:
        """Return the names of its schemas."""
        ...

    def latest(self, registry: str, name: str) -> Version | None:
        """Return the latest version of a schema."""
        ...

    def find(self, registry: str, version_id: str) -> Version | None:
        """Return the version of one of its schemas with an id."""
        ...

    def store(self, registry: str, name: str, definition: str, data_format: str) -> Version:
        """Create a schema, or a version of it."""
        ...


class GlueRegistry(SchemaRegistry):
    """A registry of AWS Glue."""

    _places = GluePlaces()

    def __init__(self, uri: str, changed: Callable[[], None], schemas: GlueSchemas) -> None:
        super().__init__(uri, changed)
        self._schemas = schemas

    def _store(self, call: str, subject: str, definition: str, data_format: str) -> Version:
        __tracebackhide__ = True
        latest = self._schemas.latest(self._uri, subject)
        if latest is not None and latest.data_format != data_format:
            raise ConfigurationError(f"{call}: the schema's versions have the type {latest.data_format}")
        return self._schemas.store(self._uri, subject, definition, data_format)

    def _latest(self, subject: str) -> Version | None:
        return self._schemas.latest(self._uri, subject)

    def _find(self, schema_id: int | str) -> Version | None:
        return self._schemas.find(self._uri, str(schema_id))

    def _subjects(self) -> Iterable[str]:
        return self._schemas.names(self._uri)

    def _frame(self, schema_id: int | str, payload: bytes) -> bytes:
        return bytes((_HEADER_VERSION, _PLAIN)) + UUID(str(schema_id)).bytes + payload

    def _unframe(self, data: bytes) -> tuple[int | str, bytes]:
        if len(data) < _HEADER_SIZE or data[0] != _HEADER_VERSION or data[1] not in (_PLAIN, _ZLIB):
            raise ValueError("the bytes do not begin with the header of a Glue schema registry: 3, 0 or 5, and a UUID")
        schema_id, payload = str(UUID(bytes=data[2:_HEADER_SIZE])), data[_HEADER_SIZE:]
        if data[1] == _PLAIN:
            return schema_id, payload
        try:
            return schema_id, zlib.decompress(payload)
        except zlib.error as error:
            raise ValueError(f"the bytes behind the header cannot be decompressed: {error}") from error
