"""How the members of a mapping of a stream or of Kafka are converted to settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_lambda_esm.filters import DataRules, Filter
from pytest_lambda_esm.timing import MICROSECONDS, instant_of


def limit(value: int, unit: int = 1) -> int | None:
    """Convert a limit; AWS's -1 means that there is none."""
    return None if value == -1 else value * unit


def starting_instant(members: Mapping[str, Any]) -> int:
    """Return StartingPositionTimestamp as an instant; 0 if there is none."""
    moment = members.get("StartingPositionTimestamp", 0)
    return instant_of(moment) if isinstance(moment, datetime) else round(moment * MICROSECONDS)


def failure_destination(members: Mapping[str, Any]) -> str | None:
    """Return the ARN or the address of the failure destination."""
    destination = members.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return None if destination is None else str(destination)


def record_filter(members: Mapping[str, Any], data_rules: DataRules) -> Filter | None:
    """Return the filter of a mapping; ``data_rules`` are those of its source."""
    filters = members.get("FilterCriteria", {}).get("Filters") or []
    patterns = [given["Pattern"] for given in filters if "Pattern" in given]
    return Filter.compile(patterns, data_rules) if patterns else None
