"""From a request to a mapping's settings: what is left out, what is reset, what is merged, what is filled in.

The forms that reset a setting are those that AWS documents or that tools use: ``FilterCriteria={}``,
``ScalingConfig={}``, ``ProvisionedPollerConfig={}``, ``PollerGroupName=""``, ``KMSKeyArn=""``,
``DestinationConfig={"OnFailure": {"Destination": ""}}`` (or ``{}``), ``FunctionResponseTypes=[]``,
``MetricsConfig={"Metrics": []}`` and ``SchemaRegistryConfig={}``. A setting that is reset is as if it had never been
given: it shows its default, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.sources.event_source import EventSource, Settings

_NOT_SETTINGS: Final = frozenset({"UUID", "FunctionName", "Enabled", "Tags"})

_MERGED: Final = frozenset(
    {
        "AmazonManagedKafkaEventSourceConfig",
        "DocumentDBEventSourceConfig",
        "ProvisionedPollerConfig",
        "SelfManagedKafkaEventSourceConfig",
    }
)
"""Members of which an update may give a part: the rest stays as it is (documented for parts of them)."""

FIXED: Final[ReadOnly[str, tuple[str, ...]]] = {
    "AmazonManagedKafkaEventSourceConfig": ("ConsumerGroupId",),
    "SelfManagedKafkaEventSourceConfig": ("ConsumerGroupId", "ConsumptionMode"),
}
"""Members of members that are stated at creation, and never again."""

FIXED_ACCESS: Final = "VIRTUAL_HOST"
"""The kind of access configuration that no update may state (documented); so an update keeps it."""

RESETS: Final[ReadOnly[str, Any]] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "KMSKeyArn": "",
    "LoggingConfig": {},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "MetricsConfig": {"Metrics": []},
    "ParallelizationFactor": 1,
    "ProvisionedPollerConfig": {},
    "ScalingConfig": {},
    "SourceAccessConfigurations": [],
    "TumblingWindowInSeconds": 0,
}
"""What an update says to undo a setting."""


def given(params: Settings) -> dict[str, Any]:
    """The settings among the members of a request."""
    return {name: value for name, value in params.items() if name not in _NOT_SETTINGS}


def created(params: Settings) -> dict[str, Any]:
    """The settings that a request to create states."""
    return {name: value for name, value in _normal(given(params)) if value is not None}


def updated(settings: Settings, params: Settings) -> dict[str, Any]:
    """The settings after a request to update; without those that it resets."""
    merged = dict(settings)
    for name, value in given(params).items():
        if name == "SourceAccessConfigurations":
            merged[name] = [*value, *(one for one in merged.get(name, ()) if one.get("Type") == FIXED_ACCESS)]
        elif name not in _MERGED:
            merged[name] = value
        elif _says_reset(name, value):
            merged[name] = None
        else:
            merged[name] = {**merged.get(name, {}), **value}
    return {name: value for name, value in _normal(merged) if value is not None}


def without_lost_resets(settings: Settings, before: EventSource, after: EventSource) -> dict[str, Any]:
    """Settings without the members that are reset and that the mapping loses with the update.

    A Kafka mapping that gives up its provisioned pollers may say in the same request, or have said before, that the
    members which need them are undone.
    """
    return {
        name: value
        for name, value in settings.items()
        if after.supports(name) or not before.supports(name) or not _says_reset(name, value)
    }


def fixed_members(params: Settings) -> Iterator[str]:
    """What an update may not change, even to the same value: paths as in AWS's texts."""
    for name, members in FIXED.items():
        for member in members:
            if member in params.get(name, {}):
                yield f"{_lower(name)}.{_lower(member)}"


def completed(source: EventSource, settings: Settings, uuid: str) -> dict[str, Any]:
    """The settings with the defaults of the source, as an answer shows them."""
    full = {**source.hidden, **source.defaults, **settings}
    if source.consumer_group_in is not None:
        full[source.consumer_group_in] = {"ConsumerGroupId": uuid, **full.get(source.consumer_group_in, {})}
    if "ProvisionedPollerConfig" in full:
        full["ProvisionedPollerConfig"] = {**source.pollers, **full["ProvisionedPollerConfig"]}
    if "DocumentDBEventSourceConfig" in full:
        full["DocumentDBEventSourceConfig"] = {"FullDocument": "Default", **full["DocumentDBEventSourceConfig"]}
    return full


def _says_reset(name: str, value: Any) -> bool:
    return name in RESETS and value == RESETS[name]


def _normal(settings: ReadOnly[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        yield name, (_NORMAL[name](value) if name in _NORMAL and value is not None else value)


def _unless_empty(value: Any) -> Any:
    return value or None


def _filters(value: dict[str, Any]) -> Any:
    return value if value.get("Filters") else None


def _metrics(value: dict[str, Any]) -> Any:
    return value if value.get("Metrics") else None


def _destination(value: dict[str, Any]) -> Any:
    """The destination of failures alone, since mappings have none for successes."""
    destination = value.get("OnFailure", {}).get("Destination")
    return {"OnFailure": {"Destination": destination}} if destination else None


def _without_empty(member: str) -> Callable[[dict[str, Any]], Any]:
    def normal(value: dict[str, Any]) -> Any:
        return {name: inner for name, inner in value.items() if name != member or inner}

    return normal


_NORMAL: Final[dict[str, Callable[[Any], Any]]] = {
    "AmazonManagedKafkaEventSourceConfig": _without_empty("SchemaRegistryConfig"),
    "DestinationConfig": _destination,
    "FilterCriteria": _filters,
    "FunctionResponseTypes": _unless_empty,
    "KMSKeyArn": _unless_empty,
    "LoggingConfig": _unless_empty,
    "MetricsConfig": _metrics,
    "ProvisionedPollerConfig": _without_empty("PollerGroupName"),
    "ScalingConfig": _unless_empty,
    "SelfManagedKafkaEventSourceConfig": _without_empty("SchemaRegistryConfig"),
    "SourceAccessConfigurations": _unless_empty,
}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
