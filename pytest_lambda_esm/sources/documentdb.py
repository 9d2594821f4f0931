"""Amazon DocumentDB change streams as an event source: their parameters.

Follows the page "Using Lambda with Amazon DocumentDB". The ARN of a cluster belongs to the service ``rds``.
"""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import STREAM_CONFLICT, Conflict, EventSource, Settings, from_arn, same_arn

CONFIG: Final = "DocumentDBEventSourceConfig"


def _same_collection(one: Settings, other: Settings) -> bool:
    return same_arn(one, other) and all(
        one.get(CONFIG, {}).get(name) == other.get(CONFIG, {}).get(name) for name in ("DatabaseName", "CollectionName")
    )


DOCUMENTDB: Final = EventSource(
    name="Amazon DocumentDB",
    service="rds",
    recognises=from_arn("rds", "cluster:.*"),
    defaults={"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0},
    optional=frozenset({CONFIG, "SourceAccessConfigurations", "StartingPosition", "StartingPositionTimestamp"}),
    refusals={"FunctionResponseTypes": "FunctionResponseTypes is not allowed for this event source"},
    rules=(
        rules.needs("SourceAccessConfigurations"),
        rules.needs(CONFIG),
        rules.needs_database,
        rules.position_needed,
        rules.timestamp,
        rules.access_types({"BASIC_AUTH"}),
        rules.function_timeout_at_most(rules.BROKER_FUNCTION_TIMEOUT),
    ),
    conflict=Conflict(overlap=_same_collection, text=STREAM_CONFLICT.text),
    missing="Cluster not found: {arn}",  # chosen
    data_rules=data_rules.DOCUMENTDB,
    user_reason="User action",
    first_result="No records processed",
)
