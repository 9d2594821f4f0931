"""What the poller of a stream mapping shares with its lanes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Members
from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.lane_context import LaneContext, LanePolling
from pytest_lambda_esm.polling.streams.failures import BatchDiscarder
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.sources.stream_ports import MappingStreams, Reader, Shard, Stream, StreamKind, Trouble


@dataclass(slots=True, kw_only=True)
class StreamContext(LaneContext[StreamSettings]):
    """One mapping, and what its poller needs from the rest of the simulation.

    ``ends_at_creation`` is the position behind the last record of each shard when the mapping was created, None if that
    does not matter for its starting position. ``timeout`` returns that of the function, in seconds, or None.
    """

    streams: MappingStreams
    discarder: BatchDiscarder
    polling: StreamPolling
    find_reader: Callable[[Mapping], Reader]
    timeout: Callable[[Mapping], int | None] = lambda mapping: None
    ends_at_creation: Members[str, int] | None = None
    _lost_position: Trouble | None = field(init=False, default=None)

    def read_settings(self, members: Members[str, Any]) -> StreamSettings:
        """Convert the members of a mapping that are in force."""
        return StreamSettings.of(members, self.kind)

    def reader(self) -> Reader:
        """Return for whom records are rendered now: the function's role may change."""
        return self.find_reader(self.mapping)

    def stream(self) -> Stream | None:
        """Find the stream as it is now."""
        return self.streams.find(self.source_arn)

    @property
    def kind(self) -> StreamKind:
        """The kind of the mapping's source."""
        return self.discarder.kind

    def trouble(self) -> Trouble | None:
        """Return what keeps the mapping from reading, or None."""
        return self._lost_position or self.streams.trouble() or self._no_permission() or self._bad_function()

    def _no_permission(self) -> Trouble | None:
        forbidden = self.forbidden(self.mapping)
        return None if forbidden is None else Trouble("", f"PROBLEM: {forbidden}")

    def _bad_function(self) -> Trouble | None:
        longest = self.kind.longest_timeout
        is_bad = longest is not None and (self.timeout(self.mapping) or 0) > longest
        return self.kind.bad_function if is_bad else None

    def lose_position(self) -> None:
        """Disable a mapping whose next record has expired, if the service does so with its source."""
        trouble = self.kind.expired
        if trouble is None or self._lost_position is not None:
            return
        self._lost_position = trouble
        self.journal.add("poll", f"mapping {self.mapping.uuid}", trouble.text)
        if self.mapping.stable_state == "Enabled" and self.mapping.state in ("Enabled", "Updating"):
            self.mapping.force("Disabled", trouble.code, trouble.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardContext:
    """What the lanes of one shard share.

    ``incarnation`` identifies the stream that the lanes started with. ``refresh`` asks the poller to look at the
    stream again: a closed shard has been read to its end, or a stopped lane has nothing in flight any more.
    """

    stream: StreamContext
    shard_id: str
    incarnation: object
    history: ShardHistory
    refresh: Callable[[], None]

    def shard(self) -> Shard | None:
        """Find the shard as it is now; None once its stream was deleted, even if another stream has its name.

        Do not keep it longer than a step of a lane.
        """
        stream = self.stream.stream()
        return stream.shard(self.shard_id) if stream is not None and stream.incarnation == self.incarnation else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPolling(LanePolling):
    """How streams are polled.

    ``idle_wait`` is from the end of a tumbling window until it closes without a later record, in microseconds.
    """

    idle_wait: int
