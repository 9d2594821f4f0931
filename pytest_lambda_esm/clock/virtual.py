"""The clock of the simulation, and the only thing that moves time.

:class:`EventClock` keeps a heap of scheduled events and runs them as time reaches them. A test has it as
``clock.handle.VirtualClock``.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from pytest_lambda_esm.clock.events import DueEvent, Event
from pytest_lambda_esm.clock.lock import ClockLock, HeldLock
from pytest_lambda_esm.clock.moves import (
    HOUR,
    Reports,
    endless_sleep,
    limit_exceeded,
    nothing_pending,
    seconds_of,
    span_of,
)
from pytest_lambda_esm.clock.runaway import StallDetector
from pytest_lambda_esm.clock.sleepers import Sleeper, Sleepers
from pytest_lambda_esm.clock.threads import ClockThreads
from pytest_lambda_esm.clock.turns import Turns
from pytest_lambda_esm.clock.wall import SeenFreezers, Wall
from pytest_lambda_esm.errors import ClockError, ClockLimitExceeded, NotActive
from pytest_lambda_esm.timing import END, Span, instant_of, moment_of

_END: Final = instant_of(END)
_MOST_CANCELLED: Final = 64
"""The number of cancelled events that may stay in the heap."""


def _no_op() -> None:
    """No-op."""


class EventClock:
    """The events that are due, and the time that they have reached.

    ``clock.handle.VirtualClock`` describes the moves that a test makes.
    """

    def __init__(self, start: datetime, wall: Wall | None = None, longest_standstill: float = 30) -> None:
        self._now = instant_of(start)
        self._longest_standstill = longest_standstill
        self._stall: StallDetector | None = None  # The sleeps since something last happened.
        self._background_stall: StallDetector | None = None
        self.sleepers = Sleepers()
        """The threads that sleep; those of the test share this clock's time."""
        self.waiting: Callable[[], list[str]] = list
        """Lists what waits for the test rather than for time, a line each, for error texts."""
        self.diagnosis: Callable[[], list[str]] = list
        """Says why records are not delivered, a line each, for error texts."""
        self._wall = wall
        self._freezers = SeenFreezers([wall.identity()] if wall is not None else [])
        self._event_time: tuple[Callable[[], int | None], Callable[[int], None]] = (lambda: None, lambda instant: None)
        self._shown = self._now
        self._heap: list[Event] = []
        self.turns: Turns | None = None
        self._sequence = 0
        self._cancelled = 0
        self._busy = 0
        self._slept: list[float] = []
        self._running: Event | None = None
        self._runner: int | None = None  # The thread that runs it.
        self.lock = HeldLock(self._activity)  # Of whoever moves time, or keeps it from moving.
        self._threads = ClockThreads(self.sleepers, self.lock)
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

    def shown_time(self) -> str:
        """Return the time as text, without following the wall clock."""
        return f"{moment_of(self._now):%Y-%m-%d %H:%M:%S.%f} UTC"

    @property
    def slept(self) -> list[float]:
        """The seconds of each sleep in code under test, in order, including botocore's retry back-off."""
        return list(self._slept)

    @property
    def next_event(self) -> DueEvent | None:
        """The next event that is due, or None if nothing is pending."""
        self.follow_wall()
        self._drop_cancelled()
        return self._heap[0].describe() if self._heap else None

    @property
    def pending(self) -> tuple[DueEvent, ...]:
        """All pending events, in the order in which they will run."""
        self.follow_wall()
        return tuple(event.describe() for event in sorted(self._heap) if event.action is not None)

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
        """Move time forward by a time span."""
        __tracebackhide__ = True
        span = span_of("advance", delta if delta is not None else 0)
        span += span_of("advance", seconds_of(days=days, hours=hours, minutes=minutes, seconds=seconds))
        with self._move("advance"):
            self._run_to(self._now + span)

    def advance_to(self, when: datetime) -> None:
        """Move time forward to an aware datetime."""
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
        """Run due events one by one until ``predicate()`` is true."""
        __tracebackhide__ = True
        span = span_of("run_until", limit)
        if not callable(predicate):
            raise ClockError(f"run_until takes a callable condition, such as lambda: queue.empty(), not {predicate!r}")
        self.follow_wall()
        end = self._now + span
        while not predicate():
            with self._move("run_until"):
                upcoming = self._next_instant()
                if upcoming is None:
                    if self.sleepers.has_company and predicate():
                        return
                    raise nothing_pending(self._now, self._reports())
                if upcoming > end:
                    raise self._limit_exceeded("run_until: the condition is still false", span)
                self._run_to(max(upcoming, self._now))

    def run_until_idle(self, limit: Span = HOUR) -> None:
        """Run due events until none is pending, except those in the background."""
        __tracebackhide__ = True
        span = span_of("run_until_idle", limit)
        with self._move("run_until_idle"):
            end = self._now + span
            self._run_to(self._now)
            while self._busy and (upcoming := self._next_due()) is not None:
                if upcoming > end:
                    raise self._limit_exceeded("run_until_idle: it is not idle", span)
                self._run_to(max(upcoming, self._now))

    def sleep(self, seconds: float) -> None:
        """Record a ``time.sleep`` of code under test, and advance by it.

        In a thread that was started meanwhile, it waits until the clock has advanced by it. Raises ClockLimitExceeded
        for code that keeps sleeping while nothing happens, and ClockError from inside an event.
        """
        __tracebackhide__ = True
        span = span_of("time.sleep", seconds)
        if self._threads.wait_for(self._runner):
            self.record_sleep(seconds)
            self.wait_until(self._now + span)
            return
        with self._move("time.sleep"):
            stall = self._stall = self._stall or StallDetector(self._longest_standstill)
            stall.record_sleep(self._now, lambda: self._endless_sleep(stall))
            self.record_sleep(seconds)
            self._run_to(self._now + span)

    def restart(self, start: datetime) -> None:
        """Discard all events and recorded sleeps, and start again at an aware datetime, which may be in the past.

        Call it only after everything else has been reset. Raises ClockError from inside an event.
        """
        __tracebackhide__ = True
        with self._move("restart"):
            self.sleepers.end_all(self._now, close=False)
            self._heap.clear()
            self._slept.clear()
            self._cancelled = 0
            self._busy = 0
            self._sequence = 0
            self._end_stall()
            self._now = instant_of(start)
            self.show(self._now)

    def stop(self) -> None:
        """Close the clock: it can still be read, and any attempt to move it raises NotActive. End all sleeps."""
        self.sleepers.end_all(self._now, close=True)
        self._stopped = True
        self._end_stall()

    def record_sleep(self, seconds: float) -> None:
        """Add a sleep to :attr:`slept` without moving time."""
        self._slept.append(seconds)

    def wait_until(self, instant: int) -> None:
        """Move time forward to an instant, for a call that takes time. Does nothing from inside an event.

        In a thread that was started meanwhile, it waits until the clock has reached the instant.
        """
        __tracebackhide__ = True
        if self._threads.wait_for(self._runner):
            if instant > self._now:
                self.sleepers.sleep(self, instant)
            return
        with self._locked(lambda: "the call"):
            if self._running is None and instant > self._now:
                with self._move("the call"):
                    self._run_to(max(instant, self._now))

    @contextmanager
    def occupied(self, about: Callable[[], str]) -> Iterator[None]:
        """Refuse to move time while the block runs: a handler that its caller waits for."""
        __tracebackhide__ = True
        with self._locked(about):
            if self._running is not None:
                yield
                return
            self._running = Event(self._now, 0, _no_op, about)
            self._runner = threading.get_ident()
            try:
                yield
            finally:
                self._running = self._runner = None
                if self._shown != self._now:
                    self.show(self._now)

    # --- the time of the test's threads ------------------------------------------------------------------

    @property
    def awaited(self) -> threading.Thread:
        """The test's thread: others may move the clock only while it waits."""
        return self._threads.owner

    @property
    def is_moving(self) -> bool:
        """Whether a move that is not a sleeper's gives other threads their turn now."""
        return self._threads.moving > 0

    @property
    def deadline(self) -> int:
        """The first instant after the end of time, which no move reaches."""
        return _END + 1

    def reach(self, sleeper: Sleeper) -> None:
        """Move on to the end of a thread's sleep, unless another move gets there before.

        Raises ClockLimitExceeded if threads keep sleeping while nothing happens.
        """
        __tracebackhide__ = True
        with self._move("time.sleep"):
            stall = self._background_stall = self._background_stall or StallDetector(self._longest_standstill)
            stall.record_sleep(self._now, lambda: self._endless_sleep(stall))
            self._run_to(max(sleeper.due, self._now), sleeper)

    def let_pass(self, seconds: float) -> None:
        """Wait, in code under test, as long as a sleep would; it is not recorded as one."""
        __tracebackhide__ = True
        if self._threads.wait_for(self._runner):
            self.wait_until(self._now + span_of("wait", seconds))
        else:
            self.advance(seconds)

    # --- scheduling (for the simulation) -----------------------------------------------------------------

    def call_at(
        self, instant: int, action: Callable[[], None], about: Callable[[], str], place: int | None = None
    ) -> Event:
        """Schedule ``action`` for an instant, or for now if that has passed; ``about()`` describes it to users.

        ``place`` orders it among what is due at the same instant; by default, after what was scheduled before.
        """
        self._sequence += 1
        self._busy += 1
        event = Event(instant if instant > self._now else self._now, place or self._sequence, action, about)
        heapq.heappush(self._heap, event)
        return event

    def call_in_turn(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Event:
        """Schedule ``action`` as :meth:`call_at` does, at its turn among others of its kind at the same instant."""
        if self.turns is not None:
            return self.turns.schedule(self.call_at, max(instant, self._now), action, about)
        return self.call_at(instant, action, about)

    def call_in_background(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Event:
        """Schedule ``action`` as :meth:`call_at` does, but do not make :meth:`run_until_idle` wait for it."""
        event = self.call_at(instant, action, about)
        event.keeps_busy = False
        self._busy -= 1
        return event

    def cancel(self, event: Event | None) -> None:
        """Cancel a scheduled event. No-op for None and for an event that has run or was cancelled before."""
        if event is None or event.action is None:
            return
        event.action = None
        self._busy -= event.keeps_busy
        self._cancelled += 1
        if self._cancelled > _MOST_CANCELLED and self._cancelled * 2 > len(self._heap):
            self._heap = [pending for pending in self._heap if pending.action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def show(self, instant: int) -> None:
        """Show an instant on the wall clocks without moving time: a handler's own later time, and back again."""
        self._shown = instant
        if self._wall is not None:
            self._wall.show(instant)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Do not follow the wall clock inside the block: a report on what happened must not move time."""
        wall, self._wall = self._wall, None
        try:
            yield
        finally:
            self._wall = wall

    def follow_wall(self) -> None:
        """Catch up with a wall clock that the user moved, and run what has fallen due. Cheap where nobody moved it.

        A wall clock that was moved back takes virtual time back with it: nothing runs, and pending events keep their
        instants. The end of a freeze or travel within the test never takes time back: time continues at the outer
        freezer's time if that is later, else from now. From inside an event, nothing happens but what
        :meth:`set_event_time` says.
        """
        __tracebackhide__ = True
        wall = self._wall
        if wall is None or self._stopped or wall.is_as_left():
            return
        if self._running is not None:
            self._follow_inside(wall)
            return
        with self._locked(lambda: "the wall clock"):
            if self._running is None and not self._stopped:
                self._catch_up(wall)

    def set_event_time(self, now: Callable[[], int | None], move: Callable[[int], None]) -> None:
        """Set how a running handler follows a wall clock that the user moves meanwhile.

        ``now`` returns the caller's own time, or None where the caller does not belong to a handler; ``move`` moves
        that time forward to an instant.
        """
        self._event_time = (now, move)

    # --- moving, inside ----------------------------------------------------------------------------------

    def _catch_up(self, wall: Wall) -> None:
        __tracebackhide__ = True
        left = self._freezers.note(wall.identity())
        seen = wall.read()
        if seen is None or seen == self._now:
            self._shown = self._now
        elif seen > self._now:
            self._shown = seen
            self._run_to(seen)
        elif left:
            self.show(self._now)
        else:
            self._end_stall()
            self._now = self._shown = seen

    def _follow_inside(self, wall: Wall) -> None:
        now, move = self._event_time
        own = now()
        if own is None:
            return  # Not a handler's: whoever next looks from outside follows.
        left = self._freezers.note(wall.identity())
        seen = wall.read()
        if seen is not None and seen > own:
            move(seen)
        elif left:
            self.show(own)
        else:
            self._shown = -1  # Time has not gone back: the wall clocks show it again when the event has ended.

    def _locked(self, about: Callable[[], str], check: Callable[[], None] = _no_op) -> ClockLock:
        return ClockLock(self.lock, about, check)

    def _move(self, name: str) -> ClockLock:
        def check() -> None:
            __tracebackhide__ = True
            self._refuse_to_move(name)
            self.follow_wall()

        return self._locked(lambda: name, check)

    def _refuse_to_move(self, name: str) -> None:
        __tracebackhide__ = True
        if self._stopped:
            raise NotActive(f"{name}: this clock's fake is closed, and its time stopped at {moment_of(self._now)}")
        if self._running is not None:
            raise ClockError(
                f"{name}: time cannot be moved from inside an event; now running: {self._running.about()}."
                f" To make an invocation take longer, call time.sleep() in its handler."
            )

    def _activity(self) -> str:
        return self._running.about() if self._running is not None else "nothing"

    def _run_to(self, target: int, sleeper: Sleeper | None = None) -> None:
        """Run what is due and wake who sleeps until an instant; stop early when ``sleeper``, who moves, is woken."""
        __tracebackhide__ = True
        if target > _END:
            raise ClockError(f"virtual time ends with the year {END.year - 1}; it is {moment_of(self._now)}")
        groups = self.sleepers.groups
        while sleeper is None or sleeper.sleeps_on():
            first = None
            if groups is not None and groups.threads:
                self._threads.give_turns(self, sleeper)
                first = self.sleepers.first(self)
            due = self._next_due()
            if due is not None and due <= target and (first is None or due <= first.due):
                event = heapq.heappop(self._heap)
                self._set_now(due)
                self._run(event)
            elif first is not None and first is not sleeper and first.due <= target:
                self._set_now(first.due)
                self.sleepers.wake(first)
            else:
                self._set_now(target)
                return

    def _run(self, event: Event) -> None:
        __tracebackhide__ = True
        if self._stall is not None or self._background_stall is not None:
            self._end_stall()
        action, event.action = event.action, None
        self._busy -= event.keeps_busy
        self._running = event
        self._runner = threading.get_ident()
        try:
            assert action is not None
            action()
        finally:
            self._running = self._runner = None

    def _set_now(self, instant: int) -> None:
        if instant > self._now:
            self._now = instant
        if self._shown != self._now:
            self.show(self._now)

    def _next_due(self) -> int | None:
        if self._cancelled:
            self._drop_cancelled()
        return self._heap[0].due if self._heap else None

    def _next_instant(self) -> int | None:
        """Return when the next event is due or the next thread wakes."""
        if self.sleepers.has_company:
            self._threads.give_turns(self, None)
        due, first = self._next_due(), self.sleepers.first(self)
        if first is None:
            return due
        return first.due if due is None else min(due, first.due)

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0].action is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1

    def _end_stall(self) -> None:
        stalls = (self._stall, self._background_stall)
        self._stall = self._background_stall = None
        for stall in stalls:
            if stall is not None:
                stall.end()

    def _endless_sleep(self, stall: StallDetector) -> ClockLimitExceeded:
        return endless_sleep(stall, self._now, self.next_event, self._reports())

    def _limit_exceeded(self, problem: str, limit: int) -> ClockLimitExceeded:
        return limit_exceeded(problem, limit, self._now, self.pending, self._reports())

    def _reports(self) -> Reports:
        return Reports(self.diagnosis(), self.waiting())
