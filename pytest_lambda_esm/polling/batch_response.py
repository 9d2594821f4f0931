"""What a function's answer says of a batch of stream records.

Follows the pages "Configuring partial batch response" of Kinesis and DynamoDB, and recorded answers: an identifier
that is not in the batch fails all of it, and so does any answer of another shape.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all of a batch is done; if not, ``done`` records from its start are, and the others come again.

    ``why`` says it in words. ``function_error`` is AWS's: ``"Unhandled"`` for what was raised, None for what was
    answered. ``reported`` is how many records the answer names as failed; 0 where that is no such answer.
    """

    succeeded: bool
    done: int
    why: str
    function_error: str | None = None
    reported: int = 0


def success(count: int) -> Verdict:
    """All of the batch is done."""
    return Verdict(True, count, "success")


def failure(why: str, function_error: str | None = None) -> Verdict:
    """None of the batch is done."""
    return Verdict(False, 0, why, function_error)


def judge(answer: Any, sequence_numbers: Sequence[str]) -> Verdict:
    """Read an answer of a function that reports the failures of single records."""
    count = len(sequence_numbers)
    if not answer:
        return success(count)
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        return success(count) if isinstance(answer, dict) else failure(f"the answer is no object: {answer!r:.80}")
    failures = answer["batchItemFailures"]
    if not failures:
        return success(count)
    if not isinstance(failures, list):
        return failure(f"batchItemFailures is no list: {failures!r:.80}")
    places = {number: place for place, number in enumerate(sequence_numbers)}
    reported = set()
    for entry in failures:
        identifier = entry.get("itemIdentifier") if isinstance(entry, dict) else None
        place = places.get(identifier) if isinstance(identifier, str) else None
        if place is None:
            return failure(f"batchItemFailures has an entry that names no record of the batch: {entry!r:.80}")
        reported.add(place)
    lowest = min(reported)
    why = f"batchItemFailures names {len(failures)}, the first of them {sequence_numbers[lowest]}"
    return Verdict(False, lowest, why, reported=len(reported))


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
