"""Collects the next batch of one stream lane: what has arrived, belongs to the lane and passes the filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pytest_lambda_esm.polling.stream_settings import StreamSettings
from pytest_lambda_esm.sources.stream import Reader, Shard

ROOM: Final = 6 * 1024 * 1024
"""Bytes of records that fit into an event."""

Belongs: TypeAlias = Callable[[Shard, int], bool]
"""Whether a lane has to see to the record at a position."""


@dataclass(slots=True, kw_only=True)
class Gatherer:
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
