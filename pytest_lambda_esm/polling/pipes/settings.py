"""A pipe as its owner states it, and the settings of the mapping that polls its source.

This follows the pages "Amazon EventBridge Pipes sources" and "Amazon EventBridge Pipes targets". What is not simulated
raises NotSimulated when the pipe is created or changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import Sender
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.polling.pipes.template import unknown_variables

_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {"sqs": "SqsQueueParameters", "kinesis": "KinesisStreamParameters", "dynamodb": "DynamoDBStreamParameters"}
)
"""The member of ``SourceParameters`` for each kind of source that is simulated."""
_SAME_NAME: Final = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
)
_TARGETS: Final = frozenset({"lambda", "sqs", "sns", "events"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe:
    """A pipe. ``source``, ``target``, ``enrichment`` and ``role`` are ARNs; without an enrichment it is empty."""

    arn: str
    name: str
    account_id: str
    region: str
    source: str
    target: str
    enrichment: str = ""
    runs: bool = True
    role: str = ""
    source_parameters: Mapping[str, Any] = field(default_factory=dict)
    enrichment_parameters: Mapping[str, Any] = field(default_factory=dict)
    target_parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sender(self) -> Sender:
        """The pipe as what reads and sends with its role."""
        return Sender(service="pipes.amazonaws.com", arn=self.arn, account_id=self.account_id, role=self.role)

    @property
    def variables(self) -> dict[str, str]:
        """The values of the variables of input templates that describe the pipe."""
        return {
            "pipe-arn": self.arn,
            "pipe-name": self.name,
            "source-arn": self.source,
            "enrichment-arn": self.enrichment,
            "target-arn": self.target,
        }


def mapping_settings(pipe: Pipe) -> dict[str, Any]:
    """Return the settings of the mapping that polls for a pipe. Raises NotSimulated for what it cannot do."""
    parameters = _source_parameters(pipe)
    _check_rest(pipe)
    settings = {name: parameters[name] for name in _SAME_NAME if parameters.get(name) is not None}
    if parameters.get("OnPartialBatchItemFailure") == "AUTOMATIC_BISECT":
        settings["BisectBatchOnFunctionError"] = True
    filters = (pipe.source_parameters.get("FilterCriteria") or {}).get("Filters")
    if filters:
        settings["FilterCriteria"] = {"Filters": filters}
    return {
        **settings,
        "EventSourceArn": pipe.source,
        "FunctionArn": pipe.arn,
        # A pipe reads the failures that a function reports without being told to.
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def _source_parameters(pipe: Pipe) -> Mapping[str, Any]:
    own = _PARAMETERS.get(_service(pipe.source), "")
    if not own:
        raise _refusal(pipe, f"the source {pipe.source}", "SQS queues, Kinesis and DynamoDB streams")
    parameters: Mapping[str, Any] = pipe.source_parameters.get(own) or {}
    if parameters.get("DeadLetterConfig"):
        raise _refusal(pipe, "DeadLetterConfig", "the dead-letter queue of an SQS queue, and retries without one")
    return parameters


def _check_rest(pipe: Pipe) -> None:
    if _service(pipe.target) not in _TARGETS:
        raise _refusal(pipe, f"the target {pipe.target}", "functions, SQS queues, SNS topics and event buses")
    if pipe.enrichment and _service(pipe.enrichment) != "lambda":
        raise _refusal(pipe, f"the enrichment {pipe.enrichment}", "functions")
    for name, parameters in (("Enrichment", pipe.enrichment_parameters), ("Target", pipe.target_parameters)):
        unknown = unknown_variables(parameters.get("InputTemplate") or "")
        if unknown:
            thing = f"<{unknown[0]}> in {name}Parameters.InputTemplate"
            raise _refusal(pipe, thing, "paths with dots and indices, such as <$.body.items[0]>, and <aws.pipes.…>")


def _service(arn: str) -> str:
    parsed = Arn.parse(arn)
    return parsed.service if parsed is not None else ""


def _refusal(pipe: Pipe, thing: str, instead: str) -> NotSimulated:
    return NotSimulated(
        f"pipe {pipe.name}: {thing} is not simulated by pytest-lambda-esm. Simulated are: {instead}. To test the rest,"
        f" deliver the source's records through an event source mapping, or leave the pipe out."
    )
