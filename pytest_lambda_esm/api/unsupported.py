"""AWS features that the fake does not simulate: the table behind ``NotSimulated`` and the support page of the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import NotSimulated


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A feature that is not simulated, why, and what to do instead."""

    thing: str
    why: str
    instead: str

    def __str__(self) -> str:
        return f"{self.thing} is not simulated by pytest-lambda-esm: {self.why}. Instead: {self.instead}."


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
    """Return the exception for a feature that is not simulated."""
    return NotSimulated(str(unsupported))
