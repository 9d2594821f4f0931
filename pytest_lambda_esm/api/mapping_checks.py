"""What a mapping must be like: the refusals behind the constraints of the service model, in AWS's words.

Texts are recorded from AWS, or reported by many users of it, unless a comment says that they are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.api.mapping_settings import FIXED_ACCESS, fixed_members
from pytest_lambda_esm.arn import Arn, FunctionReference, parse, partition_of
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.filters import Filter, InvalidPattern
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration, Functions
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.sources.catalogue import recognise
from pytest_lambda_esm.sources.event_source import Circumstances, EventSource, Settings, SourceFinder
from pytest_lambda_esm.sources.kafka import consumer_group

_DESTINATION_REFUSED: Final = "Unsupported DestinationConfig parameter for given event source mapping type."


@dataclass(frozen=True, slots=True)
class MappedFunction:
    """The function of a mapping: as the request named it, and its configuration where it exists."""

    reference: FunctionReference
    configuration: FunctionConfiguration | None

    @property
    def timeout(self) -> int | None:
        """Its timeout in seconds, None where it does not exist."""
        return self.configuration.timeout if self.configuration else None


class MappingChecks:
    """The checks, with what they look at. ``advice`` receives what AWS accepts and production regrets."""

    def __init__(
        self,
        model: LambdaModel,
        functions: Functions,
        sources: SourceFinder,
        advice: Callable[[str, str], None],
        *,
        limits: str,
        maximum_filters: int,
        distinguish_latest: bool,
    ) -> None:
        self._model = model
        self._functions = functions
        self._sources = sources
        self._advice = advice
        self._limits = limits
        self._maximum_filters = maximum_filters
        self._identity: Callable[[str], str] = str if distinguish_latest else _without_latest

    def recognised(self, settings: Settings) -> EventSource:
        """The kind of source."""
        source = recognise(settings, self._limits)
        if source is None:
            raise self._invalid("Unrecognized event source.")
        return source

    def supported(self, source: EventSource, members: ReadOnly[str, Any]) -> None:
        """Each member of a request, or of the settings it leads to, is one that the source has."""
        for member in members:
            if not source.supports(member):
                raise self._invalid(source.refusals.get(member) or _unsupported(member))
        if members.get("DestinationConfig", {}).get("OnSuccess", {}).get("Destination"):
            raise self._invalid(_DESTINATION_REFUSED)

    def changeable(self, params: ReadOnly[str, Any]) -> None:
        """What an update states may change at all."""
        for path in fixed_members(params):
            raise self._invalid(f"Unsupported '{path}' parameter for given event source mapping type.")
        if any(one.get("Type") == FIXED_ACCESS for one in params.get("SourceAccessConfigurations", ())):
            # Chosen text: the API reference says that an update cannot state it, and no answer is on record.
            raise self._invalid(f"Unsupported source access configuration type for an update: {FIXED_ACCESS}")

    def function(self, caller: Caller, text: str, *, required: bool = True) -> MappedFunction:
        """The function named. AWS answers 400 here where it does not exist, not 404."""
        reference = parse(text, caller.account_id, caller.region)
        if reference.region != caller.region:
            raise self._model.error(
                "ResourceNotFoundException",
                f"Functions from '{reference.region}' are not reachable in this region ('{caller.region}')",
            )
        # Chosen: a function of another account, or of another partition, is as one that does not exist.
        configuration = self._functions.find(reference) if reference.account_id == caller.account_id else None
        if configuration is None and required:
            raise self._invalid("Function does not exist")
        return MappedFunction(reference, configuration)

    def fits(self, source: EventSource, settings: Settings, function: MappedFunction, now: float) -> None:
        """The settings agree with each other and with the source."""
        circumstances = Circumstances(now, function.timeout)
        for rule in source.rules:
            problem = rule(settings, circumstances)
            if problem is not None:
                raise self._invalid(problem)
        self._destination_fits(source, settings)
        self._filters_fit(source, settings)

    def source_exists(self, caller: Caller, source: EventSource, settings: Settings, function: MappedFunction) -> None:
        """The source is there, in the region; a queue's visibility timeout is no shorter than the function's."""
        arn = Arn.parse(settings.get("EventSourceArn", ""))
        if source.missing is None or arn is None:
            return
        here = (arn.region, arn.partition) == (caller.region, partition_of(caller.region))
        facts = self._sources.find(arn) if here else None
        if facts is None:
            raise self._invalid(source.missing.format(arn=settings["EventSourceArn"]))
        timeout = function.timeout or 0
        if facts.visibility_timeout is not None and facts.visibility_timeout < timeout:
            raise self._invalid(
                f"Queue visibility timeout: {facts.visibility_timeout} seconds is less than Function timeout:"
                f" {timeout} seconds"
            )

    def not_twice(
        self, source: EventSource, settings: Settings, function: MappedFunction, others: Iterable[Mapping]
    ) -> None:
        """No other mapping joins the same source and function, or is in the same consumer group."""
        identity, group = self._identity(function.reference.arn), consumer_group(settings)
        for other in others:
            taken = other.requested
            if self._identity(taken["FunctionArn"]) == identity and source.conflict.overlap(settings, taken):
                text = source.conflict.text.format(
                    source=source_name(settings),
                    function=function.reference.name,
                    function_arn=function.reference.arn,
                    topics=",".join(settings.get("Topics", ())),
                    uuid=other.uuid,
                )
                raise self._model.error("ResourceConflictException", text)
            if group is not None and consumer_group(taken) == group:
                # Chosen text: the API reference says that groups are unique, and no answer is on record.
                raise self._model.error(
                    "ResourceConflictException",
                    f"The consumer group ID {group} must be unique among all Kafka event sources, and the event source"
                    f" mapping with UUID {other.uuid} uses it already.",
                )

    def advise(self, mapping: Mapping, function: MappedFunction) -> None:
        """Say what AWS accepts and its own guide warns of."""
        arn = Arn.parse(mapping.source_arn)
        facts = self._sources.find(arn) if arn is not None else None
        timeout = function.timeout or 0
        window = mapping.settings.get("MaximumBatchingWindowInSeconds", 0)
        if facts is None or facts.visibility_timeout is None or facts.visibility_timeout >= 6 * timeout + window:
            return
        self._advice(
            mapping.uuid,
            f"the queue's visibility timeout ({facts.visibility_timeout} s) is less than 6 times the function's"
            f" timeout ({timeout} s) plus the batching window ({window} s): throttled messages may come to the"
            f" dead-letter queue unprocessed, or be delivered twice",
        )

    def _destination_fits(self, source: EventSource, settings: Settings) -> None:
        """Failures go to a service that the source may use, and to no FIFO queue or topic (documented; chosen text)."""
        destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination is None:
            return
        arn = Arn.parse(destination)
        service = arn.service if arn is not None else destination.partition("://")[0]
        if service not in source.destinations or destination.endswith(".fifo"):
            raise self._invalid(
                f"The provided destination config DestinationConfig(onSuccess=null,"
                f" onFailure=OnFailure(destination={destination})) is invalid."
            )

    def _filters_fit(self, source: EventSource, settings: Settings) -> None:
        """Filters are few enough (chosen text), and each is an event pattern (recorded)."""
        filters = settings.get("FilterCriteria", {}).get("Filters", ())
        if not filters:
            return
        if len(filters) > self._maximum_filters:
            raise self._invalid(
                f"Filter criteria may have at most {self._maximum_filters} filters, {len(filters)} were given."
            )
        try:
            Filter.compile([one.get("Pattern", "") for one in filters], source.data_rules)
        except InvalidPattern as refusal:
            raise self._invalid("Invalid filter pattern definition.") from refusal

    def _invalid(self, message: str) -> ApiError:
        return self._model.error("InvalidParameterValueException", message)


def source_name(settings: Settings) -> str:
    """A source as AWS's texts call it: its ARN, or the bootstrap servers of self-managed Kafka."""
    endpoints = settings.get("SelfManagedEventSource", {}).get("Endpoints", {})
    servers = [server for servers in endpoints.values() for server in servers]
    return str(settings.get("EventSourceArn") or ",".join(servers))


def _without_latest(function_arn: str) -> str:
    return function_arn.removesuffix(":$LATEST")


def _unsupported(member: str) -> str:
    if member == "DestinationConfig":
        return _DESTINATION_REFUSED  # recorded without the quotes and the small letter that others have
    return f"Unsupported '{member[0].lower()}{member[1:]}' parameter for given event source mapping type."
