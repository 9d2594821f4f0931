"""Demands on the settings of a mapping, in AWS's words, from which the tables of the sources are put together.

Texts are recorded from AWS, stated by its guide, or reported by many users of it; those marked "chosen" are ours,
because nobody has published an answer of AWS.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from pytest_lambda_esm.sources.event_source import Circumstances, Rule, Settings

NULL_POSITION: Final = (
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint:"
    " Member must not be null."
)
_EARLIEST: Final = -62_135_596_800.0
"""The year 1, before which no client can state a time."""


def batch_size_at_most(limit: int) -> Rule:
    """The batch size fits the source. The text is that of 2018 for queues; no newer one is on record."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        if settings["BatchSize"] <= limit:
            return None
        return f"Maximum batch size must be between 1 and {limit} inclusive"

    return rule


def window_for_large_batches(settings: Settings, _: Circumstances) -> str | None:
    """More than ten messages take time to collect (recorded, for queues only)."""
    if settings["BatchSize"] > 10 and settings["MaximumBatchingWindowInSeconds"] == 0:
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    return None


def no_window(settings: Settings, _: Circumstances) -> str | None:
    """FIFO queues have no batching window (reported)."""
    if settings["MaximumBatchingWindowInSeconds"] > 0:
        return "Batching window is not supported for FIFO queues"
    return None


def record_age(settings: Settings, _: Circumstances) -> str | None:
    """Records grow at least a minute old, or as old as they like (reported)."""
    if 0 <= settings.get("MaximumRecordAgeInSeconds", -1) < 60:
        return "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"
    return None


def position_needed(settings: Settings, _: Circumstances) -> str | None:
    """Where to begin to read has to be said (recorded, with the code InvalidParameterValueException)."""
    return None if "StartingPosition" in settings else NULL_POSITION


def no_timestamp_position(settings: Settings, _: Circumstances) -> str | None:
    """Not every stream can be read from a time on (recorded, for DynamoDB)."""
    if settings.get("StartingPosition") == "AT_TIMESTAMP":
        return f"Unsupported starting position for arn type: {settings['EventSourceArn']}"
    return None


def timestamp(settings: Settings, circumstances: Circumstances) -> str | None:
    """A time goes with AT_TIMESTAMP, and lies in the past. The first text is reported, the others are chosen."""
    at, moment = settings.get("StartingPosition") == "AT_TIMESTAMP", settings.get("StartingPositionTimestamp")
    if moment is None:
        return "Need to specify a timestamp" if at else None
    if not at:
        return "StartingPositionTimestamp is only supported with StartingPosition AT_TIMESTAMP"
    if moment > circumstances.now:
        return "StartingPositionTimestamp cannot be in the future"
    return "StartingPositionTimestamp is out of range" if moment < _EARLIEST else None


def needs(member: str) -> Rule:
    """A member has to be given, and not be empty (recorded, for the access configurations of Kafka)."""
    wire_name = member[0].lower() + member[1:]

    def rule(settings: Settings, _: Circumstances) -> str | None:
        return None if settings.get(member) else f"Required '{wire_name}' parameter is missing."

    return rule


def needs_database(settings: Settings, _: Circumstances) -> str | None:
    """A change stream belongs to a database (chosen text)."""
    if settings["DocumentDBEventSourceConfig"].get("DatabaseName"):
        return None
    return "Required 'documentDBEventSourceConfig.databaseName' parameter is missing."


def access_types(known: Collection[str]) -> Rule:
    """Access configurations are of kinds that the source has, and complete (chosen texts)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        for access in settings.get("SourceAccessConfigurations", ()):
            if access.get("Type") not in known:
                return f"Unsupported source access configuration type for given event source: {access.get('Type')}"
            if not access.get("URI"):
                return f"Required 'uRI' parameter is missing in source access configuration: {access['Type']}"
        return None

    return rule


def needs_access(kind: str) -> Rule:
    """One of the access configurations is of this kind (documented rule, chosen text)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        if any(access.get("Type") == kind for access in settings.get("SourceAccessConfigurations", ())):
            return None
        return f"Required source access configuration type is missing for given event source: {kind}"

    return rule


def metrics_among(known: Collection[str]) -> Rule:
    """Metrics are of groups that the source has (chosen text)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        for metric in settings.get("MetricsConfig", {}).get("Metrics", ()):
            if metric not in known:
                return f"Unsupported metric for given event source mapping type: {metric}"
        return None

    return rule


def pollers_between(least: int, most: int) -> Rule:
    """Provisioned pollers stay within the limits of the source (reported)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        pollers = settings.get("ProvisionedPollerConfig")
        if pollers is None:
            return None
        low, high = pollers.get("MinimumPollers"), pollers.get("MaximumPollers")
        if low is None and high is None:
            return "Either MinimumPollers or MaximumPollers are required if ProvisionedPollerConfig is provided."
        low = least if low is None else low
        if not least <= low <= 200 or not low <= (most if high is None else high) <= most:
            return (
                f"MinimumPollers should be between [{least}, 200] and MaximumPollers should be between"
                f" [MinimumPollers, {most}]"
            )
        return None

    return rule


def pollers_or_concurrency(settings: Settings, _: Circumstances) -> str | None:
    """Provisioned pollers bring their own limit (reported)."""
    if "ProvisionedPollerConfig" in settings and "ScalingConfig" in settings:
        return (
            "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the"
            " control mechanism and remove maximum concurrency."
        )
    return None


def no_poller_group(settings: Settings, _: Circumstances) -> str | None:
    """Groups of pollers are for Kafka only (chosen text)."""
    if "PollerGroupName" in settings.get("ProvisionedPollerConfig", {}):
        return "Unsupported 'provisionedPollerConfig.pollerGroupName' parameter for given event source mapping type."
    return None


def function_timeout_at_most(seconds: int) -> Rule:
    """Functions of this source end within 14 minutes (documented rule, chosen text)."""

    def rule(_: Settings, circumstances: Circumstances) -> str | None:
        if (circumstances.function_timeout or 0) <= seconds:
            return None
        return (
            f"Function timeout: {circumstances.function_timeout} seconds is greater than the maximum for this event"
            f" source: {seconds} seconds"
        )

    return rule


def finite_retries(settings: Settings, _: Circumstances) -> str | None:
    """In queue mode the broker, not Lambda, delivers again and again (documented rule, chosen text)."""
    if settings.get("MaximumRetryAttempts") == -1:
        return "MaximumRetryAttempts of -1 is not supported in Queue consumption mode"
    return None


def registry_of(settings: Settings, member: str) -> Any:
    """The schema registry of a Kafka mapping, or None."""
    return settings.get(member, {}).get("SchemaRegistryConfig")


def no_registry(member: str) -> Rule:
    """Schemas are for provisioned mode only (documented text)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        if registry_of(settings, member) is None:
            return None
        return (
            "SchemaRegistryConfig is only available for Provisioned Mode. To configure Schema Registry, please enable"
            " Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig."
        )

    return rule


def registry(member: str) -> Rule:
    """A schema registry is stated in full (documented texts)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        given = registry_of(settings, member)
        return None if given is None else _registry_problem(given)

    return rule


def _registry_problem(registry: dict[str, Any]) -> str | None:
    uri = str(registry.get("SchemaRegistryURI", ""))
    if not uri.startswith(("http://", "https://")) and ":glue:" not in uri:
        return (
            "Malformed SchemaRegistryURI provided. Please provide a valid URI or ARN. For example,"
            " https://schema-registry.example.com:8081 or"
            " arn:aws:glue:us-east-1:123456789012:registry/ExampleRegistry."
        )
    if "EventRecordFormat" not in registry:
        return (
            "EventRecordFormat is a required field for SchemaRegistryConfig. Please provide one of supported format"
            " types: SOURCE, JSON."
        )
    if not registry.get("SchemaValidationConfigs"):
        return "SchemaValidationConfigs is a required field for SchemaRegistryConfig."
    attributes = [config.get("Attribute") for config in registry["SchemaValidationConfigs"]]
    if len(set(attributes)) < len(attributes) or None in attributes:
        return (
            "Duplicate KEY/VALUE Attribute in SchemaValidationConfigs. SchemaValidationConfigs must contain at most"
            " one KEY/VALUE Attribute."
        )
    if ":glue:" in uri and registry.get("AccessConfigs"):
        return "AccessConfigs are not supported for AWS Glue Schema Registry."  # chosen text, documented rule
    return None
