"""Apache Kafka as an event source: Amazon MSK and self-managed clusters, on demand, provisioned, and in queue mode.

Follows the pages "Using Lambda with Amazon MSK" and "Using Lambda with self-managed Apache Kafka", and recorded
answers for self-managed clusters. Sources with provisioned pollers are kinds of their own here, because they support
more members; a mapping changes its kind when an update gives it provisioned pollers, or takes them away.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import (
    EVENT_COUNTS,
    Conflict,
    EventSource,
    Recognise,
    Settings,
    from_arn,
    same_arn,
)
from pytest_lambda_esm.sources.kafka_ports import KafkaKind, KafkaPartition

MSK_CONFIG: Final = "AmazonManagedKafkaEventSourceConfig"
SELF_MANAGED_CONFIG: Final = "SelfManagedKafkaEventSourceConfig"

_OPTIONAL: Final = frozenset(
    {
        "DestinationConfig",
        "FilterCriteria",
        "KMSKeyArn",
        "MaximumBatchingWindowInSeconds",
        "MetricsConfig",
        "ProvisionedPollerConfig",
        "SourceAccessConfigurations",
        "StartingPosition",
        "StartingPositionTimestamp",
        "Topics",
    }
)
_PROVISIONED_OPTIONAL: Final = frozenset(
    {
        "BisectBatchOnFunctionError",
        "FunctionResponseTypes",
        "LoggingConfig",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
    }
)
_METRIC_GROUPS: Final = frozenset({"EventCount", "ErrorCount", "KafkaMetrics"})
_MSK_ACCESS: Final = frozenset({"SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "IAM_AUTH"})
_SELF_MANAGED_ACCESS: Final = frozenset(
    {
        "BASIC_AUTH",
        "VPC_SUBNET",
        "VPC_SECURITY_GROUP",
        "SASL_SCRAM_512_AUTH",
        "SASL_SCRAM_256_AUTH",
        "CLIENT_CERTIFICATE_TLS_AUTH",
        "SERVER_ROOT_CA_CERTIFICATE",
        "OAUTHBEARER_AUTH",
        "OAUTHBEARER_SCOPE",
        "OAUTHBEARER_AUDIENCE",
        "OAUTHBEARER_LOGICAL_CLUSTER",
        "OAUTHBEARER_IDENTITY_POOL",
        "IAM_OAUTHBEARER_AUTH",
    }
)


NO_TOPIC: Final = ("ESM_CONFIG_NOT_VALID", "PROBLEM: Topic not found")
"""The StateTransitionReason (documented) and the LastProcessingResult (chosen) of a mapping without its topic."""

REFUSALS: Final = {
    "authentication": ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: SASL authentication failed"),
    "authorization": ("EVENT_SOURCE_AUTHZ_ERROR", "PROBLEM: Cluster failed to authorize Lambda"),
    "certificate": ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Provided certificate or private key is invalid"),
    "connection": (
        "ESM_CONFIG_NOT_VALID",
        "PROBLEM: Connection error. Please check your event source connection configuration.",
    ),
}
"""The StateTransitionReason and the LastProcessingResult of a mapping whose cluster refuses Lambda, by the reason.

Codes and texts are documented, except for the text of a failed connection, which users have reported.
"""

REGISTRY_PROBLEMS: Final = {
    "missing": ("ESM_CONFIG_NOT_VALID", "PROBLEM: Schema registry not found"),
    "credentials": ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Schema registry credentials not found"),
    "authentication": ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Schema registry failed to authenticate Lambda"),
    "authorization": ("EVENT_SOURCE_AUTHZ_ERROR", "PROBLEM: Schema registry failed to authorize Lambda"),
    "connection": ("ESM_CONFIG_NOT_VALID", "PROBLEM: Connection to the schema registry failed"),
}
"""The same for a mapping that cannot use its schema registry. The codes are documented, the texts chosen."""

_CLIENT_ERRORS: Final = {
    NO_TOPIC: "UnknownTopicOrPartitionException",
    REFUSALS["authentication"]: "SaslAuthenticationException",
    REFUSALS["authorization"]: "TopicAuthorizationException",
    REFUSALS["certificate"]: "SslAuthenticationException",
    REFUSALS["connection"]: "TimeoutException",
}

RETRIES_WITH_DESTINATION: Final = 10
"""The retries of a mapping without a limit that has a failure destination (documented)."""


def client_error(problem: tuple[str, str]) -> str:
    """Return the exception with which Kafka's client meets a problem, as the log of a mapping names it."""
    return f"org.apache.kafka.common.errors.{_CLIENT_ERRORS[problem]}" if problem in _CLIENT_ERRORS else problem[0]


def consumer_group(settings: Settings) -> str | None:
    """Return the consumer group of a Kafka mapping; None if the settings have none yet, or are of another source."""
    configs = (settings.get(name, {}) for name in (MSK_CONFIG, SELF_MANAGED_CONFIG))
    return next((str(config["ConsumerGroupId"]) for config in configs if "ConsumerGroupId" in config), None)


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The schema registry of a mapping.

    ``attributes`` are those that it validates, ``KEY`` and ``VALUE``. ``to_json`` is whether functions get them as
    JSON. ``access`` are types and secrets.
    """

    uri: str
    attributes: tuple[str, ...]
    to_json: bool
    access: tuple[tuple[str, str], ...]


def registry_settings(settings: Settings) -> RegistrySettings | None:
    """Return the schema registry with which a mapping validates its records, if it has one."""
    configs = (settings.get(name, {}).get("SchemaRegistryConfig") for name in (MSK_CONFIG, SELF_MANAGED_CONFIG))
    config = next(filter(None, configs), None)
    if config is None:
        return None
    return RegistrySettings(
        uri=config["SchemaRegistryURI"],
        attributes=tuple(each["Attribute"] for each in config["SchemaValidationConfigs"]),
        to_json=config["EventRecordFormat"] == "JSON",
        access=tuple((each.get("Type", ""), each.get("URI", "")) for each in config.get("AccessConfigs", ())),
    )


def consumption_mode(settings: Settings) -> str:
    """Return how a mapping consumes its topic: ``"Stream"``, or ``"Queue"`` with a share group."""
    return str(settings.get(SELF_MANAGED_CONFIG, {}).get("ConsumptionMode", "Stream"))


def _other_topic(settings: Settings, _: Any) -> str | None:
    """Refuse the mapping's own topic as failure destination (documented rule, chosen message)."""
    destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination not in [f"kafka://{topic}" for topic in settings.get("Topics", ())]:
        return None
    return f"The on-failure destination {destination} must not be a topic of the event source mapping."


# --- Amazon MSK --------------------------------------------------------------------------------------------


def _same_topics(one: Settings, other: Settings) -> bool:
    return same_arn(one, other) and one.get("Topics") == other.get("Topics")


_NO_REGISTRY: Final = {config: rules.no_registry(config) for config in (MSK_CONFIG, SELF_MANAGED_CONFIG)}

MSK: Final = EventSource(
    name="Amazon MSK",
    service="kafka",
    # The last is how moto calls serverless clusters.
    recognises=from_arn("kafka", "(cluster|vpc-connection|serverless-cluster)/.*"),
    defaults={"BatchSize": 100},
    optional=_OPTIONAL | {MSK_CONFIG},
    consumer_group_in=MSK_CONFIG,
    pollers={"MinimumPollers": 1, "MaximumPollers": 200},
    refusals={"FunctionResponseTypes": "FunctionResponseTypes is not allowed for this event source"},
    rules=(
        rules.needs("Topics"),
        rules.position_needed,
        rules.timestamp,
        rules.access_types(_MSK_ACCESS),
        rules.metrics_among(_METRIC_GROUPS),
        rules.pollers_between(1, 2_000),
        _NO_REGISTRY[MSK_CONFIG],
        rules.function_timeout_at_most(rules.BROKER_FUNCTION_TIMEOUT),
    ),
    conflict=Conflict(
        overlap=_same_topics,
        text='An event source mapping with event source ("{source}"), function ("{function_arn}"), topics ("{topics}")'
        " already exists. Please update or delete the existing mapping with UUID {uuid}",
    ),
    missing="Cluster not found: {arn}",  # chosen
    destinations=frozenset({"sqs", "sns", "s3"}),
    data_rules=data_rules.KAFKA,
    polled_as="kafka",
    kafka_kind=KafkaKind("aws:kafka"),
    user_reason="USER_INITIATED",
    first_result="No records processed",
    metrics=(
        *EVENT_COUNTS,
        "DroppedEventCount",
        "OnFailureDestinationDeliveredEventCount",
        "CommittedEventCount",
        "PollingErrorCount",
        "InvokeErrorCount",
        "OnFailureDestinationDeliveryErrorCount",
        "SchemaRegistryErrorCount",
        "CommitErrorCount",
        "MaxOffsetLag",
        "SumOffsetLag",
    ),
)


# --- self-managed ------------------------------------------------------------------------------------------


def _is_self_managed(settings: Settings, arn: Arn | None) -> bool:
    return arn is None and "EventSourceArn" not in settings and "SelfManagedEventSource" in settings


def _is_queue_mode(settings: Settings, arn: Arn | None) -> bool:
    return consumption_mode(settings) == "Queue" and _is_self_managed(settings, arn)


def _servers(settings: Settings) -> set[str]:
    endpoints = settings.get("SelfManagedEventSource", {}).get("Endpoints", {})
    return {server for servers in endpoints.values() for server in servers}


def _shared_server_and_topics(one: Settings, other: Settings) -> bool:
    return bool(_servers(one) & _servers(other)) and one.get("Topics") == other.get("Topics")


def _needs_servers(settings: Settings, _: Any) -> str | None:
    """Endpoints are optional in the service model; the refusal is that of an unknown source (chosen)."""
    return None if _servers(settings) else "Unrecognized event source."


SELF_MANAGED: Final = replace(
    MSK,
    name="self-managed Apache Kafka",
    service="self-managed",
    recognises=_is_self_managed,
    defaults={"BatchSize": 100, "StartingPosition": "TRIM_HORIZON"},
    optional=_OPTIONAL | {"SelfManagedEventSource", SELF_MANAGED_CONFIG},
    consumer_group_in=SELF_MANAGED_CONFIG,
    rules=(
        _needs_servers,
        rules.needs("SourceAccessConfigurations"),
        rules.needs("Topics"),
        rules.timestamp,
        rules.access_types(_SELF_MANAGED_ACCESS),
        rules.metrics_among(_METRIC_GROUPS),
        rules.pollers_between(1, 2_000),
        _NO_REGISTRY[SELF_MANAGED_CONFIG],
        rules.function_timeout_at_most(rules.BROKER_FUNCTION_TIMEOUT),
    ),
    conflict=replace(MSK.conflict, overlap=_shared_server_and_topics),
    kafka_kind=KafkaKind("SelfManagedKafka"),
)

QUEUE_MODE: Final = replace(
    SELF_MANAGED,
    name="self-managed Apache Kafka in queue mode",
    recognises=_is_queue_mode,
    defaults={"BatchSize": 100},
    optional=SELF_MANAGED.optional
    - {"MaximumBatchingWindowInSeconds", "StartingPosition", "StartingPositionTimestamp"},
    rules=(*SELF_MANAGED.rules, rules.finite_retries),
)


# --- provisioned pollers -------------------------------------------------------------------------------------


def _is_provisioned(on_demand: Recognise) -> Recognise:
    return lambda settings, arn: on_demand(settings, arn) and bool(settings.get("ProvisionedPollerConfig"))


def _provisioned(on_demand: EventSource, config: str) -> EventSource:
    """Return the same source with provisioned pollers."""
    return replace(
        on_demand,
        name=f"{on_demand.name} with provisioned pollers",
        recognises=_is_provisioned(on_demand.recognises),
        optional=on_demand.optional | _PROVISIONED_OPTIONAL,
        rules=(
            *(rule for rule in on_demand.rules if rule is not _NO_REGISTRY[config]),
            rules.registry(config),
            rules.record_age,
            _other_topic,
        ),
        destinations=on_demand.destinations | {"kafka"},
        metrics=(*on_demand.metrics, "ProvisionedPollers"),
    )


PROVISIONED_MSK: Final = _provisioned(MSK, MSK_CONFIG)
PROVISIONED_SELF_MANAGED: Final = _provisioned(SELF_MANAGED, SELF_MANAGED_CONFIG)
PROVISIONED_QUEUE_MODE: Final = _provisioned(QUEUE_MODE, SELF_MANAGED_CONFIG)


# --- records -------------------------------------------------------------------------------------------------


Records: TypeAlias = Callable[[KafkaPartition, Sequence[int]], "list[dict[str, Any]]"]
"""Returns records of a partition as a function receives them."""


def event(
    kind: KafkaKind,
    source_arn: str | None,
    servers: str,
    parts: Iterable[tuple[KafkaPartition, Sequence[int]]],
    records: Records,
) -> dict[str, Any]:
    """Return an event with these records of some partitions, with its keys in the order of AWS.

    ``source_arn`` is None for a self-managed cluster; ``servers`` are the bootstrap servers, separated by commas.
    """
    built: dict[str, Any] = {"eventSource": kind.event_source}
    if source_arn is not None:
        built["eventSourceArn"] = source_arn
    built["bootstrapServers"] = servers
    built["records"] = {partition.shard_id: records(partition, offsets) for partition, offsets in parts}
    return built


def records(partition: KafkaPartition, offsets: Sequence[int]) -> list[dict[str, Any]]:
    """Return the records of one partition as a function receives them: a missing key or value is left out."""
    topic, number, timestamp_type = partition.topic, partition.number, partition.timestamp_type
    entries = []
    for record in partition.stored(offsets):
        entry: dict[str, Any] = {
            "topic": topic,
            "partition": number,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "timestampType": timestamp_type,
        }
        if record.key is not None:
            entry["key"] = b64encode(record.key).decode("ascii")
        if record.value is not None:
            entry["value"] = b64encode(record.value).decode("ascii")
        entry["headers"] = [{name: _signed(value or b"")} for name, value in record.headers]
        entries.append(entry)
    return entries


def _signed(data: bytes) -> list[int]:
    """Return bytes as Java does, from -128 to 127."""
    return [byte - 256 if byte > 127 else byte for byte in data]
