"""Change events, and the log of a cluster in which they are.

Follows https://www.mongodb.com/docs/manual/reference/change-events/, and the event on the page "Process Amazon
DocumentDB events with Lambda", whose members are in the order of their names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pytest_lambda_esm.timing import MICROSECONDS

_TOKEN_END: Final = "000041e1"
"""The end of a resume token, as in AWS's example; nothing says what it means."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a write has changed, in extended JSON.

    ``operation`` is ``insert``, ``update``, ``replace`` or ``delete``. ``document`` is the whole document after an
    insert or a replace, ``description`` the ``updateDescription`` of an update; both are None otherwise.
    """

    operation: str
    database: str
    collection: str
    document_id: Any
    document: Any = None
    description: Any = None


@dataclass(frozen=True, kw_only=True)
class ChangeEvent:
    """An event of a change stream.

    ``arrival`` is in microseconds since the epoch, ``number`` is that of the event in its second, from 1. ``depth`` is
    how many invocations, each caused by the one before, led to it.
    """

    change: Change
    arrival: int
    number: int
    depth: int

    @property
    def token(self) -> str:
        """The resume token, in the form of AWS's example: hexadecimal, and growing."""
        return f"01{self.seconds:08x}{self.number:08x}01{self.number:08x}{_TOKEN_END}"

    @property
    def seconds(self) -> int:
        """The event's time, in seconds since the epoch."""
        return self.arrival // MICROSECONDS

    @property
    def is_update(self) -> bool:
        """Whether a lookup adds the document to the event."""
        return self.change.operation == "update"

    @cached_property
    def text(self) -> str:
        """The entry of an event's ``events``, as JSON text, without a lookup."""
        return self._as_text({} if self.change.document is None else {"fullDocument": self.change.document})

    def looked_up(self, document: Any) -> str:
        """Return the entry with a document that was looked up: None if it did not exist any more."""
        return self._as_text({"fullDocument": document})

    def _as_text(self, full_document: dict[str, Any]) -> str:
        change = self.change
        event: dict[str, Any] = {
            "_id": {"_data": self.token},
            "clusterTime": {"$timestamp": {"t": self.seconds, "i": self.number}},
            "documentKey": {"_id": change.document_id},
            **full_document,
            "ns": {"db": change.database, "coll": change.collection},
            "operationType": change.operation,
        }
        if change.description is not None:
            event["updateDescription"] = change.description
        return json.dumps({"event": event}, ensure_ascii=False, separators=(",", ":"))


@dataclass(slots=True)
class ChangeLog:
    """The change events of a cluster, in their order. Expired ones stay stored, since fates name them."""

    events: list[ChangeEvent] = field(default_factory=list)

    def append(self, change: Change, instant: int, depth: int) -> None:
        """Store a change.

        A handler's own time may be ahead of the clock. An event is never readable before the one in front of it.
        """
        last = self.events[-1] if self.events else None
        arrival = instant if last is None else max(instant, last.arrival)
        same_second = last is not None and last.seconds == arrival // MICROSECONDS
        number = last.number + 1 if last is not None and same_second else 1
        self.events.append(ChangeEvent(change=change, arrival=arrival, number=number, depth=depth))
