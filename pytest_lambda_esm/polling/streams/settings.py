"""The settings of a stream mapping, read once from the names on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_lambda_esm.filters import DataRules, Filter
from pytest_lambda_esm.sources.stream_source import STREAM_DEFAULTS
from pytest_lambda_esm.timing import MICROSECONDS, instant_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What a stream mapping is set to. Spans are microseconds; ``None`` stands for "no limit" and "not set"."""

    batch_size: int
    batching_window: int
    tumbling_window: int
    factor: int
    bisects: bool
    takes_partial_answers: bool
    maximum_retries: int | None
    maximum_age: int | None
    failure_destination: str | None
    record_filter: Filter | None
    starting_position: str
    starting_instant: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], data_rules: DataRules) -> StreamSettings:
        """Read a mapping's settings; ``data_rules`` are the filter rules of its source.

        Settings that the limits of an earlier year leave out stand at their defaults.
        """
        settings = {**STREAM_DEFAULTS, **settings}
        filters = settings.get("FilterCriteria", {}).get("Filters") or []
        patterns = [given["Pattern"] for given in filters if "Pattern" in given]
        return cls(
            batch_size=int(settings["BatchSize"]),
            batching_window=settings["MaximumBatchingWindowInSeconds"] * MICROSECONDS,
            tumbling_window=settings["TumblingWindowInSeconds"] * MICROSECONDS,
            factor=int(settings["ParallelizationFactor"]),
            bisects=bool(settings["BisectBatchOnFunctionError"]),
            takes_partial_answers="ReportBatchItemFailures" in settings["FunctionResponseTypes"],
            maximum_retries=_limit(settings["MaximumRetryAttempts"]),
            maximum_age=_limit(settings["MaximumRecordAgeInSeconds"], MICROSECONDS),
            failure_destination=settings["DestinationConfig"].get("OnFailure", {}).get("Destination"),
            record_filter=Filter.compile(patterns, data_rules) if patterns else None,
            starting_position=settings.get("StartingPosition", "TRIM_HORIZON"),
            starting_instant=_instant(settings.get("StartingPositionTimestamp", 0)),
        )


def _limit(value: int, unit: int = 1) -> int | None:
    """Minus one is AWS's way to say that there is no limit."""
    return None if value == -1 else value * unit


def _instant(given: Any) -> int:
    return instant_of(given) if isinstance(given, datetime) else round(given * MICROSECONDS)
