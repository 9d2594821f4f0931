"""What a function reports of a batch from a queue: ReportBatchItemFailures.

It follows the page "Handling errors for an SQS event source in Lambda" and recorded answers. What is no report at
all counts as success: null, an empty text, object or list. A report that names anything but messages of the batch
makes the whole batch a failure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """The messages that failed, and why they count as failed, in words for the timeline."""

    failed: frozenset[str]
    about: str


def read_report(response: Any, batch: Collection[str]) -> Report:
    """Read a function's response to a batch of message ids."""
    if response is None or response in ("", {}, []):
        return Report(frozenset(), "an empty response: all succeeded")
    if not isinstance(response, dict):
        return _all(batch, f"the response {response!r} is not a JSON object")
    items = response.get("batchItemFailures")
    if items is None or items == []:
        return Report(frozenset(), "no batchItemFailures: all succeeded")
    if not isinstance(items, list):
        return _all(batch, f"batchItemFailures is {items!r}, not a list")
    failed = set()
    for item in items:
        if not isinstance(item, dict) or "itemIdentifier" not in item:
            return _all(batch, f"the item {item!r} has no itemIdentifier")
        identifier = item["itemIdentifier"]
        if not isinstance(identifier, str) or identifier not in batch:
            return _all(batch, f"the itemIdentifier {identifier!r} is no message of this batch")
        failed.add(identifier)
    return Report(frozenset(failed), f"{len(failed)} of {len(batch)} reported as failed")


def _all(batch: Collection[str], why: str) -> Report:
    return Report(frozenset(batch), f"{why}: the whole batch counts as failed")
