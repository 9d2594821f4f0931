"""Advice on what happens to the messages of a queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pytest_lambda_esm.filters import Filter
from pytest_lambda_esm.polling.answers import advise_on_malformed, function_of
from pytest_lambda_esm.polling.batch_response import Report
from pytest_lambda_esm.polling.queues.context import QueueContext
from pytest_lambda_esm.sources.queue_ports import MESSAGE_ID, Received, group_of
from pytest_lambda_esm.wording import times

_REPEATED: Final = 3
"""The receipt at which a message that fails counts as one that always fails."""


def advise_on_failure(context: QueueContext, messages: Sequence[Received], attempt: int) -> None:
    """Give advice on a batch whose function failed; ``attempt`` is the highest receive count in it."""
    mapping, give = context.mapping, context.journal.advice.give
    if len(messages) > 1:
        give("ESM108", mapping.uuid, function=function_of(mapping), count=len(messages))
    if attempt >= _REPEATED and mapping.source_arn.endswith(".fifo"):
        queue = context.queues.find(mapping.source_arn)
        if queue is not None and not queue.has_dead_letter_queue:
            give("ESM110", mapping.uuid, function=function_of(mapping), attempts=times(attempt))


def advise_on_report(context: QueueContext, messages: Sequence[Received], report: Report) -> None:
    """Give advice on the failures that a function reported."""
    if report.malformed:
        advise_on_malformed(context.journal, context.mapping, report.malformed)
    elif report.failed and context.mapping.source_arn.endswith(".fifo"):
        group = _overtaken(messages, report)
        if group is not None:
            name = function_of(context.mapping)
            context.journal.advice.give("ESM109", context.mapping.uuid, function=name, group=group)


def advise_on_throttles(context: QueueContext, count: int) -> None:
    """Give advice on messages that return to the queue because their function was throttled all the time."""
    returned = "a message" if count == 1 else f"{count} messages"
    what = f"{returned} returned to the queue, because {function_of(context.mapping)!r} was throttled until then"
    context.journal.advice.give("ESM103", context.mapping.uuid, what=what)


def advise_on_filtered(context: QueueContext, chosen: Filter, records: Iterable[Mapping[str, Any]]) -> None:
    """Give advice on messages that the filters refused because of their format."""
    misfit = next(filter(None, map(chosen.misfit, records)), None)
    if misfit is not None:
        context.journal.advice.give("ESM111", context.mapping.uuid, expected=misfit[0], found=misfit[1])


def _overtaken(messages: Sequence[Received], report: Report) -> str | None:
    """Return a group of which a message failed and a later one succeeded."""
    failed: set[str | None] = set()
    for message in messages:
        group = group_of(message)
        if message[MESSAGE_ID] in report.failed:
            failed.add(group)
        elif group in failed:
            return group
    return None
