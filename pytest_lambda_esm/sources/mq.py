"""Amazon MQ as an event source, for ActiveMQ and RabbitMQ: its parameters.

Follows the page "Using Lambda with Amazon MQ". The ARN of a broker does not show which of the two it runs.
"""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import STREAM_CONFLICT, Conflict, EventSource, Settings, from_arn, same_arn


def _same_queue(one: Settings, other: Settings) -> bool:
    return same_arn(one, other) and one.get("Queues") == other.get("Queues")


MQ: Final = EventSource(
    name="Amazon MQ",
    service="mq",
    recognises=from_arn("mq", "broker:.*"),
    defaults={"BatchSize": 100},
    optional=frozenset(
        {"FilterCriteria", "KMSKeyArn", "MaximumBatchingWindowInSeconds", "Queues", "SourceAccessConfigurations"}
    ),
    refusals={"FunctionResponseTypes": "FunctionResponseTypes is not allowed for this event source"},
    rules=(
        rules.needs("SourceAccessConfigurations"),
        rules.needs("Queues"),
        rules.access_types({"BASIC_AUTH", "VIRTUAL_HOST"}),
        rules.needs_access("BASIC_AUTH"),
        rules.function_timeout_at_most(rules.BROKER_FUNCTION_TIMEOUT),
    ),
    conflict=Conflict(overlap=_same_queue, text=STREAM_CONFLICT.text),
    missing="Broker not found: {arn}",  # chosen
    data_rules=data_rules.MQ,
    user_reason="USER_INITIATED",
    first_result="No records processed",
)
