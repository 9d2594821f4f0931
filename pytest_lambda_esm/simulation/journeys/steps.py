"""The steps of one record, collected from the timeline, the invocations, the fates and what invocations sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.invocation.event_records import id_of, records_of
from pytest_lambda_esm.observe.causes import Sent
from pytest_lambda_esm.observe.fates import DELAYED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.simulation.journeys.journey import JourneyStep, Ref
from pytest_lambda_esm.simulation.journeys.runs import UNKNOWN, Run, is_same
from pytest_lambda_esm.timing import MICROSECONDS, instant_of, moment_of
from pytest_lambda_esm.vocabulary import StepKind
from pytest_lambda_esm.wording import counted

if TYPE_CHECKING:
    from pytest_lambda_esm.simulation.journeys.history import History

_UNFINISHED: Final = (WAITING, DELAYED, IN_FLIGHT)
_SHOWN_ELSEWHERE: Final = frozenset({"invocation", "fate"})
_SENT_AT: Final = (
    (("attributes", "SentTimestamp"), 1_000),
    (("kinesis", "approximateArrivalTimestamp"), MICROSECONDS),
    (("dynamodb", "ApproximateCreationDateTime"), MICROSECONDS),
    (("event", "clusterTime", "$timestamp", "t"), MICROSECONDS),
    (("timestamp",), 1_000),
)
"""Where records of events have the time at which they were sent, and its unit in microseconds."""


class Steps:
    """Collects the steps of one record or request, of which ``runs`` are the invocations.

    Virtual time often stands still, so steps are ordered by their place in the timeline where their times are equal.
    """

    def __init__(self, history: History, ref: Ref, runs: Sequence[Run]) -> None:
        self._history = history
        self._ref = ref
        self._runs = runs
        self._polled = {run.polled for run in runs if run.polled is not None}
        self._found: list[tuple[int, float, JourneyStep]] = []

    def collect(self, origins: Sequence[Sent], children: Sequence[Sent]) -> list[JourneyStep]:
        """Return all steps in order; ``origins`` are its own sending, ``children`` what was sent because of it."""
        self._add_sending(origins)
        for place, entry in enumerate(self._history.entries):
            if entry.kind not in _SHOWN_ELSEWHERE and self._concerns(place, entry):
                self._add(entry.instant, place, cast(StepKind, entry.kind), entry.subject, entry.detail)
                if entry.kind == "poll":
                    self._add_refusal(place)
        for run in self._runs:
            self._add_run(run)
        for child in children:
            self._add_child(child)
        self._add_fates()
        return [step for _, _, step in sorted(self._found, key=lambda found: found[:2])]

    # --- inside ------------------------------------------------------------------------------------------

    def _add(
        self, instant: int, place: float, kind: StepKind, where: str, text: str, invocation: Run | None = None
    ) -> None:
        found = invocation.invocation if invocation is not None else None
        step = JourneyStep(
            at=moment_of(instant), kind=kind, where=printable(where), detail=printable(text), invocation=found
        )
        self._found.append((instant, place, step))

    def _add_sending(self, origins: Sequence[Sent]) -> None:
        for sent in origins:
            run = next((run for run in self._history.runs if run.request_id == sent.cause), None)
            by = f"sent by Lambda about {sent.cause}" if sent.cause else self._accepted()
            if run is not None:
                after = "" if sent.by_handler else "Lambda after "
                by = f"sent by {after}{run.invocation.function}, request {sent.cause}"
            self._add(sent.instant, -1, "sent", sent.source, by, run)
        if not origins:
            for instant, source in self._first_sight():
                self._add(instant, -1, "sent", source, "sent")
                return

    def _accepted(self) -> str:
        origin = next((origin_of(run.invocation.event) for run in self._runs), "")
        return f"accepted, from {origin}" if origin else "accepted"

    def _first_sight(self) -> Iterator[tuple[int, str]]:
        """Yield when the record was sent, and where, as its events have it, or the source in which it still is."""
        for run in self._runs:
            mapping = run.invocation.mapping
            for record in records_of(run.invocation.event) if mapping is not None else ():
                instant = sent_at(record) if is_same(self._ref.record, id_of(record) or "?") else None
                if instant is not None and mapping is not None:
                    yield instant, mapping.source_arn
        for source, fate in self._history.fates.get(self._ref, ()):
            queue = self._history.world.queues.find(source)
            instant = queue.sent(self._ref.record) if queue is not None else None
            if instant is None and queue is None and fate.fate == WAITING:
                instant = instant_of(fate.at)
            if instant is not None:
                yield instant, source

    def _concerns(self, place: int, entry: Entry) -> bool:
        """Whether an entry is about the record. Those of streams name only the first and the last of several."""
        if place in self._polled:
            return True
        if not entry.items or self._history.place(entry.subject) != self._ref.place:
            return False
        if self._ref.record in entry.items:
            return True
        return entry.kind == "poll" and between(self._ref.record, entry.items) and not self._is_of_others(place)

    def _is_of_others(self, place: int) -> bool:
        """Whether a batch was delivered to an invocation that did not get the record: that of a parallel lane."""
        return any(run.polled == place for run in self._history.runs)

    def _add_refusal(self, place: int) -> None:
        """Add why no invocation follows a poll, where the timeline says so: throttles, a function that is gone."""
        if self._ref.place and place not in self._polled:
            following = self._history.entries[place + 1 : place + 3]
            refusal = next((entry for entry in following if entry.kind in ("throttle", "result")), None)
            if refusal is not None:
                self._add(refusal.instant, place + 0.5, "throttle", refusal.subject, refusal.detail)

    def _add_run(self, run: Run) -> None:
        invocation = run.invocation
        batch = f", with {counted(len(run.records), 'record')}" if invocation.mapping is not None else ""
        text = f"attempt {invocation.attempt}{batch}"
        self._add(invocation._start, run.begins, "invocation", invocation.function, text, run)
        frames = invocation._frames
        where = f" at {frames[-1].file}:{frames[-1].line}" if frames and invocation.error is not None else ""
        self._add(invocation._end, run.ends, "result", invocation.function, f"{invocation._answer}{where}", run)

    def _add_child(self, child: Sent) -> None:
        """Add a record that was sent during an invocation, or afterwards to a destination."""
        before = [run for run in self._runs if run.invocation._start <= child.instant]
        run = next((run for run in reversed(before) if run.request_id == child.cause), before[-1] if before else None)
        if run is not None and child.by_handler:
            self._add(child.instant, run.begins + 0.1, "caused", child.source, f"sent {child.record}", run)
        else:
            place = run.ends + 0.1 if run is not None else UNKNOWN
            self._add(child.instant, place, "caused", child.source, f"Lambda sent {child.record}", run)

    def _add_fates(self) -> None:
        now = self._history.world.clock.instant
        for source, fate in self._fates():
            about = f": {fate.detail}" if fate.detail else ""
            if fate.fate in _UNFINISHED:
                self._add(now, UNKNOWN, "now", source, f"{fate.fate}, {fate.at:%H:%M:%S}{about}")
            else:
                instant = instant_of(fate.at)
                self._add(instant, self._place_of_fate(instant, source), "fate", source, f"{fate.fate}{about}")
        for place, entry in enumerate(self._history.entries):
            if entry.kind == "fate" and self._concerns(place, entry) and not self._is_final(entry):
                self._add(entry.instant, place, "fate", entry.subject, entry.detail)

    def _fates(self) -> list[tuple[str, Fate]]:
        """Return the fates, each once: a cluster has several names, and a stream its consumers."""
        found: dict[Fate, str] = {}
        for source, fate in self._history.fates.get(self._ref, ()):
            found.setdefault(fate, source)
        return [(source, fate) for fate, source in found.items()]

    def _place_of_fate(self, instant: int, source: str) -> float:
        history = self._history
        places = [
            place
            for place, entry in enumerate(history.entries)
            if entry.kind == "fate" and entry.instant == instant and history.place(entry.subject) == self._ref.place
            if self._ref.record in entry.items or between(self._ref.record, entry.items)
            if self._ref.place or entry.subject == source
        ]
        return places[-1] if places else UNKNOWN

    def _is_final(self, entry: Entry) -> bool:
        """Whether a fate of the record says what this entry says."""
        return any(
            instant_of(fate.at) == entry.instant and (fate.detail.startswith(entry.detail) or fate.fate in entry.detail)
            for _, fate in self._fates()
            if fate.fate not in _UNFINISHED
        )


def between(record: str, ends: Sequence[str]) -> bool:
    """Whether a record is between the first and the last one of a shard or partition, given by their ids."""
    shard, _, number = record.rpartition(":")
    if not shard or not number.isdigit():
        return False
    parts = [end.rpartition(":") for end in ends]
    numbers = [int(end) for name, _, end in parts if name == shard and end.isdigit()]
    return len(numbers) == 2 and numbers[0] <= int(number) <= numbers[1]


def sent_at(record: Any) -> int | None:
    """Return when a record of an event was sent, in microseconds since the epoch, or None if it does not say."""
    for path, unit in _SENT_AT:
        value: Any = record
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, (int, float, str)):
            return round(float(value) * unit)
    return None


def origin_of(event: Any) -> str:
    """Return the service that made an asynchronous event, as the event names it; empty if it does not."""
    if not isinstance(event, Mapping):
        return ""
    if "detail-type" in event and isinstance(event.get("source"), str):
        return f"EventBridge ({event['source']})"
    record = next(iter(records_of(event)), None)
    names = (record.get(name) for name in ("EventSource", "eventSource")) if isinstance(record, Mapping) else ()
    return next((name for name in names if isinstance(name, str)), "")
