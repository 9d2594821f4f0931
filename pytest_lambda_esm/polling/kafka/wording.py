"""Texts about Kafka records, for ``explain()`` and the timeline."""

from __future__ import annotations

from pytest_lambda_esm.polling.kafka.batch import KafkaBatch, Runs
from pytest_lambda_esm.polling.wording import attempts_text
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition
from pytest_lambda_esm.wording import counted


def record_name(partition: KafkaPartition, offset: int) -> str:
    """A record by its partition, its offset and its key."""
    return f"record {partition.shard_id}:{offset} (key {partition.key(offset)})"


def batch_name(runs: Runs) -> str:
    """A batch by its first record."""
    others = runs.total - 1
    first = record_name(runs[0].partition, runs[0].offsets[0])
    return f"{first} and the {counted(others, 'record')} with it" if others else first


def places(runs: Runs) -> str:
    """How many records there are, and of which partitions."""
    names = ", ".join(run.partition.shard_id for run in runs)
    return f"{counted(runs.total, 'record')} of {names}"


def ids_of_ends(runs: Runs) -> tuple[str, ...]:
    """The ids of the first and the last record of each partition, for the timeline."""
    return tuple(
        f"{partition.shard_id}:{offset}"
        for partition, offsets in runs
        for offset in ((offsets[0],) if len(offsets) == 1 else (offsets[0], offsets[-1]))
    )


def ids(runs: Runs) -> list[str]:
    """The ids of all records."""
    return [f"{partition.shard_id}:{offset}" for partition, offsets in runs for offset in offsets]


def blocked(batch: KafkaBatch, behind: int, now: int) -> str:
    """Which record blocks a poller, since when, how many attempts there were, and when the next one is made."""
    return f"a poller is blocked by {batch_name(batch.runs)}{attempts_text(batch, behind, now)}"
