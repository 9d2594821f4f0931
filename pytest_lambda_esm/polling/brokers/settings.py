"""The settings of a mapping of a message broker, read once after each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters import DataRules, Filter
from pytest_lambda_esm.polling.members import record_filter
from pytest_lambda_esm.sources.mq import access
from pytest_lambda_esm.timing import MICROSECONDS

DEFAULT_WINDOW: Final = MICROSECONDS // 2
"""The batching window of a mapping that states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """What applies to new batches. ``window`` is in microseconds; ``record_filter`` is None if every message passes."""

    queue: str
    virtual_host: str
    batch_size: int
    window: int
    record_filter: Filter | None

    @classmethod
    def of(cls, settings: Mapping[str, Any], data_rules: DataRules) -> BrokerSettings:
        """Read a mapping's settings; ``data_rules`` are the filter rules of its source."""
        window = settings.get("MaximumBatchingWindowInSeconds")
        return cls(
            queue=str((settings.get("Queues") or [""])[0]),
            virtual_host=access(settings, "VIRTUAL_HOST") or "/",
            batch_size=int(settings["BatchSize"]),
            window=DEFAULT_WINDOW if window is None else int(window) * MICROSECONDS,
            record_filter=record_filter(settings, data_rules),
        )
