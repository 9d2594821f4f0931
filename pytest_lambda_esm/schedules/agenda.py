"""The agenda: every schedule, and for each enabled one an event on the clock at the next time that it is due.

Schedules are no work in progress, so ``run_until_idle`` does not wait for them: their events are in the background of
the clock. Everything else that moves time runs them at their instants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.schedules.timetable import Timetable
from pytest_lambda_esm.timing import time_text

Guard: TypeAlias = Callable[[Callable[[], None], Callable[[], None]], Callable[[], None]]
"""Takes an action and what mends its failure, and returns the action for the clock (``Interruptions.event``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule, as the agenda needs it.

    ``key`` identifies it: its ARN. ``label`` and ``expression`` describe it to users. ``fire(due)`` is called at each
    instant at which it is due, while it is ``enabled``. ``targets()`` returns the ARNs of its targets at present.
    """

    key: str
    label: str
    expression: str
    timetable: Timetable
    fire: Callable[[int], None]
    targets: Callable[[], list[str]]
    enabled: bool = True

    @property
    def about(self) -> str:
        """What is due, for a list of pending events."""
        return f"{self.label} is due: {self.expression}"


@dataclass(slots=True)
class _Entry:
    plan: Plan
    due: int | None = None
    event: Any = None

    def describe(self, now: int) -> str:
        """Describe when the schedule will be due."""
        if not self.plan.enabled:
            return "disabled"
        return f"next due at {time_text(self.due, now)}" if self.due is not None else "not due any more"


class Agenda:
    """The schedules of one world."""

    def __init__(self, clock: Clock, guard: Guard) -> None:
        self._clock = clock
        self._guard = guard
        self._entries: dict[str, _Entry] = {}

    def __iter__(self) -> Iterator[Plan]:
        return iter([entry.plan for entry in self._entries.values()])

    def put(self, plan: Plan, *, since: int) -> None:
        """Add a schedule, or replace the one with the same key; it is first due after the instant ``since``."""
        self.drop(plan.key)
        entry = self._entries[plan.key] = _Entry(plan)
        self._schedule(entry, since)

    def drop(self, key: str) -> None:
        """Remove a schedule. No-op where there is none."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._clock.cancel(entry.event)

    def find(self, key: str) -> Plan | None:
        """Return a schedule, or None where there is none."""
        entry = self._entries.get(key)
        return entry.plan if entry is not None else None

    def drop_all(self, belongs: Callable[[str], bool]) -> None:
        """Remove the schedules whose keys belong to something that is gone."""
        for key in [key for key in self._entries if belongs(key)]:
            self.drop(key)

    def is_over(self, key: str) -> bool:
        """Whether a schedule will not be due any more."""
        entry = self._entries.get(key)
        return entry is None or entry.due is None

    def explain(self, concerns: Callable[[str], bool]) -> Iterator[str]:
        """Describe when the schedules will be due that have a target which concerns the reader; a line each."""
        now = self._clock.instant
        for entry in self._entries.values():
            targets = entry.plan.targets()
            if any(map(concerns, targets)):
                yield f"{entry.plan.label} ({entry.plan.expression}): {entry.describe(now)}, for {', '.join(targets)}"

    # --- inside ------------------------------------------------------------------------------------------

    def _schedule(self, entry: _Entry, after: int) -> None:
        entry.due = entry.plan.timetable.next_after(after) if entry.plan.enabled else None
        entry.event = None
        if entry.due is not None:
            action = self._guard(lambda: self._fire(entry), lambda: None)
            entry.event = self._clock.call_in_background(entry.due, action, lambda: entry.plan.about)

    def _fire(self, entry: _Entry) -> None:
        due = entry.due
        assert due is not None
        self._schedule(entry, due)  # First, so that what the schedule causes may change or delete it.
        entry.plan.fire(due)
