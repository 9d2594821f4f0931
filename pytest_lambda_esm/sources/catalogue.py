"""Which event sources there are, today and in 2020, and which one a mapping belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pytest_lambda_esm.sources import documentdb, dynamodb, kafka, kinesis, mq, sqs, year_2020
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.event_source import EventSource, Settings

CATALOGUE: Final[Mapping[str, tuple[EventSource, ...]]] = MappingProxyType(
    {
        "current": (
            sqs.STANDARD,
            sqs.FIFO,
            kinesis.KINESIS,
            dynamodb.DYNAMODB,
            kafka.PROVISIONED_MSK,
            kafka.MSK,
            kafka.PROVISIONED_QUEUE_MODE,
            kafka.QUEUE_MODE,
            kafka.PROVISIONED_SELF_MANAGED,
            kafka.SELF_MANAGED,
            mq.MQ,
            documentdb.DOCUMENTDB,
        ),
        "2020": year_2020.SOURCES,
    }
)
"""The sources by the setting ``limits``; the first one that recognises a mapping is the mapping's."""


def recognise(settings: Settings, limits: str = "current") -> EventSource | None:
    """The event source that a mapping with these settings reads, or None."""
    arn = Arn.parse(settings["EventSourceArn"]) if "EventSourceArn" in settings else None
    return next((source for source in CATALOGUE[limits] if source.recognises(settings, arn)), None)
