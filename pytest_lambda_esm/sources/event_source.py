"""What an event source supports, as data: one value a source, so that no operation branches on a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pytest_lambda_esm.arn import Arn

Settings = Mapping[str, Any]
"""The settings of a mapping, by their names on the wire."""

Recognise = Callable[[Settings, "Arn | None"], bool]
"""Whether a mapping with these settings, of a source with this ARN, is of a kind."""

COMMON_MEMBERS: Final = frozenset({"UUID", "EventSourceArn", "FunctionName", "FunctionArn", "Enabled", "Tags"})
"""Members of requests and of settings that every source has today."""

Rule = Callable[[Settings, "Circumstances"], "str | None"]
"""A demand on the settings of a mapping: AWS's text where they break it, else None."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a rule may look at beside the settings.

    ``now`` is in seconds since the epoch; ``function_timeout`` in seconds, None where the function does not exist.
    """

    now: float
    function_timeout: int | None


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the service asks an existing source for: a queue's visibility timeout in seconds, else None."""

    visibility_timeout: int | None = None


class SourceFinder(Protocol):
    """Looks sources up. Real ones live in moto's storage; unit tests bring their own."""

    def find(self, arn: Arn) -> SourceFacts | None:
        """The source, or None where it does not exist."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """When two mappings of one function are one too many.

    ``overlap`` compares the settings of two mappings of the same source and function. ``text`` is AWS's refusal;
    its fields are ``source``, ``function`` (the name), ``function_arn``, ``topics`` and ``uuid``.
    """

    overlap: Callable[[Settings, Settings], bool]
    text: str


def same_arn(one: Settings, other: Settings) -> bool:
    """Two mappings read the same source."""
    return bool(one.get("EventSourceArn") == other.get("EventSourceArn"))


EVENT_COUNTS: Final = ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount")
"""The counters of the group EventCount that every source with metrics has."""

STREAM_CONFLICT: Final = Conflict(
    overlap=same_arn,
    text='The event source arn (" {source} ") and function (" {function} ") provided mapping already exists.'
    " Please update or delete the existing mapping with UUID {uuid}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """One kind of event source.

    ``service`` names the kind: ``sqs``, ``fifo``, ``kinesis``, ``dynamodb``, ``kafka``, ``self-managed``, ``mq`` or
    ``rds``. ``recognises`` tells from the settings and the source's ARN (None without one) whether a mapping is of
    this kind. ``common`` are the members that it shares with all others.

    ``defaults`` are the members that every answer shows, with the values that hold when a request leaves them out.
    ``optional`` are the members that a request may give and that an answer shows only then; ``hidden`` are settings
    that hold, that no request may give and no answer shows. ``refusals`` are texts for other members, where they are
    known. ``rules`` are asked in their order once the function is known to exist. ``missing`` is the refusal when the
    source does not exist or is in another region (``{arn}`` stands for its ARN), None for sources without an ARN.

    ``destinations`` are the services that failed batches may be sent to. ``filter_rules`` names the rules by which
    records are filtered. ``consumer_group_in`` is the member whose ConsumerGroupId is the mapping's UUID by default;
    ``pollers`` are the members of ProvisionedPollerConfig that hold where a request gives one of them only.
    ``user_reason`` is AWS's StateTransitionReason for what a user asked for; ``first_result`` the
    LastProcessingResult of a new mapping, None where the source shows none. ``shown`` are the members that an
    answer may have, None for all of them. ``metrics`` are the names of the counters that AWS keeps for its mappings.
    """

    name: str
    service: str
    recognises: Recognise
    defaults: Settings
    optional: frozenset[str]
    common: frozenset[str] = COMMON_MEMBERS
    hidden: Settings = field(default_factory=dict)
    user_reason: str
    first_result: str | None = None
    rules: tuple[Rule, ...] = ()
    conflict: Conflict = STREAM_CONFLICT
    missing: str | None = None
    destinations: frozenset[str] = frozenset()
    filter_rules: str | None = None
    consumer_group_in: str | None = None
    pollers: Settings = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    shown: frozenset[str] | None = None
    metrics: tuple[str, ...] = ()

    def supports(self, member: str) -> bool:
        """Whether a request for this source may have the member."""
        return member in self.defaults or member in self.optional or member in self.common
