"""From the parameters of a request to a mapping's settings: drop, reset, merge and complete them.

The values that reset a setting are those that AWS documents or that tools use: ``FilterCriteria={}``,
``ScalingConfig={}``, ``ProvisionedPollerConfig={}``, ``PollerGroupName=""``, ``KMSKeyArn=""``,
``DestinationConfig={"OnFailure": {"Destination": ""}}`` (or ``{}``), ``FunctionResponseTypes=[]``,
``MetricsConfig={"Metrics": []}`` and ``SchemaRegistryConfig={}``. A setting that is reset has its default value again,
or is absent.
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
"""Members that an update can state in part; the rest stays as it is (documented for some of them)."""

FIXED: Final[ReadOnly[str, tuple[str, ...]]] = {
    "AmazonManagedKafkaEventSourceConfig": ("ConsumerGroupId",),
    "SelfManagedKafkaEventSourceConfig": ("ConsumerGroupId", "ConsumptionMode"),
}
"""Nested members that only a request to create can state."""

FIXED_ACCESS: Final = "VIRTUAL_HOST"
"""The type of access configuration that no update can state (documented), so updates keep it."""

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
"""The values with which an update resets a setting."""


def created(params: Settings) -> dict[str, Any]:
    """Return the settings that a request to create states."""
    return _normalised(_settings_in(params))


def updated(settings: Settings, params: Settings) -> dict[str, Any]:
    """Return the settings after a request to update, without those that it resets."""
    merged = dict(settings)
    for name, value in _settings_in(params).items():
        if name == "SourceAccessConfigurations":
            merged[name] = [*value, *(access for access in merged.get(name, ()) if access.get("Type") == FIXED_ACCESS)]
        elif name not in _MERGED:
            merged[name] = value
        elif _is_reset(name, value):
            merged[name] = None
        else:
            merged[name] = {**merged.get(name, {}), **value}
    return _normalised(merged)


def without_lost_resets(settings: Settings, before: EventSource, after: EventSource) -> dict[str, Any]:
    """Return settings without the members that are reset and that the mapping no longer supports.

    An update that takes away the provisioned pollers of a Kafka mapping can reset the members that need them; they
    can also have been reset before.
    """
    return {
        name: value
        for name, value in settings.items()
        if after.supports(name) or not before.supports(name) or not _is_reset(name, value)
    }


def fixed_members(params: Settings) -> Iterator[str]:
    """Yield the members that an update cannot state, even unchanged, as paths in AWS's messages."""
    for name, members in FIXED.items():
        for member in members:
            if member in params.get(name, {}):
                yield f"{_lower(name)}.{_lower(member)}"


def completed(source: EventSource, settings: Settings, uuid: str) -> dict[str, Any]:
    """Return the settings with the source's defaults, as a response shows them."""
    full = {**source.hidden, **source.defaults, **settings}
    if source.consumer_group_in is not None:
        full[source.consumer_group_in] = {"ConsumerGroupId": uuid, **full.get(source.consumer_group_in, {})}
    if "ProvisionedPollerConfig" in full:
        full["ProvisionedPollerConfig"] = {**source.pollers, **full["ProvisionedPollerConfig"]}
    if "DocumentDBEventSourceConfig" in full:
        full["DocumentDBEventSourceConfig"] = {"FullDocument": "Default", **full["DocumentDBEventSourceConfig"]}
    return full


def _is_reset(name: str, value: Any) -> bool:
    return name in RESETS and value == RESETS[name]


def _settings_in(params: Settings) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in _NOT_SETTINGS}


def _normalised(settings: Settings) -> dict[str, Any]:
    """Return settings without those that are reset, and without what AWS drops of the others."""
    normal = {}
    for name, value in settings.items():
        if value is not None and name in _NORMAL:
            value = _NORMAL[name](value)
        if value is not None:
            normal[name] = value
    return normal


def _none_if_empty(value: Any) -> Any:
    return value or None


def _filters(value: dict[str, Any]) -> Any:
    return value if value.get("Filters") else None


def _metrics(value: dict[str, Any]) -> Any:
    return value if value.get("Metrics") else None


def _destination(value: dict[str, Any]) -> Any:
    """Keep the failure destination only, since mappings have no destination for successes."""
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
    "FunctionResponseTypes": _none_if_empty,
    "KMSKeyArn": _none_if_empty,
    "LoggingConfig": _none_if_empty,
    "MetricsConfig": _metrics,
    "ProvisionedPollerConfig": _without_empty("PollerGroupName"),
    "ScalingConfig": _none_if_empty,
    "SelfManagedKafkaEventSourceConfig": _without_empty("SchemaRegistryConfig"),
    "SourceAccessConfigurations": _none_if_empty,
}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
