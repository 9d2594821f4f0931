"""Collects the next batch of one stream lane: what has arrived, belongs to the lane and passes the filters."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.sources.stream_ports import Reader, Shard
from pytest_lambda_esm.timing import moment_of

ROOM: Final = 6 * 1024 * 1024
"""Bytes of records that fit into an event."""

Belongs: TypeAlias = Callable[[Shard, int], bool]
"""Whether a lane has to see to the record at a position."""


@dataclass(slots=True, kw_only=True)
class OpenBatch:
    """A batch in the making. ``position`` is the next to be looked at; ``belongs`` None takes every record.

    ``filtered`` are positions passed by the filters' word, ``expired`` those that were gone before they were read.
    ``complete`` says that nothing more fits; ``later_window`` that the next record belongs to a later tumbling
    window than ``window_end`` closes; ``next_arrival`` when the next record can be seen.
    """

    position: int
    belongs: Belongs | None = None
    positions: list[int] = field(default_factory=list)
    filtered: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    size: int = 0
    complete: bool = False
    later_window: bool = False
    next_arrival: int | None = None
    window_end: int | None = None

    def take(self) -> list[int]:
        """The batch; the next one begins empty."""
        batch, self.positions = self.positions, []
        self.size, self.complete, self.later_window = 0, False, False
        return batch

    def gather(self, shard: Shard, settings: StreamSettings, reader: Callable[[], Reader], now: int) -> None:
        """Go on collecting what has arrived by ``now``."""
        self.next_arrival = None
        self.complete = self.complete or len(self.positions) >= settings.batch_size
        if self.complete or self.position >= shard.end:
            return
        if self.belongs is None and settings.record_filter is None and not settings.tumbling_window:
            self._gather_run(shard, settings, now)
        else:
            self._gather_chosen(shard, settings, reader(), now)
        if not self.complete and not self.later_window and self.position < shard.end:
            self.next_arrival = shard.arrival(self.position)

    def _gather_run(self, shard: Shard, settings: StreamSettings, now: int) -> None:
        """Every record counts: take as many as fit at once."""
        start = self.position
        stop = min(shard.end, start + settings.batch_size - len(self.positions))
        reached, size = shard.fitting(start, stop, now, ROOM - self.size)
        if reached == start and not self.positions and shard.arrival(start) <= now:
            reached = start + 1  # A record larger than the room goes alone.
        self.positions.extend(range(start, reached))
        self.position = reached
        self.size += size
        stopped_by_size = reached < stop and shard.arrival(reached) <= now
        self.complete = stopped_by_size or len(self.positions) >= settings.batch_size

    def _gather_chosen(self, shard: Shard, settings: StreamSettings, reader: Reader, now: int) -> None:
        """Records are taken one by one."""
        while not (self.complete or self.later_window) and self.position < shard.end:
            if shard.arrival(self.position) > now:
                return
            if self._goes_by(shard, settings, reader, now) or self._goes_in(shard, settings):
                self.position += 1
            self.complete = self.complete or len(self.positions) >= settings.batch_size

    def _goes_by(self, shard: Shard, settings: StreamSettings, reader: Reader, now: int) -> bool:
        position = self.position
        if self.belongs is not None and not self.belongs(shard, position):
            return True
        if shard.arrival(position) + shard.retention <= now:
            self.expired.append(position)
            return True
        chosen = settings.record_filter
        if chosen is not None and not chosen.passes(shard.records((position,), reader)[0]):
            self.filtered.append(position)
            return True
        return False

    def _goes_in(self, shard: Shard, settings: StreamSettings) -> bool:
        length = settings.tumbling_window
        if length:
            arrival = shard.arrival(self.position)
            if self.window_end is None:
                self.window_end = arrival // length * length + length
            if arrival >= self.window_end:
                self.later_window = True
                return False
        size = shard.size(self.position)
        if self.positions and self.size + size > ROOM:
            self.complete = True
            return False
        self.positions.append(self.position)
        self.size += size
        return True


@dataclass(frozen=True, slots=True)
class LastResponse:
    """What the function answered last: the version that ran, and ``"Unhandled"``, or None without a function error."""

    version: str
    function_error: str | None


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
class Batch:
    """Records that are invoked together; without any, the last invocation of a tumbling window (``final``).

    ``invocations`` counts how often the function ran with exactly these records; ``setbacks`` what went wrong in a
    row, for the back-off; ``due`` is when the next attempt is made; ``blocked_since`` when the first one failed.
    ``response`` and ``request_id`` are those of the last invocation, ``trouble`` how it went, ``event`` what it got.
    ``comes_again`` says that its records are delivered once more after success.
    """

    positions: Sequence[int]
    final: bool = False
    invocations: int = 0
    failures: int = 0
    due: int = 0
    blocked_since: int | None = None
    response: LastResponse | None = None
    request_id: str = ""
    trouble: str = ""
    event: StreamEvent | None = None
    comes_again: bool = False

    def cut(self, first: int) -> list[Batch]:
        """Two new pieces: the ``first`` records, and the others. Their invocations are counted anew."""
        return [
            Batch(positions=part, blocked_since=self.blocked_since, trouble=self.trouble)
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


LARGEST_STATE: Final = 1024 * 1024
"""Bytes of state that a shard may carry; a window with more is ended early."""


@dataclass(slots=True)
class OpenWindow:
    """A window that has begun. ``state`` is JSON text, so that nobody can change it; instants are microseconds."""

    start: int
    length: int
    state: str = "{}"
    ends_early: bool = False

    @classmethod
    def around(cls, instant: int, length: int) -> OpenWindow:
        """The window that an instant belongs to."""
        return cls(instant // length * length, length)

    @property
    def end(self) -> int:
        """When it ends; that instant belongs to the next window."""
        return self.start + self.length

    def accept(self, state: Any) -> None:
        """Carry a state that the function returned; one that is too large as compact JSON ends the window early."""
        self.state = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
        self.ends_early = len(self.state.encode()) > LARGEST_STATE

    def members(self, *, shard_id: str, source_arn: str, final: bool) -> dict[str, Any]:
        """What an event has beside its records, in the order of AWS."""
        return {
            "window": {"start": _whole_seconds(self.start), "end": _whole_seconds(self.end)},
            "state": json.loads(self.state),
            "shardId": shard_id,
            "eventSourceARN": source_arn,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": final and self.ends_early,
        }


def _whole_seconds(instant: int) -> str:
    return f"{moment_of(instant):%Y-%m-%dT%H:%M:%SZ}"
