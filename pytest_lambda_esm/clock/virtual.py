"""The virtual clock: a heap of due events, and the only thing that moves time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pytest_lambda_esm.clock.lock import ClockLock
from pytest_lambda_esm.clock.runaway import StallDetector
from pytest_lambda_esm.clock.wall import Wall
from pytest_lambda_esm.errors import ClockError, ClockLimitExceeded, NotActive
from pytest_lambda_esm.timing import END, MICROSECONDS, Span, instant_of, microseconds, moment_of


@dataclass(frozen=True, slots=True)
class DueEvent:
    """What the clock tells about a pending event: when it is due (aware datetime, UTC) and what it will do."""

    due: datetime
    about: str

    def __str__(self) -> str:
        return f"{self.due:%Y-%m-%d %H:%M:%S.%f} {self.about}"


_MOST_LISTED: Final = 10
HOUR: Final = 3600
_SECONDS_IN: Final = {"days": 24 * HOUR, "hours": HOUR, "minutes": 60, "seconds": 1}


def span_of(move: str, span: Span) -> int:
    """A span in microseconds. Raises ClockError."""
    __tracebackhide__ = True
    try:
        return microseconds(span)
    except (TypeError, ValueError) as error:
        raise ClockError(f"{move}: {error}") from None


def seconds_of(**numbers: float) -> float:
    """The seconds of so many ``days``, ``hours``, ``minutes`` and ``seconds``. Raises ClockError for no number."""
    __tracebackhide__ = True
    for name, number in numbers.items():
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            raise ClockError(f"advance: {name} takes a number, not {number!r}")
    return sum(number * _SECONDS_IN[name] for name, number in numbers.items())


_END = instant_of(END)


def _nothing() -> None:
    """What is done where nothing is to do."""


class Event:
    """One thing that is due at an instant. Cancel it with :meth:`VirtualClock.cancel`."""

    __slots__ = ("about", "action", "awaited", "due", "sequence")

    def __init__(self, due: int, sequence: int, action: Callable[[], None], about: Callable[[], str]) -> None:
        self.due = due
        self.sequence = sequence
        self.action: Callable[[], None] | None = action
        self.about = about
        self.awaited = True

    def __lt__(self, other: Event) -> bool:
        return (self.due, self.sequence) < (other.due, other.sequence)


class VirtualClock:
    """Time as the test moves it.

    Nothing ticks: time stands still until :meth:`advance` and its relatives, or a ``time.sleep`` in code under
    test, move it. Each move runs every event that falls due, at its own time, in order of (time, sequence), and
    then stops exactly where it was told to. An exception in an event reaches the line that moved the clock.
    """

    def __init__(self, start: datetime, wall: Wall | None = None, longest_standstill: float = 30) -> None:
        self._now = instant_of(start)
        self._stall_detector = StallDetector(longest_standstill)
        self._waiting: Callable[[], list[str]] = list
        self._wall = wall
        self._freezer = self._first_freezer = wall.identity() if wall is not None else None
        self._shown = self._now
        self._heap: list[Event] = []
        self._sequence = 0
        self._cancelled = 0
        self._awaited = 0
        self._slept: list[float] = []
        self._running: Event | None = None
        self._moving = threading.RLock()
        self._touched = False
        self._stopped = False

    # --- reading -----------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The virtual time, an aware datetime in UTC."""
        self.follow_wall()
        return moment_of(self._now)

    @property
    def instant(self) -> int:
        """The virtual time as microseconds since the epoch."""
        return self._now

    @property
    def slept(self) -> list[float]:
        """What code under test has slept so far: the seconds of each nap, in order, botocore's backoff included."""
        return list(self._slept)

    @property
    def next_event(self) -> DueEvent | None:
        """The event that is due next, or None when nothing is pending."""
        self._drop_cancelled()
        return _describe(self._heap[0]) if self._heap else None

    @property
    def pending(self) -> tuple[DueEvent, ...]:
        """All pending events in the order in which they will run."""
        return tuple(_describe(event) for event in sorted(self._heap) if event.action is not None)

    # --- moving ------------------------------------------------------------------------------------------

    def advance(
        self,
        delta: Span | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Move time forward by a span, and run everything that falls due on the way.

        ``delta`` is seconds or a timedelta; the keywords add to it. ``advance()`` runs what is due now.
        Raises ClockError for a negative or endless span, and when called from inside an event or a handler.
        """
        __tracebackhide__ = True
        span = span_of("advance", delta if delta is not None else 0)
        span += span_of("advance", seconds_of(days=days, hours=hours, minutes=minutes, seconds=seconds))
        with self._move("advance"):
            self._run_to(self._now + span)

    def advance_to(self, when: datetime) -> None:
        """Move time forward to an aware datetime, and run everything that falls due on the way.

        Raises ClockError for a naive datetime and for a time in the past: virtual time never goes back.
        """
        __tracebackhide__ = True
        if not isinstance(when, datetime) or when.tzinfo is None:
            raise ClockError(
                f"advance_to takes an aware datetime, such as clock.now + timedelta(hours=1), not {when!r}"
            )
        with self._move("advance_to"):
            target = instant_of(when)
            if target < self._now:
                raise ClockError(f"time cannot go back: it is {moment_of(self._now)}, advance_to was given {when}")
            self._run_to(target)

    def run_until(self, predicate: Callable[[], object], limit: Span = HOUR) -> None:
        """Run due events one by one until ``predicate()`` is true.

        The predicate is asked before the first event and after each instant. Raises ClockLimitExceeded when
        ``limit`` (seconds or a timedelta of virtual time) has passed, or nothing is pending and it is still false.
        """
        __tracebackhide__ = True
        span = span_of("run_until", limit)
        if not callable(predicate):
            raise ClockError(f"run_until takes a condition to call, such as lambda: queue.empty(), not {predicate!r}")
        self.follow_wall()
        end = self._now + span
        while not predicate():
            with self._move("run_until"):
                upcoming = self._next_due()
                if upcoming is None:
                    raise self._nothing_pending()
                if upcoming > end:
                    raise self._limit_exceeded("run_until", span, "the condition is still false")
                self._run_to(max(upcoming, self._now))

    def run_until_idle(self, limit: Span = HOUR) -> None:
        """Run due events until none is pending, but for those that only happen when time comes by: the time to live
        of items in tables, which may be days.

        Raises ClockLimitExceeded when events are still pending after ``limit`` (seconds or a timedelta of virtual
        time); the text lists them.
        """
        __tracebackhide__ = True
        span = span_of("run_until_idle", limit)
        with self._move("run_until_idle"):
            end = self._now + span
            self._run_to(self._now)
            while self._awaited and (upcoming := self._next_due()) is not None:
                if upcoming > end:
                    raise self._limit_exceeded("run_until_idle", span, "it is not idle")
                self._run_to(max(upcoming, self._now))

    def sleep(self, seconds: float) -> None:
        """What ``time.sleep`` does in code under test: note the nap and advance by it. Not from inside an event.

        Raises ClockLimitExceeded for code that sleeps on and on while nothing happens.
        """
        __tracebackhide__ = True
        span = span_of("time.sleep", seconds)
        with self._move("time.sleep"):
            self._stall_detector.nap(self._now, self._endless_sleep)
            self.nap(seconds)
            self._run_to(self._now + span)

    def restart(self, start: datetime) -> None:
        """Begin anew at an aware datetime, which may be in the past: nothing is pending, and nothing was slept.

        Only for a world that has forgotten everything. Raises ClockError from inside an event.
        """
        __tracebackhide__ = True
        with self._move("restart"):
            self._heap.clear()
            self._slept.clear()
            self._cancelled = 0
            self._awaited = 0
            self._sequence = 0
            self._touched = False
            self._stall_detector.end()
            self._now = instant_of(start)
            self._show(self._now)

    def stop(self) -> None:
        """The world has ended: from now on the clock can be read, and any move of it raises NotActive."""
        self._stopped = True
        self._stall_detector.end()

    def nap(self, seconds: float) -> None:
        """Note in :attr:`slept` that code under test slept, without moving time."""
        self._slept.append(seconds)

    def wait_until(self, instant: int) -> None:
        """Move time forward to an instant, as a call that takes time does; from inside an event, time stands."""
        __tracebackhide__ = True
        with self._turn(lambda: "the call"):
            if self._running is None and instant > self._now:
                with self._move("the call"):
                    self._run_to(max(instant, self._now))

    @contextmanager
    def occupied(self, about: Callable[[], str]) -> Iterator[None]:
        """For as long as something runs that must not move time: a handler that a caller waits for."""
        __tracebackhide__ = True
        with self._turn(about):
            if self._running is not None:
                yield
                return
            self._running = Event(self._now, 0, _nothing, about)
            try:
                yield
            finally:
                self._running = None

    # --- scheduling (for the simulation) -----------------------------------------------------------------

    def call_at(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Event:
        """Schedule ``action`` for an instant, at the earliest now; ``about()`` describes it for people."""
        self._sequence += 1
        self._awaited += 1
        self._touched = True
        event = Event(instant if instant > self._now else self._now, self._sequence, action, about)
        heapq.heappush(self._heap, event)
        return event

    def call_in_passing(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Event:
        """Schedule ``action`` for when time comes by, as :meth:`call_at` does; an idle clock does not wait for it."""
        event = self.call_at(instant, action, about)
        event.awaited = False
        self._awaited -= 1
        return event

    def cancel(self, event: Event | None) -> None:
        """Take back a scheduled event; one that has run, was cancelled before, or None is left alone."""
        if event is None or event.action is None:
            return
        event.action = None
        self._awaited -= event.awaited
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [kept for kept in self._heap if kept.action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def tell_what_waits(self, ask: Callable[[], list[str]]) -> None:
        """Let ``ask`` say, a line for each, what no time brings about, since it waits for the test."""
        self._waiting = ask

    def show(self, instant: int) -> None:
        """Let the wall clocks show an instant while time stands: a handler's own later time, and back again."""
        self._show(instant)

    def follow_wall(self) -> None:
        """Catch up with a freezer that the user moved directly; run what fell due meanwhile.

        A freezer that stands before our start passes on its time, as long as nothing has been scheduled and no
        time has passed. Raises ClockError where it has been moved back after that.
        """
        __tracebackhide__ = True
        if self._wall is None or self._running is not None or self._stopped:
            return
        freezer = self._wall.identity()
        if freezer is not self._freezer:
            self._freezer = freezer
            if freezer is self._first_freezer:
                self._show(self._now)  # The user's own freeze has ended; time goes on from where it was.
                return
            self._shown = -1
        seen = self._wall.read()
        if seen is None or seen == self._shown:
            return
        if seen < self._now and self._touched:
            raise ClockError(
                f"the frozen wall clock was moved back to {moment_of(seen)}, but virtual time is at"
                f" {moment_of(self._now)} and cannot go back. Freeze before anything is created, or set 'start'."
            )
        self._shown = seen
        if seen < self._now:
            self._now = seen
            return
        with self._turn(lambda: "the wall clock", lambda: self._refuse_to_move("the wall clock")):
            self._run_to(seen)

    # --- inside ------------------------------------------------------------------------------------------

    def _turn(self, about: Callable[[], str], check: Callable[[], None] = _nothing) -> ClockLock:
        return ClockLock(self._moving, about, self._upon, check)

    def _move(self, name: str) -> ClockLock:
        def check() -> None:
            __tracebackhide__ = True
            self._refuse_to_move(name)
            self.follow_wall()

        return self._turn(lambda: name, check)

    def _refuse_to_move(self, name: str) -> None:
        __tracebackhide__ = True
        if self._stopped:
            raise NotActive(f"{name}: the fake of this clock is closed, and its time stands at {moment_of(self._now)}")
        if self._running is not None:
            raise ClockError(
                f"{name}: time cannot be moved from inside an event; running is: {self._running.about()}."
                f" In a handler, time.sleep() lets the invocation last longer."
            )

    def _upon(self) -> str:
        return self._running.about() if self._running is not None else "nothing"

    def _run_to(self, target: int) -> None:
        __tracebackhide__ = True
        if target > _END:
            raise ClockError(f"virtual time ends with the year {END.year - 1}; it is {moment_of(self._now)}")
        while (due := self._next_due()) is not None and due <= target:
            event = heapq.heappop(self._heap)
            self._set(due)
            self._run(event)
        self._set(target)

    def _run(self, event: Event) -> None:
        __tracebackhide__ = True
        self._stall_detector.end()
        action, event.action = event.action, None
        self._awaited -= event.awaited
        self._running = event
        try:
            assert action is not None
            action()
        finally:
            self._running = None

    def _set(self, instant: int) -> None:
        if instant > self._now:
            self._now = instant
            self._touched = True
        if self._shown != self._now:
            self._show(self._now)

    def _show(self, instant: int) -> None:
        self._shown = instant
        if self._wall is not None:
            self._wall.show(instant)

    def _next_due(self) -> int | None:
        if self._cancelled:
            self._drop_cancelled()
        return self._heap[0].due if self._heap else None

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0].action is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1

    # --- texts of errors ---------------------------------------------------------------------------------

    def _nothing_pending(self) -> ClockLimitExceeded:
        return ClockLimitExceeded(
            f"run_until: nothing is pending any more at {moment_of(self._now)}, and the condition is still false."
            " Nothing will happen until the test sends, creates or changes something." + self._waiting_for_test()
        )

    def _limit_exceeded(self, move: str, limit: int, problem: str) -> ClockLimitExceeded:
        pending = self.pending
        lines = [f"  {event}" for event in pending[:_MOST_LISTED]]
        if len(pending) > _MOST_LISTED:
            lines.append(f"  and {len(pending) - _MOST_LISTED} more")
        return ClockLimitExceeded(
            f"{move}: {problem} within the limit of {limit / MICROSECONDS:g} s; it is {moment_of(self._now)}."
            f" Still pending:\n"
            + "\n".join(lines)
            + f"\nGive {move} a larger limit, or stop what keeps going."
            + self._waiting_for_test()
        )

    def _endless_sleep(self) -> ClockLimitExceeded:
        began, naps, upcoming = self._stall_detector.began, self._stall_detector.naps, self.next_event
        coming = f"Next: {upcoming}." if upcoming else "Nothing is pending: no time will bring anything about."
        return ClockLimitExceeded(
            f"time.sleep: code under test has slept {naps} times in a row, {moment_of(self._now) - moment_of(began)} of"
            f" virtual time, and nothing has happened meanwhile; it is {moment_of(self._now)}. {coming} Does it wait in"
            f" a loop without an end? If not, raise the setting 'longest_standstill'." + self._waiting_for_test()
        )

    def _waiting_for_test(self) -> str:
        waiting = self._waiting()
        return "".join(["\nWaiting for the test:", *(f"\n  {line}" for line in waiting)]) if waiting else ""


def _describe(event: Event) -> DueEvent:
    return DueEvent(moment_of(event.due), event.about())
