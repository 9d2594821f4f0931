"""What the poller of a stream mapping shares with its lanes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.ports import Deliver
from pytest_lambda_esm.polling.streams.failures import BatchDiscarder
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.stream_ports import Reader, Shard, Stream, Streams
from pytest_lambda_esm.timing import Backoff


@dataclass(slots=True, kw_only=True)
class StreamContext:
    """One mapping, and what its poller needs from the rest of the simulation.

    ``ends_at_creation`` is the position behind the last record of each shard when the mapping was created, None if that
    does not matter for its starting position.
    """

    mapping: Mapping
    streams: Streams
    clock: Clock
    journal: Journal
    deliver: Deliver
    discarder: BatchDiscarder
    interference: PollerFaults
    interruptions: Interruptions
    polling: StreamPolling
    find_reader: Callable[[Mapping], Reader]
    ends_at_creation: ReadOnly[str, int] | None = None
    source_arn: str = field(init=False)
    _read_settings: tuple[Any, StreamSettings | None] = field(init=False, default=(None, None))

    def __post_init__(self) -> None:
        self.source_arn = self.mapping.source_arn

    def settings(self) -> StreamSettings:
        """Return the mapping's current settings: the same object until they change.

        Do not keep them longer than a step of a lane, since the mapping may be updated between two steps.
        """
        current = self.mapping.in_force
        source, settings = self._read_settings
        if settings is None or source is not current:
            settings = StreamSettings.of(current, self.discarder.kind.data_rules)
            self._read_settings = (current, settings)
        return settings

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
class StreamPolling:
    """How streams are polled. All spans are microseconds.

    ``latency`` is from a record's arrival until it is read, ``idle_wait`` from the end of a tumbling window until it
    closes without a later record, ``read_retry`` until a failed read is retried. ``larger_half`` of a split batch is
    ``"first"`` or ``"second"``. ``loop_depth`` is the longest chain of invocations that each write the record that
    triggers the next.
    """

    latency: int
    backoff: Backoff
    idle_wait: int
    larger_half: str
    loop_depth: int
    read_retry: int
