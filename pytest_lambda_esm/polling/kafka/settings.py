"""The settings of a Kafka mapping, converted from the request's members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters import DataRules, Filter
from pytest_lambda_esm.polling import members
from pytest_lambda_esm.sources.kafka import (
    RETRIES_WITH_DESTINATION,
    RegistrySettings,
    consumer_group,
    consumption_mode,
    registry_settings,
)
from pytest_lambda_esm.timing import MICROSECONDS

DEFAULT_WINDOW: Final = MICROSECONDS // 2
"""The batching window of a mapping that states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The settings of a Kafka mapping. Time spans are microseconds; ``None`` means no limit, or not set.

    ``group`` is the consumer group that the mapping states. ``pollers`` is MinimumPollers, None on demand;
    ``maximum_pollers`` is MaximumPollers. ``is_queue`` means that the records are consumed with a share group.
    ``log_level`` is what the pollers write into the function's log group: ``"DEBUG"``, ``"INFO"`` or ``"WARN"``.
    """

    topic: str
    group: str | None
    batch_size: int
    batching_window: int
    is_queue: bool
    pollers: int | None
    maximum_pollers: int | None
    bisects: bool
    reports_item_failures: bool
    maximum_retries: int | None
    maximum_age: int | None
    failure_destination: str | None
    record_filter: Filter | None
    starting_position: str
    starting_instant: int
    registry: RegistrySettings | None
    log_level: str | None

    @classmethod
    def of(cls, settings: Mapping[str, Any], data_rules: DataRules) -> KafkaSettings:
        """Read a mapping's settings; ``data_rules`` are the filter rules of its source."""
        is_queue = consumption_mode(settings) == "Queue"
        window = settings.get("MaximumBatchingWindowInSeconds", 0 if is_queue else None)
        provisioned = settings.get("ProvisionedPollerConfig", {})
        destination = members.failure_destination(settings)
        retries = members.limit(settings.get("MaximumRetryAttempts", 0 if is_queue else -1))
        return cls(
            topic=str((settings.get("Topics") or [""])[0]),
            group=consumer_group(settings),
            batch_size=int(settings["BatchSize"]),
            batching_window=DEFAULT_WINDOW if window is None else window * MICROSECONDS,
            is_queue=is_queue,
            pollers=provisioned.get("MinimumPollers"),
            maximum_pollers=provisioned.get("MaximumPollers"),
            bisects=bool(settings.get("BisectBatchOnFunctionError")),
            reports_item_failures="ReportBatchItemFailures" in settings.get("FunctionResponseTypes", ()),
            maximum_retries=RETRIES_WITH_DESTINATION if retries is None and destination else retries,
            maximum_age=members.limit(settings.get("MaximumRecordAgeInSeconds", -1), MICROSECONDS),
            failure_destination=destination,
            record_filter=members.record_filter(settings, data_rules),
            starting_position=settings.get("StartingPosition", "TRIM_HORIZON"),
            starting_instant=members.starting_instant(settings),
            registry=registry_settings(settings),
            log_level=settings.get("LoggingConfig", {}).get("SystemLogLevel"),
        )
