"""What AWS has and this fake does not simulate: the one table behind ``NotSimulated`` and the docs' support page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.errors import NotSimulated


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A thing that is not simulated, why, and what to do instead."""

    thing: str
    why: str
    instead: str


_QUEUE: Final = "standard SQS queues, Kinesis and DynamoDB streams are polled; send the records through one"
_BIND: Final = "call the handler directly, or send the event through an SQS queue with a mapping"

OPERATIONS: Final = {
    name: Unsupported(name, why, instead)
    for name, why, instead in (
        ("Invoke", "direct invocations are not simulated yet", _BIND),
        ("InvokeAsync", "asynchronous invocations are not simulated yet", _BIND),
        ("InvokeWithResponseStream", "response streaming is not simulated yet", _BIND),
        *(
            (
                f"{verb}FunctionEventInvokeConfig{plural}",
                "asynchronous invocation is not simulated yet",
                _BIND,
            )
            for verb, plural in (("Put", ""), ("Update", ""), ("Get", ""), ("Delete", ""), ("List", "s"))
        ),
    )
}

SOURCES: Final = {
    service: Unsupported(f"{name} as an event source", "its mappings are not simulated yet", _QUEUE)
    for service, name in (
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
        ("MetricsConfig", "CloudWatch metrics are not written", "read Mapping.metrics"),
        ("KMSKeyArn", "encrypted filter criteria are not simulated", "leave it out"),
        ("LoggingConfig", "the service's own logs are not simulated", "leave it out"),
    )
}


def refuse(unsupported: Unsupported) -> NotSimulated:
    """The exception that says that a thing is not simulated."""
    return NotSimulated(
        f"{unsupported.thing} is not simulated by pytest-lambda-esm: {unsupported.why}. Instead: {unsupported.instead}."
    )
