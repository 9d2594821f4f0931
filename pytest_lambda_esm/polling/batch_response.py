"""What a function's response says about its batch, for mappings that use ReportBatchItemFailures.

Follows the pages "Handling errors for an SQS event source" and "Configuring partial batch response" of Kinesis and
DynamoDB, and recorded responses. An identifier that is not in the batch fails the whole batch, and so does a response
of any other shape. A queue gets the failed messages again; a stream all records from the first failed one on.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done of a batch of stream records.

    If it did not succeed, the first ``done`` records are done and the others are delivered again; ``why`` says why.
    ``function_error`` is AWS's: ``"Unhandled"`` if the function raised an error, None if it returned a response.
    ``reported`` is how many records the response names as failed; 0 for any other response.
    """

    succeeded: bool
    done: int
    why: str
    function_error: str | None = None
    reported: int = 0


def success(count: int) -> Verdict:
    """Return that the whole batch is done."""
    return Verdict(True, count, "success")


def failure(why: str, function_error: str | None = None) -> Verdict:
    """Return that no record of the batch is done."""
    return Verdict(False, 0, why, function_error)


def judge(response: Any, sequence_numbers: Sequence[str]) -> Verdict:
    """Read a function's response to a batch of stream records."""
    count = len(sequence_numbers)
    if is_empty(response):
        return success(count)
    places = {number: place for place, number in enumerate(sequence_numbers)}
    try:
        reported = _read_identifiers(response, places)
    except MalformedResponse as malformed:
        return failure(str(malformed))
    lowest = min(places[number] for number in reported)
    why = f"batchItemFailures names {len(reported)}, the first of them {sequence_numbers[lowest]}"
    return Verdict(False, lowest, why, reported=len(set(reported)))


def is_empty(response: Any) -> bool:
    """Whether a response reports no failure: it is empty, or an object without batchItemFailures."""
    return not response or (isinstance(response, dict) and not response.get("batchItemFailures"))


@dataclass(frozen=True, slots=True)
class Report:
    """The ids of the messages that failed, and a text for the timeline; ``malformed`` says what is wrong with it."""

    failed: frozenset[str]
    about: str
    malformed: str = ""


def read_report(response: Any, batch: Collection[str]) -> Report:
    """Read a function's response to a batch of messages with these ids."""
    if response is None or response in ("", {}, []):
        return Report(frozenset(), "an empty response: all succeeded")
    if isinstance(response, dict) and response.get("batchItemFailures") in (None, []):
        return Report(frozenset(), "no batchItemFailures: all succeeded")
    try:
        failed = frozenset(_read_identifiers(response, batch))
    except MalformedResponse as malformed:
        return Report(frozenset(batch), f"{malformed}: the whole batch counts as failed", str(malformed))
    return Report(failed, f"{len(failed)} of {len(batch)} reported as failed")


class MalformedResponse(Exception):
    """The response is not of the documented shape."""


def _read_identifiers(response: Any, batch: Container[str]) -> list[str]:
    """Return the identifiers in a response that is not empty, in its order. Raises MalformedResponse."""
    identifiers = []
    for entry in read_entries(response):
        identifier = entry.get("itemIdentifier") if isinstance(entry, dict) else None
        if not isinstance(identifier, str) or identifier not in batch:
            raise MalformedResponse(f"an entry of batchItemFailures names nothing in the batch ({entry!r:.80})")
        identifiers.append(identifier)
    return identifiers


def read_entries(response: Any) -> list[Any]:
    """Return the entries of batchItemFailures in a response that is not empty. Raises MalformedResponse."""
    if not isinstance(response, dict):
        raise MalformedResponse(f"the response is not a JSON object ({response!r:.80})")
    failures = response["batchItemFailures"]
    if not isinstance(failures, list):
        raise MalformedResponse(f"batchItemFailures is not a list ({failures!r:.80})")
    return failures
