"""Deletes the items of moto's tables whose time to live has passed. Seen with moto 5.1.9 and 5.2.5.

moto stores a table's time to live, but deletes nothing. The rules are those of the page "Using time to live (TTL) in
DynamoDB": the attribute is a number, in seconds since the epoch. A value that is not a number, or that is more than
five years in the past, does not expire. The stream record of the deletion names the service as the deleting user.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.sources.dynamodb import TIME_TO_LIVE_IDENTITY
from pytest_lambda_esm.timing import MICROSECONDS

_TOO_LONG_AGO: Final = 5 * 365 * 24 * 3600 * MICROSECONDS
_END_OF_TIME: Final = 253_402_300_800 * MICROSECONDS
"""The year 10000, which Python's datetime cannot represent."""


class _Expiry(NamedTuple):
    """When an item is deleted, unless it was written again; ``number`` keeps equal times in the order of writes."""

    due: int
    number: int
    account_id: str
    region: str
    table: str
    hash_key: Any
    range_key: Any


class TimeToLive:
    """Keeps one event on the clock for the item that expires next; none if no table has a time to live.

    An item is deleted ``delay`` microseconds after its expiry; ``note(table_arn, text)`` is called with each deletion.
    """

    def __init__(self, clock: Clock, delay: int, note: Callable[[str, str], object]) -> None:
        self._clock = clock
        self._delay = delay
        self._note = note
        self._expiries: list[_Expiry] = []
        self._number = 0
        self._next_deletion: Any = None

    def install(self, patches: Patches) -> None:
        """Watch all items, and each one that is written to a table with a time to live."""
        put_item = original_of(Table, "put_item")
        update_item = original_of(DynamoDBBackend, "update_item")
        update_time_to_live = original_of(DynamoDBBackend, "update_time_to_live")

        def put_and_watch(table: Any, *args: Any, **kwargs: Any) -> Any:
            item = put_item(table, *args, **kwargs)
            self._watch(table, item)
            return item

        def update_and_watch(backend: Any, table_name: str, *args: Any, **kwargs: Any) -> Any:
            item = update_item(backend, table_name, *args, **kwargs)
            self._watch(backend.get_table(table_name), item)
            return item

        def set_and_watch(backend: Any, table_name: str, *args: Any, **kwargs: Any) -> Any:
            response = update_time_to_live(backend, table_name, *args, **kwargs)
            self._watch_all(backend.get_table(table_name))
            return response

        patches.set(Table, "put_item", put_and_watch)
        patches.set(DynamoDBBackend, "update_item", update_and_watch)
        patches.set(DynamoDBBackend, "update_time_to_live", set_and_watch)
        for account in dynamodb_backends.values():
            for backend in account.values():
                for table in backend.tables.values():
                    self._watch_all(table)

    def _watch_all(self, table: Any) -> None:
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
        """Return when an item is deleted, or None if it does not expire."""
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
        self._clock.cancel(self._next_deletion)
        self._next_deletion = None
        if self._expiries:
            expiry = self._expiries[0]
            self._next_deletion = self._clock.call_in_background(
                expiry.due, self._delete_due, lambda: f"the time to live of an item of {expiry.table} ends"
            )

    def _delete_due(self) -> None:
        """Delete expired items, unless they were written again, or the table's time to live was disabled."""
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
