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


_QUEUE: Final = "standard SQS queues are polled; send the records through one"
_BIND: Final = "call the handler directly, or send the event through an SQS queue with a mapping"

OPERATIONS: Final = {
    name: Unsupported(name, why, instead)
    for name, why, instead in (
        ("Invoke", "direct invocations are not simulated yet", _BIND),
        ("InvokeAsync", "asynchronous invocations are not simulated yet", _BIND),
        ("InvokeWithResponseStream", "response streaming is not simulated yet", _BIND),
    )
}

_UNSET: Final[tuple[Any, ...]] = (0, [], {}, "", None)

SOURCES: Final = {
    service: Unsupported(
        f"{name} as an event source", "its mappings are created, checked and kept, and not polled yet", _QUEUE
    )
    for service, name in (
        ("kinesis", "Amazon Kinesis"),
        ("dynamodb", "Amazon DynamoDB Streams"),
        ("kafka", "Amazon MSK"),
        ("mq", "Amazon MQ"),
        ("rds", "Amazon DocumentDB"),
        ("self-managed", "self-managed Apache Kafka"),
        ("fifo", "an Amazon SQS FIFO queue"),
    )
}

MEMBERS: Final = {
    member: Unsupported(f"{member} of an SQS mapping", why, instead)
    for member, why, instead in (
        ("FilterCriteria", "records are not filtered yet", "leave it out and filter in the handler"),
        ("FunctionResponseTypes", "partial batch responses are not honoured yet", "let the handler raise"),
        ("MaximumBatchingWindowInSeconds", "batching windows are not simulated yet", "leave it out or at 0"),
        ("ProvisionedPollerConfig", "provisioned pollers are not simulated yet", "leave it out"),
        ("ScalingConfig", "concurrency limits are not simulated yet", "leave it out"),
    )
}


def not_polled(service: str, settings: Mapping[str, Any]) -> list[str]:
    """Why a mapping is kept and not polled, one line a reason; ``service`` is that of its event source."""
    sources = [SOURCES[service]] if service in SOURCES else []
    members = [MEMBERS[name] for name, value in settings.items() if name in MEMBERS and value not in _UNSET]
    return [
        f"it does not poll: {reason.thing} is not simulated by pytest-lambda-esm: {reason.why}."
        f" Instead: {reason.instead}."
        for reason in sources or members
    ]


def refuse(unsupported: Unsupported) -> NotSimulated:
    """The exception that says that a thing is not simulated."""
    return NotSimulated(
        f"{unsupported.thing} is not simulated by pytest-lambda-esm: {unsupported.why}. Instead: {unsupported.instead}."
    )
