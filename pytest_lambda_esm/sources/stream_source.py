"""What Kinesis and DynamoDB streams have in common as event sources. Members and defaults are recorded."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import EVENT_COUNTS, EventSource, Recognise, Rule
from pytest_lambda_esm.sources.stream_ports import StreamKind

STREAM_DEFAULTS: Final = MappingProxyType[str, Any](
    {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "TumblingWindowInSeconds": 0,
    }
)

STREAM_OPTIONAL: Final = frozenset(
    {"FilterCriteria", "KMSKeyArn", "MetricsConfig", "StartingPosition", "StartingPositionTimestamp"}
)

STREAM_METRICS: Final = (
    *EVENT_COUNTS,
    "DroppedEventCount",
    "OnFailureDestinationDeliveredEventCount",
    "DestinationDeliveryFailures",
)

STREAM_DESTINATIONS: Final = frozenset({"sqs", "sns", "s3"})


def stream_source(name: str, service: str, kind: StreamKind, recognises: Recognise, *positions: Rule) -> EventSource:
    """Return a stream as an event source; ``positions`` are additional rules for the starting position."""
    return EventSource(
        name=name,
        service=service,
        recognises=recognises,
        defaults=STREAM_DEFAULTS,
        optional=STREAM_OPTIONAL,
        user_reason="User action",
        first_result="No records processed",
        rules=(
            rules.position_needed,
            *positions,
            rules.timestamp,
            rules.record_age,
            rules.metrics_among({"EventCount"}),
        ),
        missing="Stream not found: {arn}",
        destinations=STREAM_DESTINATIONS,
        data_rules=kind.data_rules,
        polled_as="stream",
        stream_kind=kind,
        metrics=STREAM_METRICS,
    )
