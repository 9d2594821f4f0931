"""Finds Kinesis and DynamoDB streams in moto by their ARN."""

from __future__ import annotations

from typing import ClassVar

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.streams import dynamodb, kinesis
from pytest_lambda_esm.sources.stream_ports import Stream, Streams


class AllStreams:
    """Finds streams by the service in their ARN."""

    _by_service: ClassVar[dict[str, Streams]] = {
        "kinesis": kinesis.MotoStreams(),
        "dynamodb": dynamodb.MotoTableStreams(),
    }

    def serves(self, arn: str) -> bool:
        """Whether an ARN has the form of a stream's, whether or not the stream exists."""
        parsed = Arn.parse(arn)
        return parsed is not None and parsed.service in self._by_service

    def find(self, arn: str) -> Stream | None:
        """Return the stream, or None if it does not exist."""
        service = arn.split(":", 3)[2:3]
        streams = self._by_service.get(service[0]) if service else None
        return streams.find(arn) if streams is not None else None
