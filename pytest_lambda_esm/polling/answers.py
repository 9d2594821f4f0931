"""Advice on what a function returns for a batch, and on what it receives, whatever the source."""

from __future__ import annotations

from typing import Any, Final

from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.filters.mapping_filter import Verdict
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.batch_response import is_empty
from pytest_lambda_esm.ports import Journal

_KEY: Final = "batchItemFailures"


def advise_on_answer(journal: Journal, mapping: Mapping, reports: bool, answer: Any) -> None:
    """Give advice on the answer to a batch; ``reports`` says whether the mapping has ReportBatchItemFailures."""
    has_report = isinstance(answer, dict) and _KEY in answer
    if not reports:
        if has_report:
            journal.advice.give("ESM106", mapping.uuid, function=function_of(mapping))
    elif has_report and answer[_KEY] is not None:
        journal.advice.refute("ESM107", mapping.uuid)
    elif is_empty(answer):
        shown = "an object without them" if answer else repr(answer)
        journal.advice.suspect("ESM107", mapping.uuid, function=function_of(mapping), answer=shown)


def advise_on_malformed(journal: Journal, mapping: Mapping, problem: str) -> None:
    """Give advice on a report of failures that AWS does not accept."""
    journal.advice.give("ESM105", mapping.uuid, function=function_of(mapping), problem=problem)


def advise_on_passed(journal: Journal, mapping: Mapping, verdict: Verdict) -> None:
    """Give advice on a record that passed the filters because of its format."""
    if verdict.misfit is not None:
        expected, found = verdict.misfit
        journal.advice.give("ESM131", mapping.uuid, expected=expected, found=found)


def function_of(mapping: Mapping) -> str:
    """Return the name of a mapping's function."""
    return parse(mapping.function_arn, mapping.account_id, mapping.region).name
