"""Batches of stream records: collected, sent, split after a failure; and the tumbling window they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.polling.attempts import EVENT_CAPACITY, Attempts
from pytest_lambda_esm.polling.streams.history import compact
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.sources.stream_ports import Reader, Shard
from pytest_lambda_esm.timing import moment_of

LARGEST_STATE: Final = 1024 * 1024
"""Bytes of state that a tumbling window may carry; a window with more is ended early."""

Selector: TypeAlias = Callable[[Shard, int], bool]
"""Whether a lane reads the record at a position."""


@dataclass(slots=True, kw_only=True)
class Batch(Attempts):
    """Records that are sent together. ``final`` without records is the last invocation of a tumbling window.

    ``event`` is what the last invocation received. ``after_partial_success`` marks what is left of a batch that
    succeeded in part.
    """

    positions: Sequence[int]
    final: bool = False
    event: StreamEvent | None = None
    after_partial_success: bool = False

    def split(self, first: int) -> list[Batch]:
        """Return two new batches: the ``first`` records, and the rest. Their invocations count from zero."""
        return [
            Batch(positions=part, blocked_since=self.blocked_since, last_outcome=self.last_outcome)
            for part in (self.positions[:first], self.positions[first:])
        ]

    def count_until(self, shard: Shard, instant: int) -> int:
        """Count the records at the start that arrived at an instant or before."""
        count = 0
        while count < len(self.positions) and shard.arrival(self.positions[count]) <= instant:
            count += 1
        return count


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Builds an event; each call returns a new one.

    ``window_members`` are the members besides ``Records``, as JSON text. ``settings`` are those in force when the
    event was first sent.
    """

    shard: Shard
    positions: Sequence[int]
    reader: Reader
    window_members: str
    settings: StreamSettings

    def __call__(self) -> dict[str, Any]:
        """Build the event."""
        event = self.settings.kind.make_event(self.shard.records(self.positions, self.reader), self.reader)
        return {**event, **json.loads(self.window_members)} if self.window_members else event


@dataclass(slots=True, kw_only=True)
class OpenBatch:
    """A batch that is being collected. ``position`` is the next one to read; ``selects`` None selects all records.

    ``filtered`` are positions that the filters rejected, ``expired`` those whose retention ended before they were
    read, ``oversized`` those that are dropped because no event can hold them. ``complete`` means that no more records
    fit. ``later_window`` means that the next record is past ``window_end``, the end of the tumbling window.
    ``next_arrival`` is when the next record arrives, if it is known.
    """

    position: int
    selects: Selector | None = None
    positions: list[int] = field(default_factory=list)
    filtered: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    oversized: list[int] = field(default_factory=list)
    size: int = 0
    complete: bool = False
    later_window: bool = False
    next_arrival: int | None = None
    window_end: int | None = None

    def take(self) -> Sequence[int]:
        """Return the positions collected, at least one, and start the next batch."""
        batch, self.positions = self.positions, []
        self.size, self.complete, self.later_window = 0, False, False
        return compact(batch)

    def collect(self, shard: Shard, settings: StreamSettings, reader: Callable[[], Reader], now: int) -> None:
        """Collect the records that have arrived by ``now``."""
        self.next_arrival = None
        self.complete = self.complete or len(self.positions) >= settings.batch_size
        if self.complete or self.position >= shard.end:
            return
        if self.selects is None and settings.record_filter is None and not settings.tumbling_window:
            self._collect_run(shard, settings, now)
        else:
            self._collect_one_by_one(shard, settings, reader(), now)
        if not self.complete and not self.later_window and self.position < shard.end:
            self.next_arrival = shard.arrival(self.position)

    def _collect_run(self, shard: Shard, settings: StreamSettings, now: int) -> None:
        """Collect consecutive records at once: none is skipped, except those that are dropped."""
        start = self.position
        stop = min(shard.end, start + settings.batch_size - len(self.positions))
        reached, size = shard.fitting(start, stop, now, EVENT_CAPACITY - self.size)
        drops = settings.kind.drops_oversized
        if reached == start and not self.positions and not drops and shard.arrival(start) <= now:
            reached = start + 1  # A record larger than the capacity is sent alone.
        self.positions.extend(range(start, reached))
        self.position = reached
        self.size += size
        stopped_by_size = reached < stop and shard.arrival(reached) <= now
        if stopped_by_size and drops and shard.size(reached) > EVENT_CAPACITY:
            self.oversized.append(reached)
            self.position += 1
            if self.position < shard.end:
                self._collect_run(shard, settings, now)
            return
        self.complete = stopped_by_size or len(self.positions) >= settings.batch_size

    def _collect_one_by_one(self, shard: Shard, settings: StreamSettings, reader: Reader, now: int) -> None:
        while not (self.complete or self.later_window) and self.position < shard.end:
            if shard.arrival(self.position) > now:
                return
            if self._skip(shard, settings, reader, now) or self._add(shard, settings):
                self.position += 1
            self.complete = self.complete or len(self.positions) >= settings.batch_size

    def _skip(self, shard: Shard, settings: StreamSettings, reader: Reader, now: int) -> bool:
        """Skip the next record if it belongs to another lane, has expired, or no filter matches."""
        position = self.position
        if self.selects is not None and not self.selects(shard, position):
            return True
        if shard.arrival(position) + shard.retention <= now:
            self.expired.append(position)
            return True
        record_filter = settings.record_filter
        if record_filter is not None and not record_filter.passes(shard.records((position,), reader)[0]):
            self.filtered.append(position)
            return True
        return False

    def _add(self, shard: Shard, settings: StreamSettings) -> bool:
        """Add the next record, unless it belongs to a later window or does not fit."""
        length = settings.tumbling_window
        if length:
            arrival = shard.arrival(self.position)
            if self.window_end is None:
                self.window_end = arrival // length * length + length
            if arrival >= self.window_end:
                self.later_window = True
                return False
        size = shard.size(self.position)
        if self.positions and self.size + size > EVENT_CAPACITY:
            self.complete = True
            return False
        self.positions.append(self.position)
        self.size += size
        return True


@dataclass(slots=True)
class OpenWindow:
    """A tumbling window that has started.

    ``start`` and ``length`` are microseconds. ``state`` is JSON text, so that no handler can change it in place.
    """

    start: int
    length: int
    state: str = "{}"
    ends_early: bool = False

    @classmethod
    def containing(cls, instant: int, length: int) -> OpenWindow:
        """Open the window that contains an instant."""
        return cls(instant // length * length, length)

    @property
    def end(self) -> int:
        """When the window ends; that instant belongs to the next window."""
        return self.start + self.length

    def set_state(self, state: Any) -> None:
        """Keep the state that the function returned; one that is too large as compact JSON ends the window early."""
        self.state = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
        self.ends_early = len(self.state.encode(errors="surrogatepass")) > LARGEST_STATE

    def event_members(self, *, shard_id: str, source_arn: str, final: bool) -> dict[str, Any]:
        """Return the members of an event besides ``Records``, in the order of AWS."""
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
