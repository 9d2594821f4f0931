"""What moto has: queues with their dead-letter targets, streams, and functions. Seen with moto 5.1.9 to 5.2.5."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

from pytest_lambda_esm.moto_bridge.lookups import COLLECTIONS, backends_in, lambda_backends_in_use

_NAMED: Final = (
    ("moto.kafka.models", "kafka_backends", "clusters", "cluster_name"),
    ("moto.mq.models", "mq_backends", "brokers", "name"),
)
"""The module, its backends, what each has, and where the name is. Modules that are not loaded have nothing."""


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


def names_beyond_arns() -> Iterator[tuple[str, str]]:
    """Return the names of Kafka's clusters and of brokers, whose ARNs in moto do not have them, each with its ARN."""
    for module, backends, attribute, name in _NAMED:
        for backend in backends_in(getattr(sys.modules.get(module), backends, {})):
            for each in getattr(backend, attribute).values():
                yield str(getattr(each, name)), str(each.arn)
