"""How a mapping polls its queue, as its settings say: read once for each change of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters import Filter
from pytest_lambda_esm.polling.queues.scaling import Bounds, ScalingRates, bounds_of
from pytest_lambda_esm.sources.sqs import STANDARD, Render
from pytest_lambda_esm.timing import MICROSECONDS

VISIBILITY_RESERVE: Final = 30
"""Seconds that an extended visibility timeout has beside the window and the function's timeout."""

LARGEST_PAYLOAD: Final = 6 * 1024 * 1024
"""Bytes of an event at the most: the quota for the payload of a synchronous invocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolling:
    """How queues are polled, where AWS leaves it open. Spans are microseconds.

    ``latency`` from visibility to receipt; ``low_traffic_wait`` how long a batch with a window waits at the least;
    ``extend_visibility`` whether a batch with a window is hidden until its invocation can have ended;
    ``throttle_backoff`` until a throttled batch is tried again, doubling up to ``throttle_backoff_limit``;
    ``read_retry`` until the queue is read again after a read has failed; ``loop_depth`` how deep a chain of
    invocations may become that each feed the next.
    """

    latency: int
    low_traffic_wait: int
    extend_visibility: bool
    throttle_backoff: int
    throttle_backoff_limit: int
    read_retry: int
    loop_depth: int
    rates: ScalingRates


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What holds for batches from now on. ``window`` is microseconds, ``filter`` None where every message passes."""

    settings: Mapping[str, Any]
    batch_size: int
    window: int
    reports_failures: bool
    filter: Filter | None
    bounds: Bounds
    render: Render


def settings_of(
    settings: Mapping[str, Any],
    polling: QueuePolling,
    renderer: Callable[[Mapping[str, Any]], Render],
) -> QueueSettings:
    """Read the settings of a mapping; those that the limits of an earlier year leave out stand at their defaults."""
    stated = {**STANDARD.defaults, **settings}
    window = int(stated["MaximumBatchingWindowInSeconds"]) * MICROSECONDS
    criteria = (settings.get("FilterCriteria") or {}).get("Filters") or ()
    patterns = [item["Pattern"] for item in criteria if item.get("Pattern") is not None]
    return QueueSettings(
        settings=settings,
        batch_size=int(stated["BatchSize"]),
        window=max(window, polling.low_traffic_wait) if window else 0,
        reports_failures="ReportBatchItemFailures" in stated["FunctionResponseTypes"],
        filter=Filter.compile(patterns, STANDARD.data_rules) if patterns else None,
        bounds=bounds_of(settings, polling.rates),
        render=renderer(stated),
    )
