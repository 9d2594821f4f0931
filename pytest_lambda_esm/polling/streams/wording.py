"""Texts about stream records, for ``explain()`` and the timeline."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.polling.streams.batch import Batch, OpenWindow
from pytest_lambda_esm.polling.wording import attempts_text
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import time_text
from pytest_lambda_esm.wording import counted


def record_name(shard: Shard, position: int) -> str:
    """A record by its sequence number and key."""
    return f"record {shard.sequence_number(position)} (key {shard.key(position)})"


def batch_name(shard: Shard, batch: Batch) -> str:
    """A batch by its first record."""
    if batch.final:
        return "the last invocation of a tumbling window"
    others = len(batch.positions) - 1
    first = record_name(shard, batch.positions[0])
    return f"{first} and the {counted(others, 'record')} with it" if others else first


def ids_of_ends(shard: Shard, positions: Sequence[int]) -> tuple[str, ...]:
    """The ids of the first and the last of some records, for the timeline."""
    ends = positions if len(positions) < 2 else (positions[0], positions[-1])
    return tuple([f"{shard.shard_id}:{shard.sequence_number(position)}" for position in ends])


def waiting(shard: Shard, positions: Sequence[int]) -> str:
    """How many records wait, and the first of them."""
    verb = "waits" if len(positions) == 1 else "wait"
    first = record_name(shard, positions[0])
    return f"{shard.shard_id}: {counted(len(positions), 'record')} {verb}, starting with {first}"


def open_window(shard: Shard, window: OpenWindow, idle_wait: int, now: int) -> str:
    """Which tumbling window is open, its state, and what closes it."""
    start, end, latest = (time_text(each, now) for each in (window.start, window.end, window.end + idle_wait))
    return (
        f"{shard.shard_id}: the tumbling window from {start} to {end} is open, its state is {window.state:.200}; it"
        f" closes when a record of a later window comes, when the shard ends, or at {latest}"
    )


def blocked(shard: Shard, batch: Batch, behind: int, now: int) -> str:
    """Which record blocks a lane, since when, how many attempts there were, and when the next one is made."""
    what = f"{shard.shard_id} is {'suspended' if batch.final else 'blocked'} by {batch_name(shard, batch)}"
    return what + attempts_text(batch, behind, now)
