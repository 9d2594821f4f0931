"""A schema registry like Confluent's, which a test fills.

Follows the page "Formats, Serializers, and Deserializers" of Confluent's Schema Registry: a header has five bytes, zero
and the id of the schema, and the same schema has the same id under all subjects.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Final

from pytest_lambda_esm.brokers.kafka.protobuf_schemas import ConfluentPlaces
from pytest_lambda_esm.brokers.kafka.registry import SchemaRegistry, Version
from pytest_lambda_esm.errors import ConfigurationError

_HEADER: Final = struct.Struct(">bI")


class ConfluentRegistry(SchemaRegistry):
    """A registry with schemas of its own, which have ids from 1."""

    _places = ConfluentPlaces()

    def __init__(self, uri: str, changed: Callable[[], None]) -> None:
        super().__init__(uri, changed)
        self._versions: list[Version] = []
        self._latest_of: dict[str, Version] = {}

    def _store(self, call: str, subject: str, definition: str, data_format: str) -> Version:
        __tracebackhide__ = True
        latest = self._latest_of.get(subject)
        if latest is not None and latest.data_format != data_format:
            raise ConfigurationError(f"{call}: the subject has schemas of the type {latest.data_format}")
        same = (each for each in self._versions if each[1:] == (definition, data_format))
        version = next(same, None)
        if version is None:
            version = Version(len(self._versions) + 1, definition, data_format)
            self._versions.append(version)
        self._latest_of[subject] = version
        return version

    def _latest(self, subject: str) -> Version | None:
        return self._latest_of.get(subject)

    def _find(self, schema_id: int | str) -> Version | None:
        return next((each for each in self._versions if each.schema_id == schema_id), None)

    def _subjects(self) -> Iterable[str]:
        return self._latest_of

    def _frame(self, schema_id: int | str, payload: bytes) -> bytes:
        return _HEADER.pack(0, schema_id) + payload

    def _unframe(self, data: bytes) -> tuple[int | str, bytes]:
        if len(data) < _HEADER.size or data[0] != 0:
            raise ValueError("the bytes do not begin with the header of a Confluent schema registry: 0 and 4 bytes")
        _, schema_id = _HEADER.unpack_from(data)
        return schema_id, data[_HEADER.size :]
