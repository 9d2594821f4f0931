"""An event source as data: its parameters, limits, refusals and records. No operation branches on the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.filters import DataRules
from pytest_lambda_esm.sources.kafka_ports import KafkaKind
from pytest_lambda_esm.sources.stream_ports import StreamKind

Settings = Mapping[str, Any]
"""The settings of a mapping, under the names of the API."""

Recognise = Callable[[Settings, "Arn | None"], bool]
"""Whether a mapping with these settings and this source ARN reads a given kind of source."""

Rule = Callable[[Settings, "Circumstances"], "str | None"]
"""A rule for the settings of a mapping. Returns AWS's message if they break it, else None."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What rules can look at in addition to the settings.

    ``now`` is in seconds since the epoch, ``function_timeout`` in seconds (None if the function does not exist).
    ``account_id`` and ``region`` are those of the function.
    """

    now: float
    function_timeout: int | None
    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Attributes of an existing source.

    ``visibility_timeout`` is that of a queue in seconds, None for other sources. ``has_dead_letter_queue`` says whether
    a queue has a redrive policy.
    """

    visibility_timeout: int | None = None
    has_dead_letter_queue: bool = False


class SourceFinder(Protocol):
    """Looks up sources: in moto's storage, or in a stand-in of a unit test."""

    def find(self, arn: Arn) -> SourceFacts | None:
        """Return the source, or None if it does not exist."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The rule that refuses a second mapping.

    ``overlap`` compares the settings of two mappings of the same function. ``text`` is AWS's message, a format
    string with the fields ``source``, ``function`` (the name), ``function_arn``, ``topics`` and ``uuid``.
    """

    overlap: Callable[[Settings, Settings], bool]
    text: str


def from_arn(service: str, resource: str) -> Recognise:
    """Recognise a source by its ARN: the service, and a pattern for the whole resource."""
    matches = re.compile(resource, re.DOTALL).fullmatch

    def recognises(_: Settings, arn: Arn | None) -> bool:
        return arn is not None and arn.service == service and matches(arn.resource) is not None

    return recognises


def same_arn(one: Settings, other: Settings) -> bool:
    """Whether two mappings have the same source ARN."""
    return bool(one.get("EventSourceArn") == other.get("EventSourceArn"))


STREAM_CONFLICT: Final = Conflict(
    overlap=same_arn,
    text='The event source arn (" {source} ") and function (" {function} ") provided mapping already exists.'
    " Please update or delete the existing mapping with UUID {uuid}",
)

COMMON_MEMBERS: Final = frozenset({"UUID", "EventSourceArn", "FunctionName", "FunctionArn", "Enabled", "Tags"})
"""Members that requests and settings may have for every source today."""

EVENT_COUNTS: Final = ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount")
"""The metrics of the group EventCount that all sources with metrics share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """One kind of event source.

    Identity: ``service`` is one of ``sqs``, ``fifo``, ``kinesis``, ``dynamodb``, ``kafka``, ``self-managed``, ``mq``
    and ``rds``. ``recognises`` tells from the settings and the source ARN whether a mapping reads this kind.

    Members: ``defaults`` are always in responses, with these values unless a request states others. ``optional``
    members appear in responses only if a request states them. ``common`` members are shared with other sources.
    ``hidden`` settings apply, but no request can state them and no response shows them. ``shown`` are the members
    that responses may have, None for all. ``consumer_group_in`` is the member whose ConsumerGroupId defaults to the
    mapping's UUID; ``pollers`` completes a ProvisionedPollerConfig that states only a part.

    Refusals: ``refusals`` has AWS's messages for unsupported members that do not get the usual one. ``rules`` run in
    order once the function is known to exist. ``missing`` is the message for a source that does not exist or is in
    another region (``{arn}`` is replaced), None for sources without an ARN. ``destinations`` are the services that
    failed batches may go to.

    Delivery: ``data_rules`` says how records are filtered. ``polled_as`` is the kind of poller, None if mappings of
    the source are not polled; ``stream_kind`` is set for streams, ``kafka_kind`` for Kafka. ``user_reason`` is the
    StateTransitionReason of a user's action, ``first_result`` the LastProcessingResult of a new mapping (None if it has
    none), ``metrics`` the names of the counters that AWS keeps for a mapping.
    """

    name: str
    service: str
    recognises: Recognise

    defaults: Settings
    optional: frozenset[str]
    common: frozenset[str] = COMMON_MEMBERS
    hidden: Settings = field(default_factory=dict)
    shown: frozenset[str] | None = None
    consumer_group_in: str | None = None
    pollers: Settings = field(default_factory=dict)

    refusals: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    conflict: Conflict = STREAM_CONFLICT
    missing: str | None = None
    destinations: frozenset[str] = frozenset()

    data_rules: DataRules
    polled_as: Literal["queue", "stream", "kafka", "broker"]
    stream_kind: StreamKind | None = None
    kafka_kind: KafkaKind | None = None
    user_reason: str
    first_result: str | None = None
    metrics: tuple[str, ...] = ()

    def supports(self, member: str) -> bool:
        """Whether requests for this source may have the member."""
        return member in self.defaults or member in self.optional or member in self.common
