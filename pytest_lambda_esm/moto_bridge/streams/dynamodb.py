"""moto's DynamoDB streams, as the poller reads them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

moto writes two INSERT records for an update that makes an item, a MODIFY for a write that changes nothing, stamps
every record with one region, an old version and another size, and cannot write to a table after its stream was
disabled, nor enable a stream again. While a fake is active, a stream has the records that AWS would write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from hashlib import md5
from typing import Any, Final

from moto.core.utils import utcnow
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import StreamShard, Table

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.sources import dynamodb
from pytest_lambda_esm.sources.stream_ports import Reader
from pytest_lambda_esm.timing import MICROSECONDS, instant_of

_DEPTH: Final = "_lambda_esm_depth"
_EARLIER: Final = "_lambda_esm_earlier_streams"
_RETENTION: Final = dynamodb.RETENTION_HOURS * 3600 * MICROSECONDS


class PolledShard:
    """The one shard that moto gives a stream."""

    __slots__ = ("_items", "_shard", "_table")

    retention = _RETENTION

    def __init__(self, shard: Any, table: Any) -> None:
        self._shard = shard
        self._table = table
        self._items = shard.items

    @property
    def shard_id(self) -> str:
        """The shard's id."""
        return str(self._shard.id)

    @property
    def parents(self) -> Sequence[str]:
        """None: moto never splits it."""
        return ()

    @property
    def closed(self) -> bool:
        """Whether the stream has been disabled."""
        return self._table.stream_shard is not self._shard or not _is_enabled(self._table)

    @property
    def end(self) -> int:
        """How many records it has had."""
        return len(self._items)

    def arrival(self, position: int) -> int:
        """When the item changed, in microseconds since the epoch."""
        return instant_of(_created(self._items[position]))

    def sequence_number(self, position: int) -> str:
        """A record's sequence number."""
        return str(self._items[position].record["dynamodb"]["SequenceNumber"])

    def key(self, position: int) -> str:
        """The item's key as JSON."""
        return json.dumps(dynamodb.attributes(self._items[position].record["dynamodb"]["Keys"]))

    def spread(self, position: int) -> float:
        """Where the item's key falls."""
        keys = dynamodb.attributes(self._items[position].record["dynamodb"]["Keys"])
        values = "\0".join(str(next(iter(value.values()))) for value in keys.values())
        hash_key = int.from_bytes(md5(values.encode(), usedforsecurity=False).digest()[:6], "big")
        return hash_key / (1 << 48)

    def size(self, position: int) -> int:
        """About how many bytes a record takes in an event; moto's SizeBytes is that of its change as JSON."""
        return int(self._items[position].record["dynamodb"]["SizeBytes"]) + dynamodb.ENVELOPE_SIZE

    def depth(self, positions: Sequence[int]) -> int:
        """How many invocations led to records."""
        return max((self._items[position].__dict__.get(_DEPTH, 0) for position in positions), default=0)

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Up to where records have arrived and fit, and how many bytes they take."""
        taken = 0
        for position in range(start, stop):
            size = self.size(position)
            if self.arrival(position) > now or taken + size > room:
                return position, taken
            taken += size
        return stop, taken

    def records(self, positions: Sequence[int], reader: Reader) -> list[dict[str, Any]]:
        """The records as a function receives them."""
        return [self._record(self._items[position], reader) for position in positions]

    def _record(self, item: Any, reader: Reader) -> dict[str, Any]:
        created = _created(item).timestamp()
        record = dynamodb.record(item.record, created=created, region=self._table.region_name)
        return {**record, "eventSourceARN": reader.source_arn}


class PolledStream:
    """A stream of one table in moto's storage, by its label."""

    __slots__ = ("_shard", "_table", "incarnation")

    def __init__(self, table: Any, shard: Any, label: str) -> None:
        self._table = table
        self._shard = shard
        # After a transaction that failed moto goes on with copies, so the objects say nothing of who they are.
        self.incarnation = label

    def shards(self) -> Sequence[PolledShard]:
        """The one shard there is."""
        return [PolledShard(self._shard, self._table)]

    def shard(self, shard_id: str) -> PolledShard | None:
        """One shard, or None."""
        return next((shard for shard in self.shards() if shard.shard_id == shard_id), None)


class MotoTableStreams:
    """Finds the streams of tables in moto's storage. They are looked up each time: moto forgets them at a reset."""

    def find(self, arn: str) -> PolledStream | None:
        """The stream with an ARN, also one that was disabled; None where there is none, or the table is gone."""
        parsed = Arn.parse(arn)
        parts = parsed.resource.split("/", 3) if parsed is not None else []
        if parsed is None or len(parts) != 4 or parts[2] != "stream":
            return None
        table = dynamodb_backends[parsed.account_id][parsed.region].tables.get(parts[1])
        if table is None:
            return None
        shards = {**table.__dict__.get(_EARLIER, {}), table.latest_stream_label: table.stream_shard}
        shard = shards.get(parts[3])
        return PolledStream(table, shard, parts[3]) if shard is not None else None


def _is_enabled(table: Any) -> bool:
    return bool((table.stream_specification or {}).get("StreamEnabled"))


def _created(item: Any) -> datetime:
    created = item.record["dynamodb"]["ApproximateCreationDateTime"]
    if isinstance(created, str):  # moto 5.1
        created = datetime.fromisoformat(created)
    moment: datetime = created.replace(tzinfo=timezone.utc)
    return moment


def install(patches: Patches, changed: Callable[[str], None], depth: Callable[[], int]) -> None:
    """Have ``changed(stream_arn)`` called whenever a stream has a new record, and keep out those AWS does not write.

    ``depth()`` tells how many invocations, each caused by the one before, led to the change of an item.
    """
    _tell_updates_once(patches)
    _enable_again(patches, changed)
    add = StreamShard.add
    get = StreamShard.get
    delete_table = DynamoDBBackend.delete_table

    def add_and_tell(self: Any, old: Any, new: Any) -> None:
        if not _is_enabled(self.table) or _nothing_changed(old, new):
            return
        add(self, old, new)
        links = depth()
        if links:
            self.items[-1].__dict__[_DEPTH] = links
        changed(_arn(self.table))

    def delete_and_tell(self: Any, name: str) -> Any:
        table = delete_table(self, name)
        if table.latest_stream_label:
            changed(_arn(table))
        return table

    def get_kept(self: Any, start: int, quantity: int) -> Any:
        oldest = utcnow().replace(tzinfo=timezone.utc) - timedelta(microseconds=_RETENTION)
        trimmed = sum(1 for _ in _older(self.items, oldest))
        kept = get(self, max(start, self.starting_sequence_number + trimmed), quantity)
        return [_as_aws(record, self.table.region_name) for record in kept]

    patches.set(StreamShard, "add", add_and_tell)
    patches.set(StreamShard, "get", get_kept)
    patches.set(DynamoDBBackend, "delete_table", delete_and_tell)


def _enable_again(patches: Patches, changed: Callable[[str], None]) -> None:
    """A table may have one stream after the other, each with an ARN of its own; those that were disabled stay."""
    set_specification = Table.set_stream_specification
    update_streams = DynamoDBBackend.update_table_streams
    made: set[str] = set()

    def set_and_tell(self: Any, streams: Any) -> None:
        before, shard = self.latest_stream_label, self.stream_shard
        set_specification(self, streams)
        if self.stream_shard is not shard:
            while _arn(self) in made:  # Streams that are made while time stands are told apart, too.
                later = datetime.fromisoformat(self.latest_stream_label) + timedelta(microseconds=1)
                self.latest_stream_label = later.isoformat()
            made.add(_arn(self))
            if shard is not None:
                self.__dict__.setdefault(_EARLIER, {})[before] = shard
        if before:
            changed(_arn(self, before))

    def update_and_allow(self: Any, table: Any, specification: dict[str, Any]) -> None:
        # moto refuses a stream to every table that has had one.
        if table.latest_stream_label and not _is_enabled(table) and specification.get("StreamEnabled"):
            table.set_stream_specification(specification)
        else:
            update_streams(self, table, specification)

    patches.set(Table, "set_stream_specification", set_and_tell)
    patches.set(DynamoDBBackend, "update_table_streams", update_and_allow)


def _tell_updates_once(patches: Patches) -> None:
    """An update that makes an item is one record of its stream, where moto writes two."""
    put_item = Table.put_item
    update_item = DynamoDBBackend.update_item
    updating: list[str] = []

    def put_without_stream_in_updates(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not updating:
            return put_item(self, *args, **kwargs)
        # An update that makes an item first puts its key alone, and tells the stream of the whole item afterwards.
        shard, self.stream_shard = self.stream_shard, None
        try:
            return put_item(self, *args, **kwargs)
        finally:
            self.stream_shard = shard

    def update_as_one(self: Any, table_name: str, *args: Any, **kwargs: Any) -> Any:
        updating.append(table_name)
        try:
            return update_item(self, table_name, *args, **kwargs)
        finally:
            updating.pop()

    patches.set(Table, "put_item", put_without_stream_in_updates)
    patches.set(DynamoDBBackend, "update_item", update_as_one)


def _as_aws(stored: Any, region: str) -> dict[str, Any]:
    """A record as GetRecords gives it, with the members that moto has otherwise."""
    absent = {"NewImage", "OldImage"}.difference(dynamodb.images(stored))
    change = {name: value for name, value in stored["dynamodb"].items() if name not in absent}
    change["SizeBytes"] = dynamodb.size_bytes(stored)
    return {**stored, "eventVersion": dynamodb.EVENT_VERSION, "awsRegion": region, "dynamodb": change}


def _older(items: Any, oldest: datetime) -> Any:
    for item in items:
        if _created(item) > oldest:
            return
        yield item


def _nothing_changed(old: Any, new: Any) -> bool:
    return old is not None and new is not None and bool(old.attrs == new.attrs)


def _arn(table: Any, label: str | None = None) -> str:
    return f"{table.table_arn}/stream/{label or table.latest_stream_label}"


def shift(microseconds: int) -> None:
    """Move the times of all records there are: they were written in real time, and live on in virtual time."""
    for account in dynamodb_backends.values():
        for backend in account.values():
            for table in backend.tables.values():
                for item in table.stream_shard.items if table.stream_shard is not None else ():
                    moved = (_created(item) + timedelta(microseconds=microseconds)).replace(tzinfo=None)
                    text = isinstance(item.record["dynamodb"]["ApproximateCreationDateTime"], str)
                    item.record["dynamodb"]["ApproximateCreationDateTime"] = moved.isoformat() if text else moved
