"""Advice on what happens to the records of a topic."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.observe.fates import SENT
from pytest_lambda_esm.polling.answers import function_of
from pytest_lambda_esm.polling.kafka.batch import KafkaBatch
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.vocabulary import FateName
from pytest_lambda_esm.wording import times

_REPEATED: Final = 3
"""The failure after which records count as ones that always fail."""


def advise_on_failure(context: KafkaContext, settings: KafkaSettings, batch: KafkaBatch) -> None:
    """Give advice on a batch that failed and is retried without a limit."""
    unlimited = settings.maximum_retries is None and settings.maximum_age is None
    if unlimited and batch.invocations >= _REPEATED:
        mapping = context.mapping
        name = function_of(mapping)
        context.journal.advice.give("ESM113", mapping.uuid, function=name, attempts=times(batch.invocations))


def advise_on_discard(context: KafkaContext, fate: FateName, destination: str | None) -> None:
    """Give advice on a failure record that went to a queue or topic of SNS."""
    if fate == SENT and destination is not None and destination.split(":")[2:3] in (["sqs"], ["sns"]):
        context.journal.advice.give("ESM117", context.mapping.uuid, destination=destination)


def advise_on_group(context: KafkaContext) -> None:
    """Give advice on a consumer group that has read the topic before, which decides where reading begins."""
    settings = context.settings()
    if settings.group is not None:
        context.journal.advice.give(
            "ESM132", context.mapping.uuid, group=settings.group, position=settings.starting_position
        )
