"""The invocations of one test that the page draws, with what their handlers were given and what they made of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

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
        self._ending: dict[tuple[str, int], deque[int | None]] = {}
        for invocation in invocations:
            place = (invocation.function, invocation.start)
            self._beginning.setdefault(place, deque()).append(invocation)

    def of(self, entry: Entry) -> dict[str, int]:
        """Return ``{"begins": index}`` or ``{"ends": index}`` for an entry that begins or ends a run, else nothing."""
        invocation = self._begun(entry)
        if invocation is not None:
            self.drawn.append(self._describe(invocation))
            number = len(self.drawn) - 1
            self._ending.setdefault((entry.subject, invocation.end), deque()).append(number)
            return {"begins": number}
        ended = self._ended(entry)
        return {} if ended is None else {"ends": ended}

    def skip(self, entry: Entry) -> None:
        """Leave out the invocation that an entry begins or ends, since the entry is not drawn."""
        invocation = self._begun(entry)
        if invocation is not None:
            self._ending.setdefault((entry.subject, invocation.end), deque()).append(None)
        else:
            self._ended(entry)

    def _begun(self, entry: Entry) -> Invocation | None:
        found = self._beginning.get((entry.subject, entry.instant)) if entry.kind == "invocation" else None
        return found.popleft() if found else None

    def _ended(self, entry: Entry) -> int | None:
        found = self._ending.get((entry.subject, entry.instant)) if entry.kind == "result" else None
        return found.popleft() if found else None

    def _describe(self, invocation: Invocation) -> dict[str, Any]:
        texts, error, event = self._texts, invocation.error, invocation.event
        plain = {
            "lane": self._lanes.of_function(invocation.function),
            "from": invocation.start - self._start,
            "to": invocation.end - self._start,
            "outcome": invocation.outcome,
            "attempt": invocation.attempt,
            "request": texts.add(invocation.request_id, _LONGEST_ERROR),
            "event": texts.add(as_json(_without_handles(event)), _LONGEST),
            "log": texts.add(invocation.log, _LONGEST),
            "items": texts.items_of(record_ids(event) or [invocation.request_id]),
        }
        if error is None:
            return {**plain, "result": texts.add(invocation.payload, _LONGEST_RESULT)}
        plain["error"] = texts.add(str(error), _LONGEST_ERROR)
        if error.stack:
            plain["traceback"] = texts.add("".join(error.stack).rstrip(), _LONGEST)
        return plain


def _without_handles(event: Any) -> Any:
    """Return an event with the beginnings of receipt handles, which are long and tell a reader nothing."""
    if not isinstance(event, dict) or not isinstance(event.get("Records"), list):
        return event
    return {**event, "Records": list(map(_without_handle, event["Records"]))}


def _without_handle(record: Any) -> Any:
    handle = record.get("receiptHandle") if isinstance(record, dict) else None
    return {**record, "receiptHandle": f"{handle[:12]}…"} if isinstance(handle, str) else record


def record_ids(event: Any) -> list[str]:
    """Return the ids of the records in a poller's event, as entries of the timeline name them."""
    return list(dict.fromkeys(_record_ids(event)))


def _record_ids(event: Any) -> Iterator[str]:
    records = event.get("Records", event.get("records")) if isinstance(event, Mapping) else None
    batches = records.values() if isinstance(records, Mapping) else [records]  # Kafka: lists by partition
    for batch in batches:
        for record in batch if isinstance(batch, Sequence) and not isinstance(batch, str) else ():
            found = _record_id(record) if isinstance(record, Mapping) else None
            if found:
                yield found


def _record_id(record: Mapping[str, Any]) -> str | None:
    if "messageId" in record:
        return str(record["messageId"])
    if "offset" in record:
        return f"{record.get('topic')}-{record.get('partition')}:{record['offset']}"
    change = record.get("dynamodb")
    if isinstance(change, Mapping) and "SequenceNumber" in change:
        return str(change["SequenceNumber"])  # The event does not name the shard.
    return str(record["eventID"]) if "kinesis" in record and "eventID" in record else None
