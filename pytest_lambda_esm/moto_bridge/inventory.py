"""What moto has: queues with their dead-letter targets, streams, and functions. Seen with moto 5.1.9 to 5.2.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_lambda_esm.moto_bridge.lookups import COLLECTIONS, lambda_backends_in_use


class QueueFacts(NamedTuple):
    """A queue: its ARN, the ARN of its dead-letter queue (None without a redrive policy), and its visibility timeout.

    The timeout is in seconds.
    """

    arn: str
    dead_letter_target: str | None
    visibility_timeout: int


def queues() -> Iterator[QueueFacts]:
    """Return the queues of all accounts and regions."""
    for _, queue in COLLECTIONS["queue"].everywhere():
        target = (queue.redrive_policy or {}).get("deadLetterTargetArn")
        yield QueueFacts(str(queue.queue_arn), str(target) if target else None, int(queue.visibility_timeout))


def streams() -> Iterator[str]:
    """Return the ARNs of Kinesis's streams and of the current streams of tables, of all accounts and regions."""
    for _, stream in COLLECTIONS["stream"].everywhere():
        yield str(stream.arn)
    for _, table in COLLECTIONS["table"].everywhere():
        if table.latest_stream_label:
            yield f"{table.table_arn}/stream/{table.latest_stream_label}"


def functions() -> Iterator[str]:
    """Return the unqualified ARNs of the functions of all accounts and regions."""
    for backend in lambda_backends_in_use():
        for function in backend.list_functions():
            yield ":".join(str(function.function_arn).split(":")[:7])
