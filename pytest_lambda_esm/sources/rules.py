"""Rules for the settings of a mapping, with AWS's messages. Each event source lists the rules that apply to it.

Messages are recorded from AWS, documented in its guide, or reported by many of its users. Those marked "chosen" are
our own, because no answer of AWS is published.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.sources.event_source import Circumstances, Rule, Settings

NULL_POSITION: Final = (
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint:"
    " Member must not be null."
)
_EARLIEST: Final = -62_135_596_800.0
"""The year 1: clients cannot state an earlier time."""

BROKER_FUNCTION_TIMEOUT: Final = 840
"""The longest timeout, in seconds, of a function that reads from a broker or from DocumentDB (documented)."""

BAD_FUNCTION: Final = ("FUNCTION_CONFIG_NOT_VALID", "PROBLEM: The function's configuration is not valid.")
"""Of a mapping of Kafka or Amazon MQ whose function has got a longer timeout later (documented code, chosen case)."""


def batch_size_at_most(limit: int) -> Rule:
    """Limit the batch size. The message is that of 2018 for queues; no newer one is on record."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        if settings["BatchSize"] <= limit:
            return None
        return f"Maximum batch size must be between 1 and {limit} inclusive"

    return rule


def window_for_large_batches(settings: Settings, _: Circumstances) -> str | None:
    """Require a batching window for batches of more than ten messages (recorded, for queues only)."""
    if settings["BatchSize"] > 10 and settings["MaximumBatchingWindowInSeconds"] == 0:
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    return None


def no_window(settings: Settings, _: Circumstances) -> str | None:
    """Refuse a batching window, for FIFO queues (reported)."""
    if settings["MaximumBatchingWindowInSeconds"] > 0:
        return "Batching window is not supported for FIFO queues"
    return None


def record_age(settings: Settings, _: Circumstances) -> str | None:
    """The maximum record age is -1 or at least 60 (reported)."""
    if 0 <= settings.get("MaximumRecordAgeInSeconds", -1) < 60:
        return "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"
    return None


def position_needed(settings: Settings, _: Circumstances) -> str | None:
    """Require a starting position (recorded, with the code InvalidParameterValueException)."""
    return None if "StartingPosition" in settings else NULL_POSITION


def no_timestamp_position(settings: Settings, _: Circumstances) -> str | None:
    """Refuse AT_TIMESTAMP (recorded, for DynamoDB)."""
    if settings.get("StartingPosition") == "AT_TIMESTAMP":
        return f"Unsupported starting position for arn type: {settings['EventSourceArn']}"
    return None


def timestamp(settings: Settings, circumstances: Circumstances) -> str | None:
    """AT_TIMESTAMP needs a time, in the past. The first message is reported, the others are chosen."""
    at_timestamp = settings.get("StartingPosition") == "AT_TIMESTAMP"
    moment = settings.get("StartingPositionTimestamp")
    if moment is None:
        return "Need to specify a timestamp" if at_timestamp else None
    if not at_timestamp:
        return "StartingPositionTimestamp is only supported with StartingPosition AT_TIMESTAMP"
    if moment > circumstances.now:
        return "StartingPositionTimestamp cannot be in the future"
    return "StartingPositionTimestamp is out of range" if moment < _EARLIEST else None


def needs(member: str) -> Rule:
    """Require a member that is not empty (recorded, for the access configurations of Kafka)."""
    wire_name = member[0].lower() + member[1:]

    def rule(settings: Settings, _: Circumstances) -> str | None:
        return None if settings.get(member) else f"Required '{wire_name}' parameter is missing."

    return rule


def needs_database(settings: Settings, _: Circumstances) -> str | None:
    """Require the database of a change stream (chosen message)."""
    if settings["DocumentDBEventSourceConfig"].get("DatabaseName"):
        return None
    return "Required 'documentDBEventSourceConfig.databaseName' parameter is missing."


def access_types(known: Collection[str]) -> Rule:
    """Refuse incomplete access configurations, and types that the source does not have (chosen messages)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        for access in settings.get("SourceAccessConfigurations", ()):
            if access.get("Type") not in known:
                return f"Unsupported source access configuration type for given event source: {access.get('Type')}"
            if not access.get("URI"):
                return f"Required 'uRI' parameter is missing in source access configuration: {access['Type']}"
        return None

    return rule


def needs_access(kind: str) -> Rule:
    """Require an access configuration of this type (documented rule, chosen message)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        if any(access.get("Type") == kind for access in settings.get("SourceAccessConfigurations", ())):
            return None
        return f"Required source access configuration type is missing for given event source: {kind}"

    return rule


def metrics_among(known: Collection[str]) -> Rule:
    """Refuse groups of metrics that the source does not have (chosen message)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        for metric in settings.get("MetricsConfig", {}).get("Metrics", ()):
            if metric not in known:
                return f"Unsupported metric for given event source mapping type: {metric}"
        return None

    return rule


def pollers_between(minimum: int, maximum: int) -> Rule:
    """Limit the numbers of provisioned pollers (reported)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        pollers = settings.get("ProvisionedPollerConfig")
        if pollers is None:
            return None
        low, high = pollers.get("MinimumPollers"), pollers.get("MaximumPollers")
        if low is None and high is None:
            return "Either MinimumPollers or MaximumPollers are required if ProvisionedPollerConfig is provided."
        low = minimum if low is None else low
        if not minimum <= low <= 200 or not low <= (maximum if high is None else high) <= maximum:
            return (
                f"MinimumPollers should be between [{minimum}, 200] and MaximumPollers should be between"
                f" [MinimumPollers, {maximum}]"
            )
        return None

    return rule


def pollers_or_concurrency(settings: Settings, _: Circumstances) -> str | None:
    """Refuse a maximum concurrency together with provisioned pollers (reported)."""
    if "ProvisionedPollerConfig" in settings and "ScalingConfig" in settings:
        return (
            "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the"
            " control mechanism and remove maximum concurrency."
        )
    return None


def no_poller_group(settings: Settings, _: Circumstances) -> str | None:
    """Refuse a poller group, which is for Kafka only (chosen message)."""
    if "PollerGroupName" in settings.get("ProvisionedPollerConfig", {}):
        return "Unsupported 'provisionedPollerConfig.pollerGroupName' parameter for given event source mapping type."
    return None


def function_timeout_at_most(seconds: int) -> Rule:
    """Limit the timeout of the function (documented rule, chosen message)."""

    def rule(_: Settings, circumstances: Circumstances) -> str | None:
        if (circumstances.function_timeout or 0) <= seconds:
            return None
        return (
            f"Function timeout: {circumstances.function_timeout} seconds is greater than the maximum for this event"
            f" source: {seconds} seconds"
        )

    return rule


def finite_retries(settings: Settings, _: Circumstances) -> str | None:
    """Refuse endless retries in queue mode, where the broker redelivers (documented rule, chosen message)."""
    if settings.get("MaximumRetryAttempts") == -1:
        return "MaximumRetryAttempts of -1 is not supported in Queue consumption mode"
    return None


def no_registry(member: str) -> Rule:
    """Refuse a schema registry, which is for provisioned mode only (documented message)."""

    def rule(settings: Settings, _: Circumstances) -> str | None:
        if _registry_of(settings, member) is None:
            return None
        return (
            "SchemaRegistryConfig is only available for Provisioned Mode. To configure Schema Registry, please enable"
            " Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig."
        )

    return rule


def registry(member: str) -> Rule:
    """Require a complete and consistent schema registry (documented messages)."""

    def rule(settings: Settings, circumstances: Circumstances) -> str | None:
        config = _registry_of(settings, member)
        return None if config is None else _registry_problem(config) or _glue_problem(config, circumstances)

    return rule


def _registry_of(settings: Settings, member: str) -> Any:
    return settings.get(member, {}).get("SchemaRegistryConfig")


def _registry_problem(registry: dict[str, Any]) -> str | None:
    uri = str(registry.get("SchemaRegistryURI", ""))
    if not uri.startswith(("http://", "https://")) and _glue_arn(uri) is None:
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
    return None


def _glue_problem(registry: dict[str, Any], circumstances: Circumstances) -> str | None:
    """Refuse what a registry of Glue does not support (documented rules, chosen messages)."""
    arn = _glue_arn(registry["SchemaRegistryURI"])
    if arn is None:
        return None
    if registry.get("AccessConfigs"):
        return "AccessConfigs are not supported for AWS Glue Schema Registry."
    if arn.account_id != circumstances.account_id:
        return "Cross-account Glue Schema Registry access is not supported."
    if arn.region != circumstances.region:
        return "Cross-region Glue Schema Registry access is not supported."
    return None


def _glue_arn(uri: str) -> Arn | None:
    arn = Arn.parse(uri)
    return arn if arn is not None and arn.service == "glue" and arn.resource.startswith("registry/") else None
