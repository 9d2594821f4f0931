"""Events of the clock: what is due at which instant, and how users see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pytest_lambda_esm.timing import moment_of


@dataclass(frozen=True, slots=True)
class DueEvent:
    """A pending event: when it is due (an aware datetime in UTC), and what it will do."""

    due: datetime
    about: str

    def __str__(self) -> str:
        return f"{self.due:%Y-%m-%d %H:%M:%S.%f} {self.about}"


class Event:
    """An action scheduled for an instant. Cancel it with :meth:`EventClock.cancel`.

    ``action`` is None once the event has run or was cancelled. ``keeps_busy`` says whether the clock is not idle before
    the event has run.
    """

    __slots__ = ("about", "action", "due", "keeps_busy", "sequence")

    def __init__(self, due: int, sequence: int, action: Callable[[], None], about: Callable[[], str]) -> None:
        self.due = due
        self.sequence = sequence
        self.action: Callable[[], None] | None = action
        self.about = about
        self.keeps_busy = True

    def __lt__(self, other: Event) -> bool:
        return (self.due, self.sequence) < (other.due, other.sequence)

    def describe(self) -> DueEvent:
        """Return the event as users see it."""
        return DueEvent(moment_of(self.due), self.about())
