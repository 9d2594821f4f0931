"""The clock as a test sees it. The simulation uses the clock behind it, which schedules events (``virtual.py``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pytest_lambda_esm.arguments import suggesting
from pytest_lambda_esm.clock.events import DueEvent
from pytest_lambda_esm.clock.moves import HOUR
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.errors import ClockError
from pytest_lambda_esm.timing import Span


class VirtualClock:
    """Time as the test moves it.

    The clock does not tick. Time stands still until the test moves it, with :meth:`advance`, :meth:`advance_to`,
    :meth:`run_until` or :meth:`run_until_idle`, or code under test calls ``time.sleep``. Each move runs every event
    that falls due, at its own time; those of the same time run in the order in which they were scheduled. It then stops
    exactly at its target. An exception in an event propagates to the line that moved the clock.
    """

    __slots__ = ("__weakref__", "_events")

    def __init__(self, events: EventClock) -> None:
        self._events = events

    def __repr__(self) -> str:
        return f"<VirtualClock {self._events.shown_time()}>"

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        if name == "now":
            raise ClockError("the time cannot be set: move it with clock.advance(seconds) or clock.advance_to(when)")
        object.__setattr__(self, name, value)

    @property
    def now(self) -> datetime:
        """The virtual time, an aware datetime in UTC."""
        return self._events.now

    @property
    def slept(self) -> list[float]:
        """The seconds of each sleep in code under test, in order, including botocore's retry back-off."""
        return self._events.slept

    @property
    def next_event(self) -> DueEvent | None:
        """The next event that is due, or None if nothing is pending."""
        return self._events.next_event

    @property
    def pending(self) -> tuple[DueEvent, ...]:
        """All pending events, in the order in which they will run."""
        return self._events.pending

    @suggesting
    def advance(
        self,
        delta: Span | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Move time forward by a time span, and run everything that falls due on the way.

        ``delta`` is a number of seconds or a timedelta; the keywords add to it. ``advance()`` runs what is due now.
        Raises ClockError for a negative or infinite span, and when called from inside an event or a handler.
        """
        __tracebackhide__ = True
        self._events.advance(delta, days=days, hours=hours, minutes=minutes, seconds=seconds)

    def advance_to(self, when: datetime) -> None:
        """Move time forward to an aware datetime, and run everything that falls due on the way.

        Raises ClockError for a naive datetime and for a time in the past, since virtual time never goes back.
        """
        __tracebackhide__ = True
        self._events.advance_to(when)

    @suggesting
    def run_until(self, predicate: Callable[[], object], limit: Span = HOUR) -> None:
        """Run due events one by one until ``predicate()`` is true.

        The predicate is checked before the first event and after each instant. Raises ClockLimitExceeded if it is
        still false when ``limit`` (seconds or a timedelta of virtual time) has passed or nothing is pending any more.
        """
        __tracebackhide__ = True
        self._events.run_until(predicate, limit)

    @suggesting
    def run_until_idle(self, limit: Span = HOUR) -> None:
        """Run due events until none is pending.

        It does not wait for background events, such as the TTL deletion of a DynamoDB item days from now. Raises
        ClockLimitExceeded if other events are still pending after ``limit`` (seconds or a timedelta of virtual time);
        the text lists them.
        """
        __tracebackhide__ = True
        self._events.run_until_idle(limit)
