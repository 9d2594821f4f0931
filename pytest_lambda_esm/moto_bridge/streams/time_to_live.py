"""Deletes the items of moto's tables whose time to live has passed. Seen with moto 5.1.9 and 5.2.5.

moto keeps a table's time to live and deletes nothing. It follows the page "Using time to live (TTL) in DynamoDB": the
attribute is a number, in seconds since the epoch; what is no number, or more than five years in the past, does not
expire; the record of the deletion names the service as who deleted.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.sources.dynamodb import TIME_TO_LIVE_IDENTITY
from pytest_lambda_esm.timing import MICROSECONDS

_TOO_LONG_AGO: Final = 5 * 365 * 24 * 3600 * MICROSECONDS
_END_OF_TIME: Final = 253_402_300_800 * MICROSECONDS
"""The year 10000, which no clock of Python's can show."""


class _Expiry(NamedTuple):
    """When an item may be deleted, if it still is as it was: ``number`` keeps the order of writes."""

    due: int
    number: int
    account_id: str
    region: str
    table: str
    hash_key: Any
    range_key: Any


class TimeToLive:
    """Knows which item expires next, and has one event on the clock for it; none where no table has a time to live.

    ``delay`` is how many microseconds after its expiry an item is deleted; ``note(table_arn, text)`` is told.
    """

    def __init__(self, clock: Clock, delay: int, note: Callable[[str, str], object]) -> None:
        self._clock = clock
        self._delay = delay
        self._note = note
        self._expiries: list[_Expiry] = []
        self._number = 0
        self._upcoming: Any = None

    def install(self, patches: Patches) -> None:
        """Hear of each item that is written to a table with a time to live."""
        put_item, update_item = Table.put_item, DynamoDBBackend.update_item
        update_time_to_live = DynamoDBBackend.update_time_to_live

        def put_and_watch(table: Any, *args: Any, **kwargs: Any) -> Any:
            item = put_item(table, *args, **kwargs)
            self._watch(table, item)
            return item

        def update_and_watch(backend: Any, table_name: str, *args: Any, **kwargs: Any) -> Any:
            item = update_item(backend, table_name, *args, **kwargs)
            self._watch(backend.get_table(table_name), item)
            return item

        def set_and_look_through(backend: Any, table_name: str, *args: Any, **kwargs: Any) -> Any:
            answer = update_time_to_live(backend, table_name, *args, **kwargs)
            self._look_through(backend.get_table(table_name))
            return answer

        patches.set(Table, "put_item", put_and_watch)
        patches.set(DynamoDBBackend, "update_item", update_and_watch)
        patches.set(DynamoDBBackend, "update_time_to_live", set_and_look_through)
        for account in dynamodb_backends.values():
            for backend in account.values():
                for table in backend.tables.values():
                    self._look_through(table)

    def _look_through(self, table: Any) -> None:
        for item in _items(table):
            self._watch(table, item)

    def _watch(self, table: Any, item: Any) -> None:
        due = self._due(table, item)
        if due is None:
            return
        self._number += 1
        expiry = _Expiry(
            due, self._number, table.account_id, table.region_name, table.name, item.hash_key, item.range_key
        )
        heapq.heappush(self._expiries, expiry)
        if self._expiries[0] is expiry:
            self._schedule()

    def _due(self, table: Any, item: Any) -> int | None:
        """When an item is deleted, or None where it does not expire."""
        if table.ttl.get("TimeToLiveStatus") != "ENABLED":
            return None
        value = item.attrs.get(table.ttl.get("AttributeName"))
        if value is None or value.type != "N":
            return None
        try:
            expires = int(Decimal(value.value)) * MICROSECONDS
        except (InvalidOperation, OverflowError, ValueError):
            return None
        due = expires + self._delay
        return due if expires > self._clock.instant - _TOO_LONG_AGO and due < _END_OF_TIME else None

    def _schedule(self) -> None:
        self._clock.cancel(self._upcoming)
        self._upcoming = None
        if self._expiries:
            following = self._expiries[0]
            self._upcoming = self._clock.call_in_background(
                following.due, self._delete_due, lambda: f"the time to live of an item of {following.table} ends"
            )

    def _delete_due(self) -> None:
        """Delete what has expired, unless it was written anew meanwhile, or its table has no time to live any more."""
        while self._expiries and self._expiries[0].due <= self._clock.instant:
            expiry = heapq.heappop(self._expiries)
            table = dynamodb_backends[expiry.account_id][expiry.region].tables.get(expiry.table)
            item = _find(table, expiry) if table is not None else None
            if item is not None and self._due(table, item) == expiry.due:
                self._delete(table, item)
        self._schedule()

    def _delete(self, table: Any, item: Any) -> None:
        shard = table.stream_shard
        before = len(shard.items) if shard is not None else 0
        table.delete_item(item.hash_key, item.range_key)
        for written in shard.items[before:] if shard is not None else ():
            written.record["userIdentity"] = dict(TIME_TO_LIVE_IDENTITY)
        keys = ", ".join(str(key.value) for key in (item.hash_key, item.range_key) if key is not None)
        self._note(table.table_arn, f"the item {keys} is deleted: its time to live has ended")


def _items(table: Any) -> Iterator[Any]:
    for found in table.items.values():
        yield from list(found.values()) if table.has_range_key else (found,)


def _find(table: Any, expiry: _Expiry) -> Any:
    found = table.items.get(expiry.hash_key)
    return found.get(expiry.range_key) if found is not None and table.has_range_key else found
