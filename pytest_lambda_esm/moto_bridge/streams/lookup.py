"""Finds streams by their ARN: those of Kinesis and DynamoDB in moto, and those of sources that moto lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.mappings.mapping import Mapping as EventSourceMapping
from pytest_lambda_esm.moto_bridge.streams import dynamodb, kinesis
from pytest_lambda_esm.sources.stream_ports import MappingStreams, Stream, Streams, Trouble


class EmbeddedStreams(Streams, Protocol):
    """The streams of a source that moto lacks."""

    def read_by(self, mapping: EventSourceMapping) -> MappingStreams:
        """Return the streams as a mapping reads them."""
        ...


class AllStreams:
    """Finds streams by the service in their ARN. ``embedded`` are the sources that moto lacks, by their services."""

    _by_service: ClassVar[dict[str, Streams]] = {
        "kinesis": kinesis.MotoStreams(),
        "dynamodb": dynamodb.MotoTableStreams(),
    }

    def __init__(self, embedded: Mapping[str, EmbeddedStreams]) -> None:
        self._embedded = embedded

    def serves(self, arn: str) -> bool:
        """Whether an ARN has the form of a stream's, whether or not the stream exists."""
        parsed = Arn.parse(arn)
        return parsed is not None and (parsed.service in self._by_service or parsed.service in self._embedded)

    def read_by(self, mapping: EventSourceMapping) -> MappingStreams:
        """Return the streams as a mapping reads them."""
        parsed = Arn.parse(mapping.source_arn)
        embedded = self._embedded.get(parsed.service) if parsed is not None else None
        return embedded.read_by(mapping) if embedded is not None else self

    def trouble(self) -> Trouble | None:
        """Return None: nothing keeps a mapping from reading a stream in moto."""
        return None

    def find(self, arn: str) -> Stream | None:
        """Return the stream, or None if it does not exist."""
        service = arn.split(":", 3)[2:3]
        streams = self._by_service.get(service[0]) or self._embedded.get(service[0]) if service else None
        return streams.find(arn) if streams is not None else None
