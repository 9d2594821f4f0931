"""Amazon MQ as an event source, for ActiveMQ and RabbitMQ: its parameters, and the problems that stop its pollers.

Follows the pages "Using Lambda with Amazon MQ" and "Troubleshoot Amazon MQ event source mapping errors". The ARN of a
broker does not show which of the two it runs; the records of both are in ``mq_records.py``.
"""

from __future__ import annotations

from collections.abc import Collection
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
    polled_as="broker",
    user_reason="USER_INITIATED",
    first_result="No records processed",
)


# --- what stops a poller -------------------------------------------------------------------------------------

AUTHENTICATION: Final = ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Lambda failed to authenticate the event source.")

REFUSALS: Final = {
    "authentication": AUTHENTICATION,
    "authorization": (
        "EVENT_SOURCE_AUTHZ_ERROR",
        "PROBLEM: Lambda does not have the required permissions to access the event source.",
    ),
    "connection": (
        "ESM_CONFIG_NOT_VALID",
        "PROBLEM: Connection error. Please check your event source connection configuration.",
    ),
}
"""The StateTransitionReason and the LastProcessingResult of a mapping whose broker refuses Lambda, by the reason.

The codes, and the sentences for authentication and authorization, are documented. That AWS shows these sentences as
results is chosen; the text of a failed connection is one that users of Kafka have reported.
"""

NO_QUEUE: Final = ("ESM_CONFIG_NOT_VALID", "PROBLEM: Queue not found")
NO_BROKER: Final = ("ESM_CONFIG_NOT_VALID", "PROBLEM: Broker not found")
"""Of a mapping without its queue, which RabbitMQ does not create, and without its broker (codes and texts chosen)."""

_NO_SECRET: Final = (
    "PROBLEM: Cannot access secret manager value {uri}. Please ensure the role can perform the"
    " 'secretsmanager:GetSecretValue' action on your broker in IAM."
)
"""Reported by users, as a refusal of a create (``{uri}`` is replaced)."""


def access(settings: Settings, kind: str) -> str | None:
    """Return the URI of a mapping's SourceAccessConfiguration of some type, or None."""
    configurations = settings.get("SourceAccessConfigurations") or ()
    return next((each.get("URI") for each in configurations if each.get("Type") == kind), None)


def login_problem(uri: str, login: Settings | None, users: Collection[str] | None) -> tuple[str, str] | None:
    """Return why the login that a secret has cannot work: the code and a text; None if nothing speaks against it.

    ``login`` are the members of the secret, None if it does not exist; ``users`` are those of the broker, None where
    they are not known. A login is ``username`` and ``password`` (documented); the codes for the cases are chosen.
    """
    if login is None:
        return AUTHENTICATION[0], _NO_SECRET.format(uri=uri)
    if not {"username", "password"} <= login.keys():
        return AUTHENTICATION
    return AUTHENTICATION if users is not None and login["username"] not in users else None
