"""Advice on the settings of a mapping, together with those of its function and its source.

It is given when a mapping is created or updated and, since the function and the source may change later, when a test
takes the advice. Each check looks at one :class:`Setup`, and returns a :class:`Problem` or None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pytest_lambda_esm.api.filter_advice import hopeless
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.arn import Arn, FunctionReference, parse
from pytest_lambda_esm.config import Config
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration, InvokeConfigs
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.ports import Advice
from pytest_lambda_esm.sources.event_source import Settings, SourceFacts, SourceFinder
from pytest_lambda_esm.sources.kafka import consumption_mode
from pytest_lambda_esm.wording import counted

LONGEST_QUIET_WAIT: Final = 20
"""Seconds that a message in a quiet queue may wait, whatever the batching window (developer guide)."""


class MappedFunctions(Protocol):
    """Finds functions and their aliases."""

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """Return the configuration of a function at a qualifier, or None if it does not exist."""
        ...

    def aliases(self, reference: FunctionReference) -> list[str]:
        """Return the names of a function's aliases."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A mapping with everything that its advice depends on.

    ``siblings()`` returns the settings of all mappings of the function, this one included. ``pollers`` is how many
    batches of a queue a mapping starts with; ``low_traffic_wait`` is the setting, in seconds. ``is_serial()`` says
    whether the source is a broker that has one batch in flight at most.
    """

    settings: Settings
    reference: FunctionReference
    function: FunctionConfiguration
    source: Arn | None
    facts: SourceFacts | None
    siblings: Callable[[], list[Settings]]
    aliases: list[str]
    has_async_target: bool
    pollers: int
    low_traffic_wait: float
    is_serial: Callable[[], bool]

    @property
    def visibility(self) -> int | None:
        """The queue's visibility timeout in seconds; None if the source is no queue, or does not exist."""
        return self.facts.visibility_timeout if self.facts is not None else None

    @property
    def window(self) -> int:
        """The batching window in seconds."""
        return int(self.settings.get("MaximumBatchingWindowInSeconds") or 0)

    @property
    def reserved(self) -> int | None:
        """The function's reserved concurrency, or None."""
        return self.function.reserved_concurrency


Problem = tuple[str, dict[str, Any]]
"""A code, and the details for its text."""


class MappingAdvice:
    """Gives advice on mappings: ``store`` has all of the fake, deleted ones included.

    ``is_serial(arn)`` says whether a source is a broker that has one batch in flight at most.
    """

    def __init__(
        self,
        config: Config,
        *,
        functions: MappedFunctions,
        sources: SourceFinder,
        invoke_configs: InvokeConfigs,
        store: MappingStore,
        advice: Advice,
        is_serial: Callable[[str], bool],
    ) -> None:
        self._config = config
        self._functions = functions
        self._sources = sources
        self._invoke_configs = invoke_configs
        self._store = store
        self._advice = advice
        self._is_serial = is_serial

    def review_all(self) -> None:
        """Review each mapping as it is now."""
        if self._config.advice == "off":
            return
        for mapping in self._existing():
            self.review(mapping, mapping._in_force)

    def review(self, mapping: Mapping, settings: Settings) -> None:
        """Give advice on a mapping with settings that it has, or will have once it has settled."""
        if self._config.advice == "off":
            return
        reference = parse(settings["FunctionArn"], mapping.account_id, mapping.region)
        function = self._functions.find(reference)
        if function is None:
            self._advice.give("ESM124", mapping.uuid, function=reference.name)
            return
        setup = self._setup(mapping, settings, reference, function)
        for check in _CHECKS:
            problem = check(setup)
            if problem is not None:
                subject = setup.function.name if problem[0] in _OF_FUNCTIONS else mapping.uuid
                self._advice.give(problem[0], subject, **problem[1])

    def on_create(self, mapping: Mapping, settings: Settings) -> None:
        """Review a new mapping, also for what an earlier one of the same stream and function has read."""
        self.review(mapping, settings)
        if self._config.advice == "off" or not _is_stream(settings):
            return
        what = _RECREATED.get(settings.get("StartingPosition", ""))
        for other in self._store if what is not None else ():
            if other._has_been(GONE) and other._has_been("Enabled") and _same(other._in_force, settings):
                self._advice.give("ESM119", mapping.uuid, what=f"an earlier mapping of this stream was deleted: {what}")

    def on_list(self, asked: int) -> None:
        """Say that a list was cut off below the number of mappings that the caller asked for."""
        self._advice.give("ESM142", "ListEventSourceMappings", asked=asked)

    def _existing(self) -> list[Mapping]:
        """Return the mappings that are not being deleted, without following time: a test may have ended."""
        return [mapping for mapping in self._store.shown() if not mapping._has_been("Deleting")]

    def _setup(
        self, mapping: Mapping, settings: Settings, reference: FunctionReference, function: FunctionConfiguration
    ) -> Setup:
        def siblings() -> list[Settings]:
            others = (each for each in self._existing() if each is not mapping)
            return [settings, *(each._in_force for each in others if _runs(each, reference))]

        source = Arn.parse(settings.get("EventSourceArn", ""))
        invoke_config = self._invoke_configs.find(
            reference.account_id, reference.region, reference.name, reference.qualifier or "$LATEST"
        )
        return Setup(
            settings=settings,
            reference=reference,
            function=function,
            source=source,
            facts=self._sources.find(source) if source is not None else None,
            siblings=siblings,
            aliases=self._functions.aliases(reference),
            has_async_target=bool(function.dead_letter or (invoke_config and invoke_config.on_failure)),
            pollers=self._config.initial_concurrency,
            low_traffic_wait=self._config.low_traffic_wait,
            is_serial=lambda: self._is_serial(mapping.source_arn),
        )


_OF_FUNCTIONS: Final = frozenset({"ESM104", "ESM129"})
"""The codes that are given once for a function, however many mappings it has."""

_RECREATED: Final = {
    "LATEST": "the new one starts at LATEST, and skips what was written in between",
    "TRIM_HORIZON": "the new one starts at TRIM_HORIZON, and reads again what the old one has processed",
}


def _is_stream(settings: Settings) -> bool:
    arn = Arn.parse(settings.get("EventSourceArn", ""))
    return arn is not None and arn.service in ("kinesis", "dynamodb")


def _same(one: Settings, other: Settings) -> bool:
    return all(one.get(name) == other.get(name) for name in ("EventSourceArn", "FunctionArn"))


def _runs(mapping: Mapping, reference: FunctionReference) -> bool:
    other = parse(mapping.function_arn, mapping.account_id, mapping.region)
    return other.unqualified_arn == reference.unqualified_arn


def _maximum_concurrency(settings: Settings) -> int | None:
    maximum = (settings.get("ScalingConfig") or {}).get("MaximumConcurrency")
    return int(maximum) if maximum is not None else None


# --- the checks ------------------------------------------------------------------------------------------


def _visibility(setup: Setup) -> Problem | None:
    visibility, timeout, window = setup.visibility, setup.function.timeout, setup.window
    if visibility is None or visibility >= 6 * timeout + window:
        return None
    if visibility < timeout:
        return "ESM101", {"visibility": visibility, "timeout": timeout}
    return "ESM102", {"visibility": visibility, "timeout": timeout, "window": window}


def _low_reserved(setup: Setup) -> Problem | None:
    """The pollers start with more batches than the function may run, and the queue has a dead-letter queue.

    The batches of a FIFO queue are limited by its groups.
    """
    if setup.source is None or setup.source.resource.endswith(".fifo"):
        return None
    limited = _maximum_concurrency(setup.settings) is not None or setup.settings.get("ProvisionedPollerConfig")
    if setup.facts is None or not setup.facts.has_dead_letter_queue or limited or not setup.reserved:
        return None
    if setup.reserved >= setup.pollers:
        return None
    what = (
        f"the reserved concurrency of {setup.function.name!r} is {setup.reserved}, and its mapping starts with"
        f" {counted(setup.pollers, 'batch')} at a time"
    )
    return "ESM103", {"what": what}


def _overbooked(setup: Setup) -> Problem | None:
    if not setup.reserved or _maximum_concurrency(setup.settings) is None:
        return None
    maximum = sum(filter(None, map(_maximum_concurrency, setup.siblings())))
    if maximum <= setup.reserved:
        return None
    return "ESM104", {"function": setup.function.name, "maximum": counted(maximum, "batch"), "reserved": setup.reserved}


def _short_window(setup: Setup) -> Problem | None:
    is_queue = setup.visibility is not None
    if not is_queue or not 0 < setup.window < LONGEST_QUIET_WAIT or setup.low_traffic_wait:
        return None
    return "ESM112", {"window": setup.window}


def _hopeless_filter(setup: Setup) -> Problem | None:
    if setup.source is None or setup.source.service != "dynamodb":
        return None
    patterns = [each.get("Pattern", "") for each in (setup.settings.get("FilterCriteria") or {}).get("Filters") or ()]
    found = next((each for pattern in patterns for each in hopeless(pattern)), None)
    return ("ESM122", {"path": found.path, "why": found.why}) if found is not None else None


def _latest(setup: Setup) -> Problem | None:
    if setup.reference.qualifier is not None or not setup.aliases:
        return None
    return "ESM125", {"function": setup.function.name, "alias": setup.aliases[0]}


def _paused(setup: Setup) -> Problem | None:
    return ("ESM129", {"function": setup.function.name}) if setup.reserved == 0 else None


def _unused_target(setup: Setup) -> Problem | None:
    if setup.visibility is None or setup.facts is None or setup.facts.has_dead_letter_queue:
        return None
    if not setup.has_async_target:
        return None
    what = (
        f"the dead-letter queue or on-failure destination of {setup.function.name!r} gets asynchronous events only:"
        f" messages of this mapping's queue that always fail never go there, and the queue has no redrive policy"
    )
    return "ESM130", {"what": what}


def _limited_by_destination(setup: Setup) -> Problem | None:
    is_kafka = "SelfManagedEventSource" in setup.settings or (setup.source and setup.source.service == "kafka")
    destination = ((setup.settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    default = 0 if consumption_mode(setup.settings) == "Queue" else -1
    unlimited = setup.settings.get("MaximumRetryAttempts", default) == -1
    return ("ESM133", {}) if is_kafka and destination and unlimited else None


def _serial(setup: Setup) -> Problem | None:
    """The function is prepared for more batches at a time than its broker allows."""
    is_broker = setup.source is not None and setup.source.service == "mq"
    if not is_broker or (setup.reserved or 0) < 2 or not setup.is_serial():
        return None
    what = (
        f"{setup.function.name!r} has a reserved concurrency of {setup.reserved}, but a mapping of RabbitMQ runs"
        f" only one invocation at a time"
    )
    return "ESM136", {"what": what}


_CHECKS: Final[tuple[Callable[[Setup], Problem | None], ...]] = (
    _visibility,
    _low_reserved,
    _overbooked,
    _short_window,
    _hopeless_filter,
    _latest,
    _paused,
    _unused_target,
    _limited_by_destination,
    _serial,
)
