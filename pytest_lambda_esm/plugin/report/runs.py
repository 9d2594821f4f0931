"""The invocations of one test that the page draws, with what their handlers were given and what they made of it."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.invocation.event_records import ids_of
from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.plugin.report.lanes import Lanes
from pytest_lambda_esm.plugin.report.texts import Texts, as_json

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import Invocation

_LONGEST: Final = 6_000
_LONGEST_RESULT: Final = 2_000
_LONGEST_ERROR: Final = 1_000


class Runs:
    """Finds the invocation that an entry begins or ends, and describes each one that is found."""

    def __init__(self, invocations: Sequence[Invocation], lanes: Lanes, texts: Texts, start: int) -> None:
        self.drawn: list[dict[str, Any]] = []
        self._texts = texts
        self._lanes = lanes
        self._start = start
        self._beginning: dict[tuple[str, int], deque[Invocation]] = {}
        self._found: list[tuple[Invocation, Any]] = []
        self._ending: dict[tuple[str, int], deque[int | None]] = {}
        for invocation in invocations:
            place = (invocation.function, invocation._start)
            self._beginning.setdefault(place, deque()).append(invocation)

    def of(self, entry: Entry) -> dict[str, int]:
        """Return ``{"begins": index}`` or ``{"ends": index}`` for an entry that begins or ends a run, else nothing."""
        invocation = self._begun(entry)
        if invocation is not None:
            number = len(self.drawn)
            event = invocation.event
            self.drawn.append(self._place(invocation, event))
            self._found.append((invocation, event))
            self._ending.setdefault((entry.subject, invocation._end), deque()).append(number)
            return {"begins": number}
        ended = self._ended(entry)
        return {} if ended is None else {"ends": ended}

    def skip(self, entry: Entry) -> None:
        """Leave out the invocation that an entry begins or ends, since the entry is not drawn."""
        invocation = self._begun(entry)
        if invocation is not None:
            self._ending.setdefault((entry.subject, invocation._end), deque()).append(None)
        else:
            self._ended(entry)

    def _begun(self, entry: Entry) -> Invocation | None:
        found = self._beginning.get((entry.subject, entry.instant)) if entry.kind == "invocation" else None
        return found.popleft() if found else None

    def _ended(self, entry: Entry) -> int | None:
        found = self._ending.get((entry.subject, entry.instant)) if entry.kind == "result" else None
        return found.popleft() if found else None

    def describe(self) -> None:
        """Add the texts of the runs that were found: first those of the last failures, while there is room for them."""
        by_interest = sorted(
            range(len(self._found)), key=lambda number: (self._found[number][0].error is None, -number)
        )
        for number in by_interest:
            self.drawn[number].update(self._texts_of(*self._found[number]))

    def _place(self, invocation: Invocation, event: Any) -> dict[str, Any]:
        return {
            "lane": self._lanes.of_function(invocation.function),
            "from": invocation._start - self._start,
            "to": invocation._end - self._start,
            "outcome": invocation.outcome,
            "attempt": invocation.attempt,
            "items": self._texts.items_of(ids_of(event) or [invocation.request_id]),
        }

    def _texts_of(self, invocation: Invocation, event: Any) -> dict[str, int]:
        texts, error = self._texts, invocation.error
        found = {"request": texts.add(invocation.request_id, _LONGEST_ERROR)}
        if error is None:
            found["result"] = texts.add(invocation.payload, _LONGEST_RESULT)
        else:
            found["error"] = texts.add(str(error), _LONGEST_ERROR)
            if error.stack:
                found["traceback"] = texts.add(invocation.traceback, _LONGEST)
        found["event"] = texts.add(as_json(readable(event)), _LONGEST)
        found["log"] = texts.add(invocation.log, _LONGEST)
        return found


_PLACES: Final = ("Records", "records", "messages", "rmqMessagesByQueue")
"""Where events have records that may be encoded."""


def readable(event: Any) -> Any:
    """Return a poller's event as a person reads it: receipt handles are short, and encoded texts are decoded too."""
    name = next((name for name in _PLACES if isinstance(event, dict) and name in event), None)
    if name is None:
        return event
    records = event[name]
    if isinstance(records, dict):  # Kafka and RabbitMQ: lists by partition or queue
        return {**event, name: {partition: _readable_list(batch) for partition, batch in records.items()}}
    return {**event, name: _readable_list(records)}


def _readable_list(records: Any) -> Any:
    return list(map(_readable_record, records)) if isinstance(records, list) else records


def _readable_record(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    if isinstance(record.get("kinesis"), dict):
        return {**record, "kinesis": _decoded(record["kinesis"], "data")}
    if isinstance(record.get("receiptHandle"), str):
        return {**record, "receiptHandle": f"{record['receiptHandle'][:12]}…"}
    if "messageID" in record or "basicProperties" in record:  # Amazon MQ
        return _decoded(record, "data")
    return _decoded(record, "value") if "offset" in record else record


def _decoded(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a record with a member that says which text the member ``name`` encodes, if it encodes one."""
    try:
        text = base64.b64decode(record[name], validate=True).decode()
    except (KeyError, TypeError, ValueError):
        return record
    return {f"{name}, decoded": text, **record}
