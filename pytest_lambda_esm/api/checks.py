"""What a mapping must be like: the refusals behind the constraints of the service model, in AWS's words.

Texts are recorded from AWS, or reported by many users of it, unless a comment says that they are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.api import support
from pytest_lambda_esm.api.api_error import ApiError
from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration, Functions
from pytest_lambda_esm.invocation.function_name import FunctionReference, parse
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.catalogue import recognise
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.queue import Queues
from pytest_lambda_esm.sources.stream import Streams

_COMMON_MEMBERS: Final = frozenset({"UUID", "EventSourceArn", "FunctionName", "Enabled", "Tags"})

_NOWHERE: Final = frozenset({"MetricsConfig", "KMSKeyArn", "LoggingConfig"})

_REFUSALS: Final = {
    "StartingPosition": "StartingPosition is not valid for SQS event sources.",
    "DestinationConfig": "Unsupported DestinationConfig parameter for given event source mapping type.",
}


@dataclass(frozen=True, slots=True)
class MappedFunction:
    """The function of a mapping: as the request named it, and its configuration where it exists."""

    reference: FunctionReference
    configuration: FunctionConfiguration | None


class Rules:
    """The checks, with what they look at. ``advice`` receives what AWS accepts and production regrets."""

    def __init__(
        self,
        model: LambdaModel,
        functions: Functions,
        queues: Queues,
        streams: Streams,
        advice: Callable[[str, str], None],
    ) -> None:
        self._model = model
        self._functions = functions
        self._queues = queues
        self._streams = streams
        self._advice = advice

    def recognised(self, params: ReadOnly[str, Any]) -> EventSource:
        """The kind of source. A source that AWS has and this fake does not yet raises NotSimulated."""
        if "EventSourceArn" not in params:
            if "SelfManagedEventSource" in params:
                raise support.refuse(support.SOURCES["self-managed"])
            raise self._invalid("Unrecognized event source.")
        arn = Arn.parse(params["EventSourceArn"])
        if arn is not None and arn.service in support.SOURCES:
            raise support.refuse(support.SOURCES[arn.service])
        source = recognise(arn) if arn is not None else None
        if source is None:
            raise self._invalid("Unrecognized event source.")
        if params["EventSourceArn"].endswith(".fifo"):
            raise support.refuse(support.SOURCES["fifo"])
        return source

    def supported(self, source: EventSource, params: ReadOnly[str, Any]) -> None:
        """Each parameter is one that the source has."""
        for member, value in params.items():
            if member in _COMMON_MEMBERS:
                continue
            unsupported_member = member in support.MEMBERS and (source.first_result is None or member in _NOWHERE)
            if unsupported_member and value not in (0, [], {}, ""):
                raise support.refuse(support.MEMBERS[member])
            if not source.supports(member):
                wire_name = member[0].lower() + member[1:]
                unsupported = f"Unsupported '{wire_name}' parameter for given event source mapping type."
                raise self._invalid(_REFUSALS.get(member, unsupported))

    def function(self, caller: Caller, text: str, *, required: bool = True) -> MappedFunction:
        """The function named. AWS answers 400 here where it does not exist, not 404."""
        reference = parse(text, caller.account_id, caller.region)
        if reference.region != caller.region:
            raise self._model.error(
                "ResourceNotFoundException",
                f"Functions from '{reference.region}' are not reachable in this region ('{caller.region}')",
            )
        configuration = self._functions.find(reference)
        if configuration is None and required:
            raise self._invalid("Function does not exist")
        return MappedFunction(reference, configuration)

    def fits(self, source: EventSource, settings: ReadOnly[str, Any]) -> None:
        """The settings agree with each other and with the source."""
        batch, window = settings["BatchSize"], settings["MaximumBatchingWindowInSeconds"]
        if batch > source.maximum_batch_size:
            # Chosen: no answer of AWS to this is on record.
            raise self._invalid(f"Maximum batch size for this event source is {source.maximum_batch_size}")
        if batch > 10 and window == 0 and source.first_result is None:
            raise self._invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            )

    def source_exists(self, caller: Caller, settings: ReadOnly[str, Any], function: MappedFunction) -> None:
        """The source is there, in the same region; a queue's visibility timeout is no shorter than the function's."""
        arn = Arn.parse(settings["EventSourceArn"])
        if arn is not None and arn.service != "sqs":
            if self._streams.find(settings["EventSourceArn"]) is None:
                raise self._invalid(f"Stream not found: {settings['EventSourceArn']}")
            return
        queue = self._queues.find(settings["EventSourceArn"])
        if queue is None or arn is None or arn.region != caller.region:
            raise self._invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
                " SQS Error Message: The specified queue does not exist."
            )
        timeout = function.configuration.timeout if function.configuration else 0
        if queue.visibility_timeout < timeout:
            raise self._invalid(
                f"Queue visibility timeout: {queue.visibility_timeout} seconds is less than Function timeout:"
                f" {timeout} seconds"
            )

    def not_twice(self, settings: ReadOnly[str, Any], function: MappedFunction, others: Iterable[Mapping]) -> None:
        """No other mapping joins the same source and function; the qualifier counts as given."""
        arn = settings["EventSourceArn"]
        for other in others:
            if other.requested["EventSourceArn"] == arn and other.requested["FunctionArn"] == function.reference.arn:
                raise self._model.error(
                    "ResourceConflictException",
                    f'An event source mapping with SQS arn (" {arn} ") and function (" {function.reference.name} ")'
                    f" already exists. Please update or delete the existing mapping with UUID {other.uuid}",
                )

    def selected(self, caller: Caller, mapping: Mapping, params: ReadOnly[str, Any]) -> bool:
        """Whether a mapping belongs to the list that was asked for. Chosen: a qualifier must be the mapping's own."""
        if "EventSourceArn" in params and mapping.requested["EventSourceArn"] != params["EventSourceArn"]:
            return False
        if "FunctionName" not in params:
            return True
        wanted = parse(params["FunctionName"], caller.account_id, caller.region)
        return bool(mapping.requested["FunctionArn"] == wanted.arn)

    def advise(self, mapping: Mapping, function: MappedFunction) -> None:
        """Say what AWS accepts and its own guide warns of."""
        queue = self._queues.find(mapping.source_arn)
        timeout = function.configuration.timeout if function.configuration else 0
        window = mapping.settings["MaximumBatchingWindowInSeconds"]
        if queue is not None and queue.visibility_timeout < 6 * timeout + window:
            self._advice(
                mapping.uuid,
                f"the queue's visibility timeout ({queue.visibility_timeout} s) is less than 6 times the function's"
                f" timeout ({timeout} s) plus the batching window ({window} s): throttled messages may come to the"
                f" dead-letter queue unprocessed, or be delivered twice",
            )

    def _invalid(self, message: str) -> ApiError:
        return self._model.error("InvalidParameterValueException", message)
