"""A change stream: the change events that one reader watches, as a stream with a single shard.

Implements ``Stream`` and ``Shard`` of ``sources/stream_ports.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.brokers.documentdb.changes import Change, ChangeEvent

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster

SHARD_ID: Final = "change-stream"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a change stream watches: a database, one of its collections or all (None), or all databases (None).

    With ``looks_up``, the events of updates have the whole document, as it is when the stream is read.
    """

    database: str | None = None
    collection: str | None = None
    looks_up: bool = False

    def has(self, change: Change) -> bool:
        """Whether the stream has an event of this change."""
        return self.database in (None, change.database) and self.collection in (None, change.collection)


class ChangeStream:
    """The events that one reader watches.

    ``scope()`` may change: events from before keep their places, and later ones are those of the new scope.
    """

    shard_id: Final = SHARD_ID
    parents: Final[Sequence[str]] = ()
    closed: Final = False

    def __init__(self, cluster: DocumentDBCluster, scope: Callable[[], Scope]) -> None:
        self._cluster = cluster
        self._scope = scope
        self._events: list[ChangeEvent] = []
        self._seen = 0
        self._looked_up: dict[int, str] = {}
        self._has_chains = False

    def __repr__(self) -> str:
        return f"<ChangeStream of {self._cluster.arn}>"

    def read_log(self) -> ChangeStream:
        """Take in the events that the cluster has logged since the last call, and return this stream."""
        log = self._cluster.log.events
        if self._seen < len(log):
            scope = self._scope()
            new = [event for event in log[self._seen :] if scope.has(event.change)]
            self._events += new
            self._has_chains = self._has_chains or any(event.depth for event in new)
            self._seen = len(log)
        return self

    # --- the stream and its shard ---------------------------------------------------------------------------

    @property
    def incarnation(self) -> object:
        """The cluster: it is never another one."""
        return self._cluster

    def shards(self) -> Sequence[ChangeStream]:
        """Return the only shard."""
        return (self,)

    def shard(self, shard_id: str) -> ChangeStream | None:
        """Return the only shard by its id."""
        return self if shard_id == SHARD_ID else None

    @property
    def end(self) -> int:
        """The position after the last event."""
        return len(self._events)

    @property
    def retention(self) -> int:
        """How long the cluster keeps change events, in microseconds."""
        return self._cluster.log_retention

    # --- its events -----------------------------------------------------------------------------------------

    def arrival(self, position: int) -> int:
        """Return when the change was made."""
        return self._events[position].arrival

    def sequence_number(self, position: int) -> str:
        """Return an event's resume token."""
        return self._events[position].token

    def key(self, position: int) -> str:
        """Return the changed document: its namespace and its ``_id``."""
        change = self._events[position].change
        return f"{change.database}.{change.collection} {json.dumps(change.document_id)}"

    def hash_fraction(self, position: int) -> float:
        """Return 0: events are read by one reader only."""
        return 0.0

    def size(self, position: int) -> int:
        """Return how many bytes an event takes."""
        return len(self._text(position).encode())

    def depth(self, positions: Sequence[int]) -> int:
        """Return the length of the longest chain of invocations that led to one of the events."""
        if not self._has_chains:
            return 0
        return max((self._events[position].depth for position in positions), default=0)

    def fitting(self, start: int, stop: int, now: int, room: int) -> tuple[int, int]:
        """Return the end of the events that have arrived and fit, and how many bytes they take.

        This is when the stream is read: documents are looked up now.
        """
        looks_up, taken = self._scope().looks_up, 0
        for position in range(start, stop):
            event = self._events[position]
            if event.arrival > now:
                return position, taken
            self._look_up(position, event, looks_up)
            size = self.size(position)
            if taken + size > room:
                return position, taken
            taken += size
        return stop, taken

    def records(self, positions: Sequence[int], reader: object) -> list[dict[str, Any]]:
        """Return the events as a function receives them."""
        return [json.loads(self._text(position)) for position in positions]

    def _look_up(self, position: int, event: ChangeEvent, looks_up: bool) -> None:
        self._looked_up.pop(position, None)
        if looks_up and event.is_update:
            change = event.change
            document = self._cluster.look_up(change.database, change.collection, change.document_id)
            self._looked_up[position] = event.looked_up(document)

    def _text(self, position: int) -> str:
        return self._looked_up.get(position) or self._events[position].text
