"""Advice on what happens to the records of a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.filters import Filter
from pytest_lambda_esm.observe.fates import SENT
from pytest_lambda_esm.polling.answers import function_of
from pytest_lambda_esm.polling.kafka.batch import KafkaBatch
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings

_REPEATED: Final = 3
"""The failure after which records count as ones that always fail."""


def advise_on_failure(context: KafkaContext, settings: KafkaSettings, batch: KafkaBatch) -> None:
    """Give advice on a batch that failed and is retried without a limit."""
    unlimited = settings.maximum_retries is None and settings.maximum_age is None
    if unlimited and batch.invocations >= _REPEATED:
        mapping = context.mapping
        name = function_of(mapping)
        context.journal.advice.give("ESM113", mapping.uuid, function=name, attempts=batch.invocations)


def advise_on_discard(context: KafkaContext, fate: str, destination: str | None) -> None:
    """Give advice on a failure record that went to a queue or topic of SNS."""
    if fate == SENT and destination is not None and destination.split(":")[2:3] in (["sqs"], ["sns"]):
        context.journal.advice.give("ESM117", context.mapping.uuid, destination=destination)


def advise_on_passed(context: KafkaContext, chosen: Filter, record: Mapping[str, Any]) -> None:
    """Give advice on a record that passed the filters because of its format."""
    misfit = chosen.misfit(record)
    if misfit is not None:
        context.journal.advice.give("ESM131", context.mapping.uuid, expected=misfit[0], found=misfit[1])
