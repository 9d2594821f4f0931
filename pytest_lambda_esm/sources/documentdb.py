"""Amazon DocumentDB change streams as an event source: their parameters, their events, and what prevents reading.

Follows the page "Process Amazon DocumentDB events with Lambda". The ARN of a cluster belongs to the service ``rds``.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import (
    STREAM_CONFLICT,
    Conflict,
    EventSource,
    Settings,
    from_arn,
    same_arn,
)
from pytest_lambda_esm.sources.stream_ports import Reader, StreamKind, Trouble

CONFIG: Final = "DocumentDBEventSourceConfig"

REFUSALS: Final = {
    "authentication": Trouble("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Cluster failed to authenticate Lambda"),
    "authorization": Trouble("EVENT_SOURCE_AUTHZ_ERROR", "PROBLEM: Cluster failed to authorize Lambda"),
    "connection": Trouble(
        "ESM_CONFIG_NOT_VALID",
        "PROBLEM: Connection error. Please check your event source connection configuration.",
    ),
}
"""What a mapping shows whose cluster refuses Lambda. Codes are documented, texts chosen."""

NO_SECRET: Final = Trouble("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Cannot access the secret with the credentials")
BAD_SECRET: Final = Trouble("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Secret has no username and password")
NO_COLLECTION: Final = Trouble("ESM_CONFIG_NOT_VALID", "PROBLEM: Database or collection not found")
NO_CHANGE_STREAM: Final = Trouble("ESM_CONFIG_NOT_VALID", "PROBLEM: Change streams are not enabled")
EXPIRED: Final = Trouble(
    "Lambda disabled the event source mapping: change stream events have expired",
    "PROBLEM: Change stream events have expired",
    disables=True,
)
"""The service disables such a mapping (documented); code and text are chosen."""


def event(events: list[dict[str, Any]], reader: Reader) -> dict[str, Any]:
    """Return an event with some change events, with its keys in the order of AWS."""
    return {"eventSourceArn": reader.source_arn, "events": events, "eventSource": "aws:docdb"}


KIND: Final = StreamKind(
    data_rules=data_rules.DOCUMENTDB,
    make_event=event,
    default_window=500_000,
    window_waits_for_record=True,
    drops_oversized=True,
    expired=EXPIRED,
    limits_retries=False,
    longest_timeout=rules.BROKER_FUNCTION_TIMEOUT,
    bad_function=Trouble(*rules.BAD_FUNCTION),
)


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
    data_rules=KIND.data_rules,
    polled_as="stream",
    stream_kind=KIND,
    user_reason="User action",
    first_result="No records processed",
    metrics=("OversizedRecordCount",),
)
