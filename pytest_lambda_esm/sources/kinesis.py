"""Amazon Kinesis as an event source: its parameters. Follows the page "Using Lambda with Amazon Kinesis"."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.event_source import EventSource, Settings
from pytest_lambda_esm.sources.streams import STREAM_DEFAULTS, STREAM_DESTINATIONS, STREAM_OPTIONAL


def _is_kinesis(_: Settings, arn: Arn | None) -> bool:
    return arn is not None and arn.service == "kinesis" and arn.resource.startswith("stream/")


KINESIS: Final = EventSource(
    name="Amazon Kinesis stream",
    service="kinesis",
    recognises=_is_kinesis,
    defaults=STREAM_DEFAULTS,
    optional=STREAM_OPTIONAL,
    user_reason="User action",
    first_result="No records processed",
    rules=(
        rules.position_needed,
        rules.timestamp,
        rules.record_age,
        rules.metrics_among({"EventCount"}),
    ),
    missing="Stream not found: {arn}",
    destinations=STREAM_DESTINATIONS,
    filter_rules="kinesis",
)
"""A data stream, or a consumer of one (enhanced fan-out)."""
