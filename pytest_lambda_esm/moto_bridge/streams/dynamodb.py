"""moto's DynamoDB streams, as the poller reads them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

moto writes two INSERT records for an update that creates an item, and a MODIFY record for a write that changes
nothing. All records have the same region, an old version and a wrong size. A table whose stream was disabled accepts
no writes, and its stream cannot be enabled again. While a fake is active, a stream has the records that AWS would
write.
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
from pytest_lambda_esm.moto_bridge.streams import partiql
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.sources import dynamodb
from pytest_lambda_esm.sources.stream_ports import Reader
from pytest_lambda_esm.timing import MICROSECONDS, instant_of

_DEPTH: Final = "_lambda_esm_depth"
_EARLIER: Final = "_lambda_esm_earlier_streams"
_RETENTION: Final = dynamodb.RETENTION_HOURS * 3600 * MICROSECONDS


class PolledShard:
    """The only shard of a stream in moto."""

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
        """No ids: moto never splits the shard."""
        return ()

    @property
    def closed(self) -> bool:
        """Whether the stream has been disabled."""
        return self._table.stream_shard is not self._shard or not _is_enabled(self._table)

    @property
    def end(self) -> int:
        """The number of records ever written."""
        return len(self._items)

    def arrival(self, position: int) -> int:
        """Return when the item changed, in microseconds since the epoch."""
        return instant_of(_created(self._items[position]))

    def sequence_number(self, position: int) -> str:
        """Return a record's sequence number."""
        return str(self._items[position].record["dynamodb"]["SequenceNumber"])

    def key(self, position: int) -> str:
        """Return the item's key as JSON."""
        return json.dumps(dynamodb.attributes(self._items[position].record["dynamodb"]["Keys"]))

    def hash_fraction(self, position: int) -> float:
        """Return where the hash of the item's key falls, from 0 to less than 1."""
        keys = dynamodb.attributes(self._items[position].record["dynamodb"]["Keys"])
        values = "\0".join(str(next(iter(value.values()))) for value in keys.values())
        hash_key = int.from_bytes(md5(values.encode(), usedforsecurity=False).digest()[:6], "big")
        return hash_key / (1 << 48)

    def size(self, position: int) -> int:
        """Return about how many bytes a record takes in an event; moto's SizeBytes is the change's size as JSON."""
        return int(self._items[position].record["dynamodb"]["SizeBytes"]) + dynamodb.ENVELOPE_SIZE

    def depth(self, positions: Sequence[int]) -> int:
        """Return the length of the longest chain of invocations that led to one of the records."""
        return max((self._items[position].__dict__.get(_DEPTH, 0) for position in positions), default=0)

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Return the position after the records that have arrived and fit, and how many bytes they take."""
        taken = 0
        for position in range(start, stop):
            size = self.size(position)
            if self.arrival(position) > now or taken + size > room:
                return position, taken
            taken += size
        return stop, taken

    def records(self, positions: Sequence[int], reader: Reader) -> list[dict[str, Any]]:
        """Return the records as a function receives them."""
        return [self._record(self._items[position], reader) for position in positions]

    def _record(self, item: Any, reader: Reader) -> dict[str, Any]:
        created = _created(item).timestamp()
        record = dynamodb.record(item.record, created=created, region=self._table.region_name)
        return {**record, "eventSourceARN": reader.source_arn}


class PolledStream:
    """A stream of a table in moto's storage; a table has one stream per label."""

    __slots__ = ("_shard", "_table", "incarnation")

    def __init__(self, table: Any, shard: Any, label: str) -> None:
        self._table = table
        self._shard = shard
        # moto replaces the objects by copies after a failed transaction, so the label identifies the stream.
        self.incarnation = label

    def shards(self) -> Sequence[PolledShard]:
        """Return the only shard."""
        return [PolledShard(self._shard, self._table)]

    def shard(self, shard_id: str) -> PolledShard | None:
        """Return a shard, or None if it does not exist."""
        return next((shard for shard in self.shards() if shard.shard_id == shard_id), None)


class MotoTableStreams:
    """Finds the streams of tables in moto's storage. Nothing is kept between calls: a reset of moto deletes tables."""

    def find(self, arn: str) -> PolledStream | None:
        """Return the stream with an ARN, even if it was disabled; None if it or its table does not exist."""
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


def install(
    patches: Patches, changed: Callable[[str], None], depth: Callable[[], int], sent: Callable[[str, str], None]
) -> None:
    """Call ``changed(stream_arn)`` for every new record, and suppress records that AWS would not write.

    ``depth()`` returns the length of the chain of invocations that led to the present change of an item.
    ``sent(stream_arn, record)`` is called with the record's id of each change that an invocation led to.
    """
    _install_single_update_records(patches)
    _install_reenabling(patches, changed)
    partiql.install(patches)
    add = original_of(StreamShard, "add")
    get = original_of(StreamShard, "get")
    delete_table = original_of(DynamoDBBackend, "delete_table")

    def add_and_notify(self: Any, old: Any, new: Any) -> None:
        if not _is_enabled(self.table) or _nothing_changed(old, new):
            return
        add(self, old, new)
        chain = depth()
        if chain:
            self.items[-1].__dict__[_DEPTH] = chain
            sent(_arn(self.table), f"{self.id}:{self.items[-1].record['dynamodb']['SequenceNumber']}")
        changed(_arn(self.table))

    def delete_and_notify(self: Any, name: str) -> Any:
        table = delete_table(self, name)
        if table.latest_stream_label:
            changed(_arn(table))
        return table

    def get_retained(self: Any, start: int, quantity: int) -> Any:
        oldest = utcnow().replace(tzinfo=timezone.utc) - timedelta(microseconds=_RETENTION)
        trimmed = sum(1 for _ in _older(self.items, oldest))
        retained = get(self, max(start, self.starting_sequence_number + trimmed), quantity)
        return [_as_aws(record, self.table.region_name) for record in retained]

    patches.set(StreamShard, "add", add_and_notify)
    patches.set(StreamShard, "get", get_retained)
    patches.set(DynamoDBBackend, "delete_table", delete_and_notify)


def _install_reenabling(patches: Patches, changed: Callable[[str], None]) -> None:
    """A table may have one stream after another, each with its own ARN; disabled streams stay readable."""
    set_specification = original_of(Table, "set_stream_specification")
    update_streams = original_of(DynamoDBBackend, "update_table_streams")
    known_arns: set[str] = set()

    def set_and_notify(self: Any, streams: Any) -> None:
        before, shard = self.latest_stream_label, self.stream_shard
        set_specification(self, streams)
        if self.stream_shard is not shard:
            created = datetime.fromisoformat(self.latest_stream_label)
            self.latest_stream_label = _label(created)
            while _arn(self) in known_arns:  # Streams created at the same virtual instant need different labels.
                created += timedelta(milliseconds=1)
                self.latest_stream_label = _label(created)
            known_arns.add(_arn(self))
            if shard is not None:
                self.__dict__.setdefault(_EARLIER, {})[before] = shard
        if before:
            changed(_arn(self, before))

    def update_and_allow(self: Any, table: Any, specification: dict[str, Any]) -> None:
        # moto rejects a stream for a table that has had one before.
        if table.latest_stream_label and not _is_enabled(table) and specification.get("StreamEnabled"):
            table.set_stream_specification(specification)
        else:
            update_streams(self, table, specification)

    patches.set(Table, "set_stream_specification", set_and_notify)
    patches.set(DynamoDBBackend, "update_table_streams", update_and_allow)


def _install_single_update_records(patches: Patches) -> None:
    """Write one record for an update that creates an item; moto writes two."""
    put_item = original_of(Table, "put_item")
    update_item = original_of(DynamoDBBackend, "update_item")
    updating: list[str] = []

    def put_without_stream_in_updates(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not updating:
            return put_item(self, *args, **kwargs)
        # An update that creates an item first puts only its key, and later adds a record of the whole item.
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
    """Return a record as AWS's GetRecords does, with the members that moto gets wrong replaced."""
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


def _label(created: datetime) -> str:
    """Return the label of a stream; as in AWS it has milliseconds, also at a full second."""
    return created.isoformat(timespec="milliseconds")


def _arn(table: Any, label: str | None = None) -> str:
    return f"{table.table_arn}/stream/{label or table.latest_stream_label}"


def shift(microseconds: int) -> None:
    """Move the times of all stored records: they were written in real time, and are read in virtual time."""
    for account in dynamodb_backends.values():
        for backend in account.values():
            for table in backend.tables.values():
                for item in table.stream_shard.items if table.stream_shard is not None else ():
                    moved = (_created(item) + timedelta(microseconds=microseconds)).replace(tzinfo=None)
                    text = isinstance(item.record["dynamodb"]["ApproximateCreationDateTime"], str)
                    item.record["dynamodb"]["ApproximateCreationDateTime"] = moved.isoformat() if text else moved
