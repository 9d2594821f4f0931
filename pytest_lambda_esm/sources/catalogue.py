"""All event sources, today and in 2020, and which of them a mapping reads.

The sources of 2020 are those of today with fewer members, rules and destinations. Settings that are newer than 2020
keep their defaults, but no request can state them and no response shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.documentdb import DOCUMENTDB
from pytest_lambda_esm.sources.dynamodb import DYNAMODB
from pytest_lambda_esm.sources.event_source import COMMON_MEMBERS, EventSource, Rule, Settings
from pytest_lambda_esm.sources.kafka import (
    MSK,
    PROVISIONED_MSK,
    PROVISIONED_QUEUE_MODE,
    PROVISIONED_SELF_MANAGED,
    QUEUE_MODE,
    SELF_MANAGED,
)
from pytest_lambda_esm.sources.kinesis import KINESIS
from pytest_lambda_esm.sources.mq import MQ
from pytest_lambda_esm.sources.sqs import FIFO, STANDARD

SHOWN_IN_2020: Final = frozenset(
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
"""The members that responses could have in 2020."""

_POSITIONS: Final = frozenset({"StartingPosition", "StartingPositionTimestamp"})


def _in_2020(source: EventSource, *source_rules: Rule) -> EventSource:
    """A source as it was in 2020, with BatchSize as the only setting."""
    return replace(
        source,
        defaults={"BatchSize": source.defaults["BatchSize"]},
        optional=frozenset(),
        common=COMMON_MEMBERS - {"Tags"},
        hidden={name: value for name, value in source.defaults.items() if name != "BatchSize"},
        shown=SHOWN_IN_2020,
        consumer_group_in=None,
        rules=source_rules,
        destinations=frozenset(),
    )


def _stream_in_2020(source: EventSource, *source_rules: Rule) -> EventSource:
    return replace(
        _in_2020(source, *source_rules),
        defaults={name: value for name, value in source.defaults.items() if name in SHOWN_IN_2020},
        optional=_POSITIONS,
        hidden={name: value for name, value in source.defaults.items() if name not in SHOWN_IN_2020},
        destinations=frozenset({"sqs", "sns"}),
    )


CATALOGUE: Final[Mapping[str, tuple[EventSource, ...]]] = MappingProxyType(
    {
        "current": (
            STANDARD,
            FIFO,
            KINESIS,
            DYNAMODB,
            PROVISIONED_MSK,
            MSK,
            PROVISIONED_QUEUE_MODE,
            QUEUE_MODE,
            PROVISIONED_SELF_MANAGED,
            SELF_MANAGED,
            MQ,
            DOCUMENTDB,
        ),
        "2020": (
            _in_2020(STANDARD, rules.batch_size_at_most(10)),
            _in_2020(FIFO, rules.batch_size_at_most(10)),
            _stream_in_2020(KINESIS, rules.position_needed, rules.timestamp),
            _stream_in_2020(
                DYNAMODB,
                rules.batch_size_at_most(1_000),
                rules.position_needed,
                rules.no_timestamp_position,
                rules.timestamp,
            ),
            replace(
                _in_2020(MSK, rules.position_needed, rules.no_timestamp_position),
                optional=_POSITIONS | {"Topics"},
                hidden={"MaximumBatchingWindowInSeconds": 0},  # Batching windows were for streams.
            ),
        ),
    }
)
"""The sources by the setting ``limits``. The first one that recognises a mapping applies, so variants come first."""


def recognise(settings: Settings, limits: str = "current") -> EventSource | None:
    """Return the event source that a mapping with these settings reads, or None."""
    arn = Arn.parse(settings["EventSourceArn"]) if "EventSourceArn" in settings else None
    return next((source for source in CATALOGUE[limits] if source.recognises(settings, arn)), None)
