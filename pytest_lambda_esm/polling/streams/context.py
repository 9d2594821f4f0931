"""What the poller of a stream mapping shares with its lanes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Members
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.lane_context import LaneContext, LanePolling
from pytest_lambda_esm.polling.streams.failures import BatchDiscarder
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.sources.stream_ports import Reader, Shard, Stream, Streams


@dataclass(slots=True, kw_only=True)
class StreamContext(LaneContext[StreamSettings]):
    """One mapping, and what its poller needs from the rest of the simulation."""

    streams: Streams
    discarder: BatchDiscarder
    polling: StreamPolling
    find_reader: Callable[[Mapping], Reader]

    def read_settings(self, members: Members[str, Any]) -> StreamSettings:
        """Convert the members of a mapping that are in force."""
        return StreamSettings.of(members, self.discarder.kind.data_rules)

    def reader(self) -> Reader:
        """Return for whom records are rendered now: the function's role may change."""
        return self.find_reader(self.mapping)

    def stream(self) -> Stream | None:
        """Find the stream as it is now."""
        return self.streams.find(self.source_arn)


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
