"""The refusals of mappings that go beyond the constraints of the service model, with AWS's messages.

Messages are recorded from AWS, or reported by many of its users, unless a comment calls them chosen.
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
from pytest_lambda_esm.config import Config
from pytest_lambda_esm.filters import Filter, InvalidPattern
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration, Functions
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.sources.catalogue import recognise
from pytest_lambda_esm.sources.event_source import Circumstances, EventSource, Settings, SourceFinder
from pytest_lambda_esm.sources.kafka import consumer_group

_DESTINATION_REFUSED: Final = "Unsupported DestinationConfig parameter for given event source mapping type."


def _never(function: FunctionConfiguration, settings: Settings) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Access to the resources that a mapping refers to.

    ``key_problem`` takes the ARN of a KMS key and returns why filter criteria cannot be decrypted with it, as an
    error code and a message, or None. ``reading_refused`` takes a function and the settings of a mapping, and returns
    AWS's text where the function's role may not read the source.
    """

    functions: Functions
    sources: SourceFinder
    key_problem: Callable[[str], tuple[str, str] | None]
    reading_refused: Callable[[FunctionConfiguration, Settings], str | None] = _never


@dataclass(frozen=True, slots=True)
class MappedFunction:
    """The function of a mapping: as the request named it, and its configuration if it exists."""

    reference: FunctionReference
    configuration: FunctionConfiguration | None

    @property
    def timeout(self) -> int | None:
        """Its timeout in seconds, None if the function does not exist."""
        return self.configuration.timeout if self.configuration else None


class MappingChecks:
    """The checks, with what they look up."""

    def __init__(self, config: Config, model: LambdaModel, lookups: Lookups) -> None:
        self._limits = config.limits
        self._maximum_filters = config.maximum_filters
        self._identity: Callable[[str], str] = str if config.distinguish_latest else _without_latest
        self._model = model
        self._lookups = lookups
        self.key_problem = lookups.key_problem

    def recognise(self, settings: Settings) -> EventSource:
        """Return the kind of source."""
        source = recognise(settings, self._limits)
        if source is None:
            raise self._invalid("Unrecognized event source.")
        return source

    def check_supported(self, source: EventSource, members: ReadOnly[str, Any]) -> None:
        """Refuse members of a request, or of the resulting settings, that the source does not have."""
        for member in members:
            if not source.supports(member):
                raise self._invalid(source.refusals.get(member) or _unsupported(member))
        if members.get("DestinationConfig", {}).get("OnSuccess", {}).get("Destination"):
            raise self._invalid(_DESTINATION_REFUSED)

    def check_changeable(self, params: ReadOnly[str, Any]) -> None:
        """Refuse members that an update cannot change."""
        for path in fixed_members(params):
            raise self._invalid(f"Unsupported '{path}' parameter for given event source mapping type.")
        if any(access.get("Type") == FIXED_ACCESS for access in params.get("SourceAccessConfigurations", ())):
            # Chosen text: the API reference says that an update cannot state it, and no answer is on record.
            raise self._invalid(f"Unsupported source access configuration type for an update: {FIXED_ACCESS}")

    def find_function(self, caller: Caller, text: str, *, required: bool = True) -> MappedFunction:
        """Return the function of this name or ARN. If it does not exist, AWS answers with 400 here, not 404."""
        reference = parse(text, caller.account_id, caller.region)
        if reference.region != caller.region:
            raise self._model.error(
                "ResourceNotFoundException",
                f"Functions from '{reference.region}' are not reachable in this region ('{caller.region}')",
            )
        # Chosen: a function of another account or partition counts as one that does not exist.
        same_account = reference.account_id == caller.account_id
        configuration = self._lookups.functions.find(reference) if same_account else None
        if configuration is None and required:
            raise self._invalid("Function does not exist")
        return MappedFunction(reference, configuration)

    def check_settings(self, source: EventSource, settings: Settings, function: MappedFunction, now: float) -> None:
        """Refuse settings that break a rule of the source or contradict each other."""
        place = function.reference
        circumstances = Circumstances(now, function.timeout, place.account_id, place.region)
        for rule in source.rules:
            problem = rule(settings, circumstances)
            if problem is not None:
                raise self._invalid(problem)
        self._check_destination(source, settings)
        self._check_filters(source, settings)

    def check_source_exists(
        self, caller: Caller, source: EventSource, settings: Settings, function: MappedFunction
    ) -> None:
        """Refuse a source that does not exist in the region, and a queue whose visibility timeout is too short."""
        arn = Arn.parse(settings.get("EventSourceArn", ""))
        if source.missing is None or arn is None:
            return
        same_region = (arn.region, arn.partition) == (caller.region, partition_of(caller.region))
        facts = self._lookups.sources.find(arn) if same_region else None
        if facts is None:
            raise self._invalid(source.missing.format(arn=settings["EventSourceArn"]))
        timeout = function.timeout or 0
        if facts.visibility_timeout is not None and facts.visibility_timeout < timeout:
            raise self._invalid(
                f"Queue visibility timeout: {facts.visibility_timeout} seconds is less than Function timeout:"
                f" {timeout} seconds"
            )

    def check_permissions(self, settings: Settings, function: MappedFunction) -> None:
        """Refuse a source that the function's role may not read."""
        configuration = function.configuration
        refused = self._lookups.reading_refused(configuration, settings) if configuration is not None else None
        if refused is not None:
            raise self._invalid(refused)

    def check_conflicts(
        self, source: EventSource, settings: Settings, function: MappedFunction, others: Iterable[Mapping]
    ) -> None:
        """Refuse a second mapping of the same source and function, and a consumer group that is in use."""
        identity = self._identity(function.reference.arn)
        group = consumer_group(settings) if source.consumer_group_in is not None else None
        for other in others:
            existing = other.requested
            if source.conflict.overlap(settings, existing) and self._identity(existing["FunctionArn"]) == identity:
                text = source.conflict.text.format(
                    source=source_name(settings),
                    function=function.reference.name,
                    function_arn=function.reference.arn,
                    topics=",".join(settings.get("Topics", ())),
                    uuid=other.uuid,
                )
                raise self._model.error("ResourceConflictException", text)
            if group is not None and consumer_group(existing) == group:
                # Chosen text: the API reference says that groups are unique, and no answer is on record.
                raise self._model.error(
                    "ResourceConflictException",
                    f"The consumer group ID {group} must be unique among all Kafka event sources, and the event source"
                    f" mapping with UUID {other.uuid} uses it already.",
                )

    def _check_destination(self, source: EventSource, settings: Settings) -> None:
        """Refuse a failure destination of another service, and FIFO queues and topics (documented; chosen text)."""
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

    def _check_filters(self, source: EventSource, settings: Settings) -> None:
        """Refuse too many filters (chosen text), and filters that are not event patterns (recorded)."""
        filters = settings.get("FilterCriteria", {}).get("Filters", ())
        if not filters:
            return
        if len(filters) > self._maximum_filters:
            raise self._invalid(
                f"Filter criteria may have at most {self._maximum_filters} filters, {len(filters)} were given."
            )
        try:
            Filter.compile([entry.get("Pattern", "") for entry in filters], source.data_rules)
        except InvalidPattern as refusal:
            raise self._invalid("Invalid filter pattern definition.") from refusal

    def _invalid(self, message: str) -> ApiError:
        return self._model.error("InvalidParameterValueException", message)


def source_name(settings: Settings) -> str:
    """Return how AWS's messages call a source: its ARN, or the bootstrap servers of self-managed Kafka."""
    endpoints = settings.get("SelfManagedEventSource", {}).get("Endpoints", {})
    servers = [server for servers in endpoints.values() for server in servers]
    return str(settings.get("EventSourceArn") or ",".join(servers))


def _without_latest(function_arn: str) -> str:
    return function_arn.removesuffix(":$LATEST")


def _unsupported(member: str) -> str:
    if member == "DestinationConfig":
        return _DESTINATION_REFUSED  # recorded without the quotes and the lower-case letter that others have
    return f"Unsupported '{member[0].lower()}{member[1:]}' parameter for given event source mapping type."
