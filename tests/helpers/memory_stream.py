"""A stream in memory and a poller for it, without moto, for the unit tests of stream lanes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fractions import Fraction
from itertools import accumulate, count, takewhile
from typing import Any
from zlib import crc32

from helpers.interference import RaisingInterference
from pytest_lambda_esm.clock.virtual import VirtualClock
from pytest_lambda_esm.config import TransitionTimes
from pytest_lambda_esm.destinations import DeliveryFailed, Message
from pytest_lambda_esm.faults.interruptions import Interruptions, broken_off
from pytest_lambda_esm.mappings.lifecycle import Step
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.streams.context import StreamContext, StreamPolling
from pytest_lambda_esm.polling.streams.failures import BatchDiscarder
from pytest_lambda_esm.polling.streams.poller import StreamPoller
from pytest_lambda_esm.sources import kinesis
from pytest_lambda_esm.sources.stream_ports import Reader
from pytest_lambda_esm.timing import MICROSECONDS, Backoff

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/memory"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
HOUR = 3600 * MICROSECONDS


@dataclass(frozen=True)
class MemoryRecord:
    name: str
    key: str
    number: str
    arrived: int
    depth: int = 0


@dataclass
class MemoryShard:
    """A shard for the keys whose points are at least ``low`` and less than ``high``."""

    shard_id: str
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(1)
    parents: Sequence[str] = ()
    closed: bool = False
    retention: int = 24 * HOUR
    written: list[MemoryRecord] = field(default_factory=list)

    @property
    def end(self) -> int:
        return len(self.written)

    def arrival(self, position: int) -> int:
        return self.written[position].arrived

    def sequence_number(self, position: int) -> str:
        return self.written[position].number

    def key(self, position: int) -> str:
        return f"'{self.written[position].key}'"

    def hash_fraction(self, position: int) -> float:
        return float((point_of(self.written[position].key) - self.low) / (self.high - self.low))

    def size(self, position: int) -> int:
        return len(json.dumps(self.records([position], Reader(ARN, ""))[0]))

    def depth(self, positions: Sequence[int]) -> int:
        return max((self.written[position].depth for position in positions), default=0)

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        arrived = takewhile(lambda position: self.arrival(position) <= now, range(start, stop))
        totals = [*takewhile(lambda total: total <= room, accumulate(map(self.size, arrived)))]
        return start + len(totals), totals[-1] if totals else 0

    def records(self, positions: Sequence[int], reader: Reader) -> list[dict[str, Any]]:
        return [self._as_received(self.written[position], reader) for position in positions]

    def _as_received(self, record: MemoryRecord, reader: Reader) -> dict[str, Any]:
        return {
            "eventSource": "aws:kinesis",
            "eventSourceARN": reader.source_arn,
            "invokeIdentityArn": reader.identity_arn,
            "kinesis": {
                "partitionKey": record.key,
                "sequenceNumber": record.number,
                "data": base64.b64encode(record.name.encode()).decode(),
                "approximateArrivalTimestamp": record.arrived / MICROSECONDS,
            },
        }


def point_of(key: str) -> Fraction:
    """Where a key falls between 0 and 1."""
    return Fraction(crc32(key.encode()), 1 << 32)


class MemoryStream:
    """One stream, which also implements the lookup by ARN. It follows the contract in ``sources/stream_ports.py``."""

    def __init__(self, shards: int = 1) -> None:
        self.incarnation: object = "first"
        self.exists = True
        self.all = [
            MemoryShard(f"shard-{number}", Fraction(number, shards), Fraction(number + 1, shards))
            for number in range(shards)
        ]
        self._numbers = count(1001, 7)

    def find(self, arn: str) -> MemoryStream | None:
        return self if self.exists else None

    def shards(self) -> Sequence[MemoryShard]:
        return self.all

    def shard(self, shard_id: str) -> MemoryShard | None:
        return next((shard for shard in self.all if shard.shard_id == shard_id), None)

    def open_shards(self) -> list[MemoryShard]:
        return [shard for shard in self.all if not shard.closed]

    def put(self, name: str, key: str, instant: int) -> str:
        """Put a record, and return its id."""
        shard = next(shard for shard in self.open_shards() if shard.low <= point_of(key) < shard.high)
        record = MemoryRecord(name, key, str(next(self._numbers)), instant)
        shard.written.append(record)
        return f"{shard.shard_id}:{record.number}"

    def split(self, shard: MemoryShard) -> None:
        middle = (shard.low + shard.high) / 2
        shard.closed = True
        for low, high in ((shard.low, middle), (middle, shard.high)):
            self.all.append(MemoryShard(f"shard-{len(self.all)}", low, high, [shard.shard_id]))

    def merge(self, left: MemoryShard, right: MemoryShard) -> None:
        left.closed = right.closed = True
        parents = [left.shard_id, right.shard_id]
        self.all.append(MemoryShard(f"shard-{len(self.all)}", left.low, right.high, parents))


class NoAdvice:
    def give(self, *arguments: Any, **details: Any) -> None:
        pass

    suspect = refute = give


class NoJournal:
    advice = NoAdvice()

    def fate(self, *arguments: Any) -> None:
        pass

    def add(self, *arguments: Any) -> None:
        pass


class Outbox:
    """Destinations that keep each message, or refuse it while ``broken`` is set."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.broken = False
        self.strike: Callable[[str], None] = lambda step: None

    def deliver(self, arn: str, message: Message) -> None:
        self.strike("a bug")
        if self.broken:
            raise DeliveryFailed("it is broken")
        self.messages.append(message)


Answer = Callable[[dict[str, Any]], Any]


class Throttled(Exception):
    """Raised by a handler to simulate a throttled invocation."""


class Simulation:
    """A mapping on a stream in memory. ``handler(event)`` returns or raises; ``duration`` is in seconds.

    ``strike(step)`` is called at each step of the poller. It may raise anything; the handler only KeyboardInterrupt.
    """

    def __init__(self, handler: Answer, *, shards: int = 1, **settings: Any) -> None:
        self.clock = VirtualClock(START)
        self.stream = MemoryStream(shards)
        self.outbox = Outbox()
        self.handler = handler
        self.duration = 0.0
        self.strike: Callable[[str], None] = lambda step: None
        self.interruptions = Interruptions()
        self.batches: list[list[str]] = []
        self.attempts: list[int] = []
        self.settings = {
            **kinesis.KINESIS.defaults,
            "EventSourceArn": ARN,
            "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "StartingPosition": "TRIM_HORIZON",
            **settings,
        }
        self.mapping = Mapping(
            MappingSpec(
                uuid="uuid",
                arn="arn",
                account_id="123456789012",
                region="us-east-1",
                settings=self.settings,
                user_reason="User action",
            ),
            times=TransitionTimes,
            clock=self.clock,
            on_transition=lambda mapping, transition: None,
        )
        context = StreamContext(
            mapping=self.mapping,
            streams=self.stream,
            deliver=self._deliver,
            clock=self.clock,
            journal=NoJournal(),
            discarder=BatchDiscarder(self.outbox, kinesis.KIND, lambda: "id", True),
            interference=RaisingInterference(self.interruptions, lambda step: self.strike(step)),
            interruptions=self.interruptions,
            polling=StreamPolling(
                latency=0,
                backoff=Backoff(MICROSECONDS // 4, 60 * MICROSECONDS),
                idle_wait=120 * MICROSECONDS,
                larger_half="second",
                loop_depth=1000,
                read_retry=MICROSECONDS,
            ),
            find_reader=lambda mapping: Reader(ARN, "role"),
        )
        self.poller = StreamPoller(context)

    def put(self, *names: str, key: str | None = None) -> list[str]:
        """Put records at the current time, wake the poller, and return the records' ids."""
        ids = [self.stream.put(name, key or name, self.clock.instant) for name in names]
        self.poller.wake()
        return ids

    def update(self, **changes: Any) -> None:
        """Change the mapping's settings immediately."""
        self.settings = {**self.settings, **changes}
        self.mapping.begin(Step("Enabled", "Enabled"), self.settings)
        self.poller.wake()

    def fates(self) -> list[str]:
        return [fate.fate for fate in self.poller.fates()]

    def _deliver(self, mapping: Mapping, event: Any, attempt: int, depth: int) -> Delivery:
        end = self.clock.instant + round(self.duration * MICROSECONDS)
        try:
            made = event()
            result = self.handler(made)
        except Throttled:
            return Delivery(False, self.clock.instant, "f", "throttled", throttled=True)
        except KeyboardInterrupt as error:
            self.interruptions.keep(error)
            return Delivery(False, self.clock.instant, "f", broken_off(error), request_id="request")
        except ValueError as error:
            self._note(made, attempt)
            return Delivery(False, end, "f", f"error, {error}", request_id="request")
        self._note(made, attempt)
        return Delivery(True, end, "f", "success", result=result, request_id="request")

    def _note(self, event: dict[str, Any], attempt: int) -> None:
        self.batches.append(names_of(event))
        self.attempts.append(attempt)


def names_of(event: dict[str, Any]) -> list[str]:
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
