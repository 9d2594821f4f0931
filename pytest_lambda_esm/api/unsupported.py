"""What AWS has and this fake does not simulate: the one table behind ``NotSimulated`` and the docs' support page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import NotSimulated


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A thing that is not simulated, why, and what to do instead."""

    thing: str
    why: str
    instead: str


_QUEUE: Final = "SQS queues, Kinesis and DynamoDB streams are polled; send the records through one"

SOURCES: Final = {
    service: Unsupported(
        f"{name} as an event source", "its mappings are created, checked and kept, and not polled yet", _QUEUE
    )
    for service, name in (
        ("kafka", "Amazon MSK"),
        ("mq", "Amazon MQ"),
        ("rds", "Amazon DocumentDB"),
        ("self-managed", "self-managed Apache Kafka"),
    )
}


def not_polled(service: str) -> list[str]:
    """Why mappings of an event source are kept and not polled, as lines for people; none where they are polled."""
    if service not in SOURCES:
        return []
    reason = SOURCES[service]
    return [f"it does not poll: {_words(reason)}"]


def _words(reason: Unsupported) -> str:
    return f"{reason.thing} is not simulated by pytest-lambda-esm: {reason.why}. Instead: {reason.instead}."


INVOKE_MEMBERS: Final = {
    "DurableExecutionName": Unsupported(
        "DurableExecutionName of an invocation", "durable executions are not simulated", "leave it out"
    ),
    "TenantId": Unsupported("TenantId of an invocation", "tenant isolation is not simulated", "leave it out"),
}


def refuse_members(params: Mapping[str, Any]) -> None:
    """Raise NotSimulated for a member of an invocation that is not simulated."""
    for member in INVOKE_MEMBERS:
        if member in params:
            raise refuse(INVOKE_MEMBERS[member])


def refuse(unsupported: Unsupported) -> NotSimulated:
    """The exception that says that a thing is not simulated."""
    return NotSimulated(_words(unsupported))
