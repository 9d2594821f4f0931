"""Which event sources there are, today and in 2020, and which one a mapping belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.sources import documentdb, dynamodb, kafka, kinesis, mq, rules, sqs
from pytest_lambda_esm.sources.dynamodb import DYNAMODB
from pytest_lambda_esm.sources.event_source import COMMON_MEMBERS, EventSource, Rule, Settings
from pytest_lambda_esm.sources.kafka import MSK
from pytest_lambda_esm.sources.kinesis import KINESIS
from pytest_lambda_esm.sources.sqs import FIFO, STANDARD

SHOWN: Final = frozenset(
    {
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "EventSourceArn",
        "FunctionArn",
        "LastModified",
        "LastProcessingResult",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "ParallelizationFactor",
        "State",
        "StateTransitionReason",
        "Topics",
        "UUID",
    }
)
"""The members of an answer of 2020."""

_STREAM_DEFAULTS: Final = {name: value for name, value in KINESIS.defaults.items() if name in SHOWN}
_POSITIONS: Final = frozenset({"StartingPosition", "StartingPositionTimestamp"})


def _then(source: EventSource, *more: Rule) -> EventSource:
    return replace(
        source,
        defaults={"BatchSize": source.defaults["BatchSize"]},
        optional=frozenset(),
        common=COMMON_MEMBERS - {"Tags"},
        hidden={name: value for name, value in source.defaults.items() if name != "BatchSize"},
        rules=more,
        consumer_group_in=None,
        destinations=frozenset(),
        shown=SHOWN,
    )


def _stream(source: EventSource, *more: Rule) -> EventSource:
    return replace(
        _then(source, *more),
        defaults=_STREAM_DEFAULTS,
        optional=_POSITIONS,
        hidden={name: value for name, value in source.defaults.items() if name not in SHOWN},
        destinations=frozenset({"sqs", "sns"}),
    )


SOURCES: Final = (
    _then(STANDARD, rules.batch_size_at_most(10)),
    _then(FIFO, rules.batch_size_at_most(10)),
    _stream(KINESIS, rules.position_needed, rules.timestamp),
    _stream(
        DYNAMODB,
        rules.batch_size_at_most(1_000),
        rules.position_needed,
        rules.no_timestamp_position,
        rules.timestamp,
    ),
    replace(
        _then(MSK, rules.position_needed, rules.no_timestamp_position),
        optional=_POSITIONS | {"Topics"},
    ),
)

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
        "2020": SOURCES,
    }
)
"""The sources by the setting ``limits``; the first one that recognises a mapping is the mapping's."""


def recognise(settings: Settings, limits: str = "current") -> EventSource | None:
    """The event source that a mapping with these settings reads, or None."""
    arn = Arn.parse(settings["EventSourceArn"]) if "EventSourceArn" in settings else None
    return next((source for source in CATALOGUE[limits] if source.recognises(settings, arn)), None)
