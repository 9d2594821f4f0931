"""DynamoDB streams as an event source: their parameters. Follows the page "Using Lambda with Amazon DynamoDB"."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.event_source import EventSource, Settings
from pytest_lambda_esm.sources.streams import STREAM_DEFAULTS, STREAM_DESTINATIONS, STREAM_OPTIONAL


def _is_stream(_: Settings, arn: Arn | None) -> bool:
    return arn is not None and arn.service == "dynamodb" and "/stream/" in arn.resource


DYNAMODB: Final = EventSource(
    name="Amazon DynamoDB stream",
    service="dynamodb",
    recognises=_is_stream,
    defaults=STREAM_DEFAULTS,
    optional=STREAM_OPTIONAL,
    user_reason="User action",
    first_result="No records processed",
    rules=(
        rules.position_needed,
        rules.no_timestamp_position,
        rules.timestamp,
        rules.record_age,
        rules.metrics_among({"EventCount"}),
    ),
    missing="Stream not found: {arn}",
    destinations=STREAM_DESTINATIONS,
    filter_rules="dynamodb",
)
