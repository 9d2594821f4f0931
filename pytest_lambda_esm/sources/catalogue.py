"""Which event sources there are, and which one an ARN belongs to."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.sources import dynamodb, kinesis, sqs
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.event_source import EventSource

SOURCES: Final = (sqs.STANDARD, sqs.FIFO, kinesis.KINESIS, dynamodb.DYNAMODB)


def recognise(arn: Arn) -> EventSource | None:
    """The event source that an ARN belongs to, or None."""
    return next((source for source in SOURCES if source.recognises(arn)), None)
