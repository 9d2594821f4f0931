"""What a stream lane says of its records, to people."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.polling.piece import Piece
from pytest_lambda_esm.sources.stream import Shard


def counted(count: int, thing: str) -> str:
    """A number with its noun, such as ``1 record`` or ``3 records``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def name_of(shard: Shard, position: int) -> str:
    """A record by its sequence number and key."""
    return f"record {shard.sequence_number(position)} (key {shard.key(position)})"


def ends_of(shard: Shard, positions: Sequence[int]) -> tuple[str, ...]:
    """The ids of the first and the last of some records, for the timeline."""
    ends = positions if len(positions) < 2 else (positions[0], positions[-1])
    return tuple(f"{shard.shard_id}:{shard.sequence_number(position)}" for position in ends)


def time_of(instant: int) -> str:
    """The time of day, to the microsecond."""
    return f"{moment_of(instant):%H:%M:%S.%f}"


def blocked(shard: Shard, piece: Piece, behind: int) -> str:
    """Which record blocks a lane, since when, how often it was tried, and when the next attempt comes."""
    if piece.final:
        what = f"{shard.shard_id} is suspended by the last invocation of a tumbling window"
    else:
        what = f"{shard.shard_id} is blocked by {name_of(shard, piece.positions[0])}"
        if len(piece.positions) > 1:
            what += f" and the {counted(len(piece.positions) - 1, 'record')} with it"
    since = f" since {time_of(piece.blocked_since)}" if piece.blocked_since is not None else ""
    return (
        f"{what}{since}: {counted(piece.invocations, 'attempt')} so far ({piece.trouble}); attempt"
        f" {piece.invocations + 1} comes at {time_of(piece.due)}; {counted(behind, 'record')} behind"
    )
