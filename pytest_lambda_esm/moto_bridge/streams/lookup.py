"""Finds streams by their ARN: those of Kinesis and DynamoDB in moto, and those of sources that moto lacks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Protocol

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.mappings.mapping import Mapping as EventSourceMapping
from pytest_lambda_esm.moto_bridge.lookups import is_used
from pytest_lambda_esm.sources.stream_ports import MappingStreams, Stream, Streams, Trouble

_IN_MOTO: Final = MappingProxyType({"kinesis": "MotoStreams", "dynamodb": "MotoTableStreams"})
"""The classes that find streams in moto; each is in the file of its service, which few tests need."""


@cache
def _streams_in_moto(service: str) -> Streams:
    streams: Streams = getattr(_file(service), _IN_MOTO[service])()
    return streams


def _file(service: str) -> Any:
    return import_module(f"pytest_lambda_esm.moto_bridge.streams.{service}")


def shift(microseconds: int) -> None:
    """Move the times of all stored records: they were written in real time, and are read in virtual time."""
    for service in _IN_MOTO:
        if is_used(service):
            _file(service).shift(microseconds)


class EmbeddedStreams(Streams, Protocol):
    """The streams of a source that moto lacks."""

    def read_by(self, mapping: EventSourceMapping) -> MappingStreams:
        """Return the streams as a mapping reads them."""
        ...


class AllStreams:
    """Finds streams by the service in their ARN. ``embedded`` are the sources that moto lacks, by their services."""

    def __init__(self, embedded: Mapping[str, EmbeddedStreams]) -> None:
        self._embedded = embedded

    def serves(self, arn: str) -> bool:
        """Whether an ARN has the form of a stream's, whether or not the stream exists."""
        parsed = Arn.parse(arn)
        return parsed is not None and (parsed.service in _IN_MOTO or parsed.service in self._embedded)

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
        if not service:
            return None
        streams = _streams_in_moto(service[0]) if service[0] in _IN_MOTO else self._embedded.get(service[0])
        return streams.find(arn) if streams is not None else None
