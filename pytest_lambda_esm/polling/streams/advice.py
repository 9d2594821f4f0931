"""Advice on what happens to the records of a stream."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.observe.fates import SENT
from pytest_lambda_esm.polling.answers import function_of
from pytest_lambda_esm.polling.streams.batch import LARGEST_STATE, Batch
from pytest_lambda_esm.polling.streams.context import StreamContext
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.vocabulary import FateName
from pytest_lambda_esm.wording import counted, times

_REPEATED: Final = 3
"""The failure after which records count as ones that always fail."""


def advise_on_failure(context: StreamContext, settings: StreamSettings, batch: Batch) -> None:
    """Give advice on a batch that failed, and is split or retried as a whole or given up."""
    mapping, give, count = context.mapping, context.journal.advice.give, len(batch.positions)
    limited = settings.maximum_retries is not None
    if settings.bisects and count > 1:
        if limited:
            give("ESM114", mapping.uuid, count=count, retries=settings.maximum_retries)
    elif limited and batch.after_partial_success and batch.invocations > (settings.maximum_retries or 0):
        give(
            "ESM115", mapping.uuid, attempts=counted(batch.invocations + 1, "attempt"), retries=settings.maximum_retries
        )
    elif _retries_needlessly(settings) and batch.invocations >= _REPEATED:
        give("ESM113", mapping.uuid, function=function_of(mapping), attempts=times(batch.invocations))


def _retries_needlessly(settings: StreamSettings) -> bool:
    """Whether a mapping retries without end although its source has settings that limit retries."""
    return settings.kind.limits_retries and settings.maximum_retries is None and settings.maximum_age is None


def advise_on_throttles(context: StreamContext, settings: StreamSettings, batch: Batch) -> None:
    """Give advice on a batch that has been throttled more often than it would be retried after errors."""
    retries = settings.maximum_retries
    if retries is not None and settings.maximum_age is None and batch.failures > retries:
        context.journal.advice.give("ESM116", context.mapping.uuid, throttles=times(batch.failures), retries=retries)


def advise_on_discard(context: StreamContext, fate: FateName, destination: str | None) -> None:
    """Give advice on a failure record that went to a queue or topic."""
    if fate == SENT and destination is not None and destination.split(":")[2:3] in (["sqs"], ["sns"]):
        context.journal.advice.give("ESM117", context.mapping.uuid, destination=destination)


def advise_on_late_start(context: StreamContext, missed: int) -> None:
    """Give advice on records that LATEST skips although they are younger than the mapping."""
    if missed:
        context.journal.advice.give("ESM118", context.mapping.uuid, records=counted(missed, "record"))


def advise_on_expiry(context: StreamContext, count: int) -> None:
    """Give advice on records that expired before they were read, if the mapping has been disabled."""
    if context.mapping._has_been("Disabled"):
        expired = counted(count, "record")
        what = f"{expired} expired in the stream before the mapping was enabled again: the function never gets them"
        context.journal.advice.give("ESM119", context.mapping.uuid, about="disabled", what=what)


def advise_on_oversized(context: StreamContext, count: int) -> None:
    """Give advice on records that are dropped because no event can hold them."""
    dropped = "a record was" if count == 1 else f"{count} records were"
    context.journal.advice.give("ESM134", context.mapping.uuid, count=dropped)


def advise_on_missing_state(context: StreamContext) -> None:
    """Give advice on an answer that a tumbling window cannot go on with."""
    mapping = context.mapping
    what = (
        f"{function_of(mapping)!r} returned no 'state' to a mapping with tumbling windows: AWS counts the batch as"
        f" failed, and retries it"
    )
    context.journal.advice.give("ESM121", mapping.uuid, about="missing", what=what)


def advise_on_large_state(context: StreamContext) -> None:
    """Give advice on a state that ends its window early."""
    mapping = context.mapping
    what = (
        f"the state that {function_of(mapping)!r} returned has more than {LARGEST_STATE} bytes: AWS ends the tumbling"
        f" window early, and the rest of it starts with an empty state"
    )
    context.journal.advice.give("ESM121", mapping.uuid, about="large", what=what)
