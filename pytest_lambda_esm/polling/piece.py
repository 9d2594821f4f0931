"""A batch of stream records on its way, or the part of one that is left after a split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.polling.stream_settings import StreamSettings
from pytest_lambda_esm.sources.failure_record import LastResponse
from pytest_lambda_esm.sources.stream import Reader, Shard


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Makes an event, anew each time it is called.

    ``beside`` is what it has beside its records, as JSON text; ``settings`` were in force when it was first sent.
    """

    shard: Shard
    positions: Sequence[int]
    reader: Reader
    beside: str
    settings: StreamSettings

    def __call__(self) -> dict[str, Any]:
        """The event."""
        event: dict[str, Any] = {"Records": self.shard.records(self.positions, self.reader)}
        return {**event, **json.loads(self.beside)} if self.beside else event


@dataclass(slots=True, kw_only=True)
class Piece:
    """Records that are invoked together; without any, the last invocation of a tumbling window (``final``).

    ``invocations`` counts how often the function ran with exactly these records; ``setbacks`` what went wrong in a
    row, for the back-off; ``due`` is when the next attempt is made; ``blocked_since`` when the first one failed.
    ``response`` and ``request_id`` are those of the last invocation, ``trouble`` how it went, ``event`` what it got.
    ``comes_again`` says that its records are delivered once more after success.
    """

    positions: Sequence[int]
    final: bool = False
    invocations: int = 0
    setbacks: int = 0
    due: int = 0
    blocked_since: int | None = None
    response: LastResponse | None = None
    request_id: str = ""
    trouble: str = ""
    event: StreamEvent | None = None
    comes_again: bool = False

    def cut(self, first: int) -> list[Piece]:
        """Two new pieces: the ``first`` records, and the others. Their invocations are counted anew."""
        return [
            Piece(positions=part, blocked_since=self.blocked_since, trouble=self.trouble)
            for part in (self.positions[:first], self.positions[first:])
        ]

    def older_than(self, shard: Shard, instant: int) -> int:
        """How many records at the start arrived at an instant or before."""
        count = 0
        while count < len(self.positions) and shard.arrival(self.positions[count]) <= instant:
            count += 1
        return count


def halves(count: int, larger_half: str) -> int:
    """How many records of a failed batch go into the first half; ``larger_half`` is ``"first"`` or ``"second"``."""
    return (count + 1) // 2 if larger_half == "first" else count // 2
