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
    is_plural: bool = False

    def __str__(self) -> str:
        verb = "are" if self.is_plural else "is"
        return f"{self.thing} {verb} not simulated by pytest-lambda-esm: {self.why}. Instead: {self.instead}."


INVOKE_MEMBERS: Final = {
    "DurableExecutionName": Unsupported(
        "DurableExecutionName of an invocation", "durable executions are not simulated", "leave it out"
    ),
    "TenantId": Unsupported("TenantId of an invocation", "tenant isolation is not simulated", "leave it out"),
}

_INVOKE: Final = "call Invoke with the event that AWS would send"
"""For services that call a function with a request."""

CALLERS: Final = {
    "state machine": Unsupported(
        "Step Functions with tasks that invoke functions",
        "moto records the executions and runs no state",
        "invoke the functions in the order of the states, with Invoke",
    ),
    "pipe": Unsupported(
        "EventBridge Pipes with a function as target or enrichment",
        "moto stores the pipes and moves no record",
        "create an event source mapping of the same source, or invoke the function with the events",
    ),
    "schedule": Unsupported(
        "EventBridge Scheduler with a function as target",
        "moto stores the schedules and starts none of them",
        "move the clock, and invoke the function when the schedule is due",
    ),
    "lambda-url": Unsupported("requests to function URLs", "nothing serves their addresses", _INVOKE, True),
    "execute-api": Unsupported(
        "API Gateway with functions as integrations or authorizers", "moto does not call functions for it", _INVOKE
    ),
    "load balancer": Unsupported(
        "Application Load Balancers with functions as targets", "moto routes no requests", _INVOKE, True
    ),
    "appsync": Unsupported("AppSync with functions as data sources", "moto runs no resolvers", _INVOKE),
    "cognito": Unsupported("triggers of Cognito user pools", "moto does not call them", _INVOKE, True),
    "other": Unsupported(
        "other services that invoke functions: IoT rules, SES receipt rules, CodePipeline, AWS Config, Lex, Connect,"
        " Bedrock agents, CloudFront (Lambda@Edge), S3 Object Lambda, Firehose transformations, CloudWatch alarms",
        "moto does not call functions for them",
        _INVOKE,
        True,
    ),
}
"""What invokes functions on AWS and not here. moto accepts its configuration, since code that deploys it is tested too.

A test meets it as a request that ``NetworkBlocked`` stops or as advice; see :func:`caller_of_host`.
"""

_HOSTS: Final = (
    (".lambda-url.", "lambda-url"),
    (".execute-api.", "execute-api"),
    (".elb.", "load balancer"),
    (".appsync-api.", "appsync"),
)


def caller_of_host(host: str) -> str:
    """Return a sentence on the service that a request to this host would make invoke a function; empty if none."""
    key = next((key for part, key in _HOSTS if part in host), None)
    return f" {_sentence(CALLERS[key])}" if key is not None else ""


def _sentence(unsupported: Unsupported) -> str:
    text = str(unsupported)
    return text[:1].upper() + text[1:]


def caller_advice(kind: str, name: str) -> str:
    """Return the advice on something in moto that invokes functions on AWS; ``kind`` is a key of ``CALLERS``."""
    caller = CALLERS[kind]
    return f"the {kind} {name!r} would invoke a function, and does not here: {caller.why}. Instead: {caller.instead}"


def refuse_members(params: Mapping[str, Any]) -> None:
    """Raise NotSimulated for a member of an invocation that is not simulated."""
    for member in INVOKE_MEMBERS:
        if member in params:
            raise refuse(INVOKE_MEMBERS[member])


def refuse(unsupported: Unsupported) -> NotSimulated:
    """Return the exception for a feature that is not simulated."""
    return NotSimulated(str(unsupported))
