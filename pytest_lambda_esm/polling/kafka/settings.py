"""The settings of a Kafka mapping, converted from the request's members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pytest_lambda_esm.filters import DataRules, Filter
from pytest_lambda_esm.sources.kafka import (
    RETRIES_WITH_DESTINATION,
    RegistrySettings,
    consumer_group,
    registry_settings,
)
from pytest_lambda_esm.timing import MICROSECONDS, instant_of

DEFAULT_WINDOW: Final = MICROSECONDS // 2
"""The batching window of a mapping that states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The settings of a Kafka mapping. Time spans are microseconds; ``None`` means no limit, or not set.

    ``group`` is the consumer group that the mapping states. ``pollers`` is MinimumPollers, None on demand.
    """

    topic: str
    group: str | None
    batch_size: int
    batching_window: int
    pollers: int | None
    bisects: bool
    reports_item_failures: bool
    maximum_retries: int | None
    maximum_age: int | None
    failure_destination: str | None
    record_filter: Filter | None
    starting_position: str
    starting_instant: int
    registry: RegistrySettings | None

    @classmethod
    def of(cls, settings: Mapping[str, Any], data_rules: DataRules) -> KafkaSettings:
        """Read a mapping's settings; ``data_rules`` are the filter rules of its source."""
        filters = settings.get("FilterCriteria", {}).get("Filters") or []
        patterns = [given["Pattern"] for given in filters if "Pattern" in given]
        window = settings.get("MaximumBatchingWindowInSeconds")
        destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        retries = _limit(settings.get("MaximumRetryAttempts", -1))
        return cls(
            topic=str((settings.get("Topics") or [""])[0]),
            group=consumer_group(settings),
            batch_size=int(settings["BatchSize"]),
            batching_window=DEFAULT_WINDOW if window is None else window * MICROSECONDS,
            pollers=settings.get("ProvisionedPollerConfig", {}).get("MinimumPollers"),
            bisects=bool(settings.get("BisectBatchOnFunctionError")),
            reports_item_failures="ReportBatchItemFailures" in settings.get("FunctionResponseTypes", ()),
            maximum_retries=RETRIES_WITH_DESTINATION if retries is None and destination else retries,
            maximum_age=_limit(settings.get("MaximumRecordAgeInSeconds", -1), MICROSECONDS),
            failure_destination=destination,
            record_filter=Filter.compile(patterns, data_rules) if patterns else None,
            starting_position=settings.get("StartingPosition", "TRIM_HORIZON"),
            starting_instant=_instant(settings.get("StartingPositionTimestamp", 0)),
            registry=registry_settings(settings),
        )


def _limit(value: int, unit: int = 1) -> int | None:
    """Convert a limit; AWS's -1 means that there is none."""
    return None if value == -1 else value * unit


def _instant(moment: Any) -> int:
    return instant_of(moment) if isinstance(moment, datetime) else round(moment * MICROSECONDS)
