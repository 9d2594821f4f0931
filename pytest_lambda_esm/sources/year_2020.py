"""The event sources of the year 2020, as the API reference of that time states them: fewer, with lower limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.dynamodb import DYNAMODB
from pytest_lambda_esm.sources.event_source import COMMON_MEMBERS, EventSource, Rule
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
        filter_rules=None,
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
