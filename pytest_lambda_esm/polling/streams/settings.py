"""The settings of a stream mapping, converted from the request's members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.filters import DataRules, Filter
from pytest_lambda_esm.polling import members
from pytest_lambda_esm.sources.stream_source import STREAM_DEFAULTS
from pytest_lambda_esm.timing import MICROSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """The settings of a stream mapping. Time spans are microseconds; ``None`` means no limit, or not set."""

    batch_size: int
    batching_window: int
    tumbling_window: int
    factor: int
    bisects: bool
    reports_item_failures: bool
    maximum_retries: int | None
    maximum_age: int | None
    failure_destination: str | None
    record_filter: Filter | None
    starting_position: str
    starting_instant: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], data_rules: DataRules) -> StreamSettings:
        """Read a mapping's settings; ``data_rules`` are the filter rules of its source.

        Settings that did not exist in the year of the configured limits have their defaults.
        """
        settings = {**STREAM_DEFAULTS, **settings}
        return cls(
            batch_size=int(settings["BatchSize"]),
            batching_window=settings["MaximumBatchingWindowInSeconds"] * MICROSECONDS,
            tumbling_window=settings["TumblingWindowInSeconds"] * MICROSECONDS,
            factor=int(settings["ParallelizationFactor"]),
            bisects=bool(settings["BisectBatchOnFunctionError"]),
            reports_item_failures="ReportBatchItemFailures" in settings["FunctionResponseTypes"],
            maximum_retries=members.limit(settings["MaximumRetryAttempts"]),
            maximum_age=members.limit(settings["MaximumRecordAgeInSeconds"], MICROSECONDS),
            failure_destination=members.failure_destination(settings),
            record_filter=members.record_filter(settings, data_rules),
            starting_position=settings.get("StartingPosition", "TRIM_HORIZON"),
            starting_instant=members.starting_instant(settings),
        )
