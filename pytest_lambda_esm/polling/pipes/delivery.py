"""Delivery of a pipe's batch: through its enrichment, if it has one, to its target.

This follows the pages "Event enrichment in Amazon EventBridge Pipes" and "Amazon EventBridge Pipes batching and
concurrency". A function gets the batch as a list of records; every other target gets each record on its own. A batch
for which the enrichment returns nothing does not reach the target.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message, NotPermitted, Sender
from pytest_lambda_esm.mappings import mapping as mappings
from pytest_lambda_esm.polling.pipes.settings import Pipe
from pytest_lambda_esm.polling.pipes.template import Template
from pytest_lambda_esm.polling.ports import Delivery

_LAMBDA: Final = ":lambda:"
_FIRE_AND_FORGET: Final = "FIRE_AND_FORGET"
_FAILURES: Final = "batchItemFailures"


class Invoke(Protocol):
    """Invokes a function synchronously for a mapping; ``function_arn`` need not be the mapping's."""

    def __call__(
        self, mapping: mappings.Mapping, function_arn: str, event: Callable[[], Any], attempt: int, depth: int
    ) -> Delivery:
        """Invoke now, and return the outcome."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch on its way: the pseudo-mapping that polled it, the attempt, and the chain that led to it."""

    mapping: mappings.Mapping
    attempt: int
    depth: int


class PipeDelivery:
    """Delivers the batches of pipes; ``instant()`` is the present instant.

    ``permit(sender, arn)`` raises NotPermitted where a pipe's role may not send to a resource.
    """

    def __init__(
        self,
        invoke: Invoke,
        destinations: Destinations,
        instant: Callable[[], int],
        permit: Callable[[Sender, str], None],
    ) -> None:
        self._invoke = invoke
        self._destinations = destinations
        self._instant = instant
        self._permit = permit

    def deliver(self, pipe: Pipe, batch: Batch, event: Mapping[str, Any]) -> Delivery:
        """Deliver a batch now; ``event`` is the one that a function of a mapping would get."""
        records = [flattened(record) for record in event["Records"]]
        identifiers = {_identifier(record): _position(record) for record in records}
        if not pipe.enrichment:
            return self._to_target(pipe, batch, records, identifiers)
        refused = self._refused(pipe, pipe.enrichment)
        if refused is not None:
            return refused
        asked = self._shaped(pipe, pipe.enrichment_parameters, records)
        enriched = self._invoke(batch.mapping, pipe.enrichment, lambda: asked, batch.attempt, batch.depth)
        if not enriched.succeeded:
            return enriched
        if not enriched.result:
            return enriched._replace(result=None, about=f"{enriched.about}; nothing is left for the target")
        delivered = self._to_target(pipe, batch, enriched.result, identifiers)
        spent = enriched.end - self._instant()
        return delivered._replace(end=delivered.end + spent)

    # --- inside ------------------------------------------------------------------------------------------

    def _to_target(self, pipe: Pipe, batch: Batch, events: Any, identifiers: Mapping[str, str]) -> Delivery:
        refused = self._refused(pipe, pipe.target)
        if refused is not None:
            return refused
        events = self._shaped(pipe, pipe.target_parameters, events)
        parameters = pipe.target_parameters.get("LambdaFunctionParameters") or {}
        if _LAMBDA in pipe.target and parameters.get("InvocationType") != _FIRE_AND_FORGET:
            delivery = self._invoke(batch.mapping, pipe.target, lambda: events, batch.attempt, batch.depth)
            return delivery._replace(result=_failures(delivery.result, identifiers))
        name = pipe.target.rpartition(":")[2]
        try:
            for message in _messages(pipe, events):
                self._destinations.deliver(pipe.target, message)
        except DeliveryFailed as error:
            return Delivery(False, self._instant(), name, str(error))
        return Delivery(True, self._instant(), name, "success")

    def _refused(self, pipe: Pipe, arn: str) -> Delivery | None:
        """Return the outcome where the pipe's role may not send to a resource, None where it goes on."""
        try:
            self._permit(pipe.sender, arn)
        except NotPermitted as error:
            return Delivery(False, self._instant(), arn.rpartition(":")[2], str(error))
        return None

    def _shaped(self, pipe: Pipe, parameters: Mapping[str, Any], events: Any) -> Any:
        """Return what the input template makes of each event."""
        text = parameters.get("InputTemplate")
        if not text:
            return events
        template = Template(text, pipe.variables)
        if isinstance(events, list):
            return [template.fill(event, self._instant()) for event in events]
        return template.fill(events, self._instant())


def flattened(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as pipes have it: the members of ``kinesis`` are at its top."""
    return {**record.get("kinesis", {}), **{name: value for name, value in record.items() if name != "kinesis"}}


def _identifier(record: Mapping[str, Any]) -> str:
    """Return what ``batchItemFailures`` names: a message's id, or the id of a stream's event."""
    return str(record.get("messageId") or record.get("eventID"))


def _position(record: Mapping[str, Any]) -> str:
    """Return the name of the same record in the answer of a mapping's function."""
    position = record.get("messageId") or record.get("sequenceNumber") or record.get("dynamodb", {})["SequenceNumber"]
    return str(position)


def _failures(result: Any, identifiers: Mapping[str, str]) -> Any:
    """Return a function's report of failures for the poller; any other answer is a success."""
    if not isinstance(result, dict) or not isinstance(result.get(_FAILURES), list):
        return None
    names = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in result[_FAILURES]]
    return {_FAILURES: [{"itemIdentifier": identifiers.get(str(name), name)} for name in names]}


def _messages(pipe: Pipe, events: Any) -> Sequence[Message]:
    if _LAMBDA in pipe.target:
        return [Message(body=json.dumps(events))]
    each = events if isinstance(events, list) else [events]
    if ":event-bus/" not in pipe.target:
        group = (pipe.target_parameters.get("SqsQueueParameters") or {}).get("MessageGroupId") or ""
        return [Message(body=event if isinstance(event, str) else json.dumps(event), group=group) for event in each]
    bus = pipe.target_parameters.get("EventBridgeEventBusParameters") or {}
    source = bus.get("Source") or f"Pipe {pipe.name}"
    detail_type = bus.get("DetailType") or f"Event from aws:{pipe.source.split(':')[2]}"
    resources = tuple(bus.get("Resources") or ())
    return [
        Message(body=json.dumps(event), source=source, detail_type=detail_type, resources=resources) for event in each
    ]
