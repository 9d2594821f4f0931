"""What the lanes of one stream mapping work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.ports import Deliver
from pytest_lambda_esm.polling.streams.failures import Discards
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.stream_ports import Reader, Shard
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamContext:
    """The mapping, the rest of the world, and what may change: ``settings`` and ``reader`` are those in force.

    ``shard`` finds a shard by its id; ``look_again`` asks for a look at the stream: a closed shard has been read
    to its end, or a lane that was stopped has come to rest.
    """

    mapping: Mapping
    clock: Clock
    journal: Journal
    deliver: Deliver
    discards: Discards
    interference: PollerFaults
    polling: StreamPolling
    shard: Callable[[str], Shard | None]
    settings: Callable[[], StreamSettings]
    reader: Callable[[], Reader]
    look_again: Callable[[], None]
