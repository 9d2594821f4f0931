"""Advice on what happens to the messages of a broker."""

from __future__ import annotations

from pytest_lambda_esm.polling.answers import function_of
from pytest_lambda_esm.polling.brokers.context import BrokerContext
from pytest_lambda_esm.wording import times


def advise_on_spent(context: BrokerContext, attempts: int) -> None:
    """Give advice on messages that were redelivered as often as the broker allows."""
    what = (
        f"{function_of(context.mapping)!r} failed {times(attempts)} with a message, and the broker gave it up by its"
        f" own limit of redeliveries: the mapping has no setting for retries, and no destination for failures"
    )
    context.journal.advice.give("ESM136", context.mapping.uuid, about="retries", what=what)


def advise_on_oversized(context: BrokerContext, count: int) -> None:
    """Give advice on messages that are dropped because no event can hold them."""
    dropped = "a message was" if count == 1 else f"{count} messages were"
    context.journal.advice.give("ESM134", context.mapping.uuid, count=dropped)
