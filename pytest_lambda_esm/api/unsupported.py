"""AWS features that the fake does not simulate: the table behind ``NotSimulated`` and the support page of the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.sources.catalogue import CATALOGUE
from pytest_lambda_esm.sources.event_source import EventSource


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A feature that is not simulated, why, and what to do instead."""

    thing: str
    why: str
    instead: str

    def __str__(self) -> str:
        return f"{self.thing} is not simulated by pytest-lambda-esm: {self.why}. Instead: {self.instead}."


SOURCES: Final = {
    source.service: Unsupported(
        f"{source.name} as an event source",
        "its mappings are created, checked and kept, and not polled yet",
        "SQS queues, Kinesis and DynamoDB streams are polled; send the records through one",
    )
    for source in CATALOGUE["current"]
    if source.polled_as is None
}
"""By ``EventSource.service``. The catalogue lists the variants of a source before the source, whose name wins here."""

INVOKE_MEMBERS: Final = {
    "DurableExecutionName": Unsupported(
        "DurableExecutionName of an invocation", "durable executions are not simulated", "leave it out"
    ),
    "TenantId": Unsupported("TenantId of an invocation", "tenant isolation is not simulated", "leave it out"),
}


def not_polled(source: EventSource) -> list[str]:
    """Return why mappings of a source are not polled, in lines for explanations; an empty list if they are polled."""
    return [] if source.polled_as is not None else [f"it does not poll: {SOURCES[source.service]}"]


def refuse_members(params: Mapping[str, Any]) -> None:
    """Raise NotSimulated for a member of an invocation that is not simulated."""
    for member in INVOKE_MEMBERS:
        if member in params:
            raise refuse(INVOKE_MEMBERS[member])


def refuse(unsupported: Unsupported) -> NotSimulated:
    """Return the exception for a feature that is not simulated."""
    return NotSimulated(str(unsupported))
