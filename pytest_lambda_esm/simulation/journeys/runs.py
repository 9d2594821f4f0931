"""The invocations of a world with the ids of their records, and where the timeline has their beginnings and ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.invocation.event_records import ids_of
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.observe.timeline import Entry

UNKNOWN: Final = float("inf")


@dataclass(slots=True)
class Run:
    """An invocation; ``begins``, ``ends`` and ``polled`` are indices of its entries, and of the poll before it.

    ``records`` are the ids of its records as its event has them, without a shard for some sources.
    """

    invocation: Invocation
    records: Sequence[str]
    begins: float = UNKNOWN
    ends: float = UNKNOWN
    polled: int | None = None

    @property
    def request_id(self) -> str:
        """The id of the invocation's request."""
        return self.invocation.request_id


def is_same(record: str, name: str) -> bool:
    """Whether a record's id is this one, or this one behind the id of the shard."""
    return record == name or record.endswith(f":{name}")


def runs_of(invocations: Sequence[Invocation], entries: Sequence[Entry]) -> list[Run]:
    """Return all invocations, in the order in which they began."""
    waiting: dict[tuple[str, int], deque[Run]] = {}
    ending: dict[tuple[str, int], deque[Run]] = {}
    runs = [Run(invocation, _records_of(invocation)) for invocation in invocations]
    for run in runs:
        waiting.setdefault((run.invocation.function, run.invocation._start), deque()).append(run)
    for place, entry in enumerate(entries):
        where = (entry.subject, entry.instant)
        if entry.kind == "invocation" and waiting.get(where):
            run = waiting[where].popleft()
            run.begins = place
            ending.setdefault((entry.subject, run.invocation._end), deque()).append(run)
            before = entries[place - 1] if place else entry
            if before.kind == "poll" and run.invocation.mapping is not None:
                run.polled = place - 1
                run.records = run.records or before.items  # RabbitMQ's events have no ids.
        elif entry.kind == "result" and ending.get(where):
            ending[where].popleft().ends = place
    return sorted(runs, key=lambda run: (run.invocation._start, run.begins))


def _records_of(invocation: Invocation) -> Sequence[str]:
    """Return the ids of the records of a batch; for another invocation, the id of its request."""
    if invocation.mapping is None:
        return (invocation.request_id,)
    return ids_of(invocation.event)
