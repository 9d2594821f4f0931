"""The settings of one queue mapping, read once after each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters import Filter
from pytest_lambda_esm.polling.queues.context import QueuePolling
from pytest_lambda_esm.polling.queues.scaling import Bounds, bounds_of
from pytest_lambda_esm.sources.sqs import STANDARD, Render, renderer
from pytest_lambda_esm.timing import MICROSECONDS

VISIBILITY_RESERVE: Final = 30
"""Seconds that an extended visibility timeout adds to the batching window and the function's timeout."""

LARGEST_PAYLOAD: Final = 6 * 1024 * 1024
"""Maximum size of an event in bytes: the quota for the payload of a synchronous invocation."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What applies to new batches. ``window`` is in microseconds; ``filter`` is None if every message passes."""

    settings: Mapping[str, Any]
    batch_size: int
    window: int
    reports_failures: bool
    filter: Filter | None
    bounds: Bounds
    render: Render


def settings_of(settings: Mapping[str, Any], source_arn: str, polling: QueuePolling) -> QueueSettings:
    """Read a mapping's settings. Those that the limits of 2020 leave out have their defaults."""
    complete = {**STANDARD.defaults, **settings}
    window = int(complete["MaximumBatchingWindowInSeconds"]) * MICROSECONDS
    criteria = (settings.get("FilterCriteria") or {}).get("Filters") or ()
    patterns = [item["Pattern"] for item in criteria if item.get("Pattern") is not None]
    return QueueSettings(
        settings=settings,
        batch_size=int(complete["BatchSize"]),
        window=max(window, polling.low_traffic_wait) if window else 0,
        reports_failures="ReportBatchItemFailures" in complete["FunctionResponseTypes"],
        filter=Filter.compile(patterns, STANDARD.data_rules) if patterns else None,
        bounds=bounds_of(settings, polling.rates),
        render=renderer(source_arn, complete),
    )
