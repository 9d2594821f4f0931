"""What the lanes of one stream mapping work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.faults.poller_steps import Interference
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.ports import Deliver
from pytest_lambda_esm.polling.streams.failures import Discards
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.stream_ports import Reader, Shard, Stream, Streams
from pytest_lambda_esm.timing import Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPolling:
    """How streams are polled.

    ``latency`` from a record's arrival to its reading and ``idle_wait`` after the end of a tumbling window are
    microseconds; ``larger_half`` of a split batch is ``"first"`` or ``"second"``; ``loop_depth`` is how deep a chain
    of invocations may become that each feed the next; ``read_retry`` microseconds until a failed read is tried again.
    """

    latency: int
    backoff: Backoff
    idle_wait: int
    larger_half: str
    loop_depth: int
    read_retry: int


@dataclass(slots=True, kw_only=True)
class StreamContext:
    """The mapping, and what its poller and lanes need of the rest of the simulation.

    ``reader`` returns for whom records are rendered now.
    """

    mapping: Mapping
    streams: Streams
    clock: Clock
    journal: Journal
    deliver: Deliver
    discards: Discards
    interference: Interference
    polling: StreamPolling
    reader: Callable[[Mapping], Reader]
    source_arn: str = field(init=False)
    _settings: tuple[Any, StreamSettings] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.source_arn = self.mapping.source_arn

    def settings(self) -> StreamSettings:
        """Return the mapping's current settings: the same object until they change."""
        current = self.mapping.settings
        if self._settings is None or self._settings[0] is not current:
            self._settings = (current, StreamSettings.of(current, self.discards.kind.data_rules))
        return self._settings[1]

    def stream(self) -> Stream | None:
        """Find the stream as it is now."""
        return self.streams.find(self.source_arn)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardContext:
    """What the lanes of one shard share.

    ``incarnation`` is that of the stream which the lanes began with. ``look_again`` asks the poller to look at the
    stream: a closed shard has been read to its end, or a stopped lane has nothing in flight any more.
    """

    stream: StreamContext
    shard_id: str
    incarnation: object
    history: ShardHistory
    look_again: Callable[[], None]

    def shard(self) -> Shard | None:
        """Find the shard as it is now; None once the stream is deleted, even if another one has its name."""
        stream = self.stream.stream()
        return stream.shard(self.shard_id) if stream is not None and stream.incarnation == self.incarnation else None
