"""The records of a mapping with a schema registry: whether they are valid, and how filters and functions see them.

Follows the page "Using schema registries with Kafka event sources in Lambda". Filters always see validated attributes
as JSON; a function gets them as JSON, or in their own format without the header that names the schema.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pytest_lambda_esm.sources import kafka
from pytest_lambda_esm.sources.kafka import RegistrySettings
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition, Registry, RegistryReading, StoredRecord

_MEMBERS: Final = {"KEY": "key", "VALUE": "value"}
_METADATA_SIZE: Final = 100
"""About how many bytes of an event the metadata of a key or a value takes."""


class InvalidRecord(NamedTuple):
    """Why a schema registry does not accept a record: the condition as AWS calls it, and a text."""

    condition: str
    about: str


@dataclass(frozen=True, slots=True)
class RecordSchemas:
    """Validates records. A record without a key, and one without a value, has nothing there to validate (chosen)."""

    settings: RegistrySettings
    registry: Registry

    def check(self, partition: KafkaPartition, offset: int) -> InvalidRecord | None:
        """Return why a record is not valid, or None. The key comes first (chosen)."""
        for name, reading in self._readings(partition.stored((offset,))[0]):
            if reading.condition:
                return InvalidRecord(reading.condition, f"the {name}: {reading.about}")
        return None

    def records(self, partition: KafkaPartition, offsets: Sequence[int]) -> list[dict[str, Any]]:
        """Return valid records as a function receives them.

        ``dataFormat`` is the format in which the attribute is delivered, since the consumers of Powertools for AWS
        Lambda refuse JSON that is declared as another format.
        """
        entries = kafka.records(partition, offsets)
        for entry, record in zip(entries, partition.stored(offsets), strict=True):
            for name, reading in self._readings(record):
                entry[name] = _base64(self._delivered(reading))
                entry[f"{name}SchemaMetadata"] = {
                    "dataFormat": "JSON" if self.settings.to_json else reading.data_format,
                    "schemaId": reading.schema_id,
                }
        return entries

    def for_filters(self, partition: KafkaPartition, offset: int) -> dict[str, Any]:
        """Return a valid record as filters see it."""
        (entry,) = self.records(partition, (offset,))
        for name, reading in self._readings(partition.stored((offset,))[0]):
            entry[name] = _base64(reading.json)
        return entry

    def size(self, partition: KafkaPartition, offset: int) -> int:
        """Return about how many bytes a valid record takes in an event."""
        record = partition.stored((offset,))[0]
        size = partition.size(offset)
        for name, reading in self._readings(record):
            size += _METADATA_SIZE + (len(self._delivered(reading)) - len(getattr(record, name))) * 4 // 3
        return size

    def _delivered(self, reading: RegistryReading) -> bytes:
        return reading.json if self.settings.to_json else reading.source

    def _readings(self, record: StoredRecord) -> Iterator[tuple[str, RegistryReading]]:
        for attribute, name in _MEMBERS.items():
            data = getattr(record, name)
            if attribute in self.settings.attributes and data is not None:
                yield name, self.registry.read(data)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
