"""Threads that sleep in virtual time, side by side.

A thread that is not alone really blocks while it sleeps. Threads whose sleeps share one time form a group: those of the
test, whose time is the clock, or those of one invocation, whose time is the handler's own. Time moves on to the end of
the earliest sleep once all others of the group have had their turn: each sleeps, has ended, or waits for something.
"""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

from pytest_lambda_esm.clock import lock as clock_lock
from pytest_lambda_esm.clock.waiting import Found, Stillness
from pytest_lambda_esm.timing import MICROSECONDS

LONGEST_TURN: Final = 5.0
"""The real seconds for which others wait for a thread that neither sleeps nor waits. After that they go on without."""

_FIRST_PAUSE: Final = 0.00005
_LONGEST_PAUSE: Final = 0.005
"""The real seconds between two looks at the other threads."""


def pauses() -> Iterator[float]:
    """Return the real seconds to wait before each further look at other threads."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_PAUSE)


class SharedTime(Protocol):
    """The time that the sleepers of a group share."""

    @property
    def instant(self) -> int:
        """The time now, in microseconds since the epoch."""
        ...

    @property
    def deadline(self) -> int:
        """The instant at which this time ends for all that still wait then. To reach it raises an exception."""
        ...

    @property
    def awaited(self) -> threading.Thread | None:
        """The thread that has to wait before a sleeper may move this time, however long it runs."""
        ...

    @property
    def is_moving(self) -> bool:
        """Whether code that does not sleep moves this time now, and gives others their turn."""
        ...

    def reach(self, sleeper: Sleeper) -> None:
        """Move on to the end of a sleep, in its thread; all others of the group wait. May raise what ends the sleep."""
        ...


class Groups(Protocol):
    """Which threads sleep side by side."""

    @property
    def threads(self) -> Collection[threading.Thread]:
        """The threads that may belong to a group, besides those that run the test and the handlers."""
        ...

    def others(self, group: SharedTime) -> list[threading.Thread]:
        """Return the threads of a group that are alive, without the calling one and the test's."""
        ...

    def busy_with(self, group: SharedTime) -> list[threading.Thread]:
        """Return the threads of a group that run an invocation, which has its own time; empty if there are none."""
        ...

    def meanwhile(self, group: SharedTime) -> SharedTime | None:
        """Return the time of the invocation that runs now, if the group is the test's."""
        ...

    def serve_handlers(self, thread: threading.Thread) -> None:
        """Make a thread of the test belong to whichever handler runs."""
        ...


class SleepEnded(SystemExit):
    """Ends a thread that still sleeps when its fake is closed. A SystemExit ends a thread silently."""


class Sleeper:
    """A thread that sleeps until an instant of its group's time."""

    __slots__ = ("_gate", "ahead", "asleep", "due", "error", "group", "meanwhile", "rest", "sequence", "thread")

    in_loop = False
    """Whether this is an event loop of asyncio, which does not block."""
    is_limit = False
    """Whether nobody sleeps: the thread only does not wait for longer than until ``due``."""

    def __init__(self, group: SharedTime, due: int) -> None:
        self.group = group
        self.due = due
        self.sequence = 0
        self.thread = threading.current_thread()
        self.asleep = True
        self.meanwhile: SharedTime | None = None
        """The time of the invocation that ran when the thread, one of the test's, went to sleep."""
        self.ahead = 0
        """By how much that time was ahead of the clock, which ``due`` does not contain yet."""
        self.error: BaseException | None = None
        self.rest = 0.0
        """The seconds for which the thread sleeps on in real time, once it is not asleep in virtual time any more."""
        self._gate = threading.Lock()
        self._gate.acquire()

    def __lt__(self, other: Sleeper) -> bool:
        return (self.due, self.sequence) < (other.due, other.sequence)

    @property
    def is_watching(self) -> bool:
        """Whether something outside of this process may end the sleep."""
        return False

    def sleeps_on(self) -> bool:
        """Whether the sleep has not ended. Call it in the thread that sleeps."""
        return self.asleep

    def seconds_left(self) -> float:
        """Return, for a limit, for how many real seconds the thread still waits at most."""
        return 0.0

    def may_move(self, *, really: bool) -> bool:
        """Whether the thread itself has nothing to do first; with ``really=True``, whether it never will."""
        return True

    def block(self, seconds: float) -> None:
        """Block in real time: for some seconds at most, or with -1 until :meth:`nudge` is called."""
        self._gate.acquire(True, seconds)

    def nudge(self) -> None:
        """Make the thread look whether it sleeps on. The caller holds the mutex of :class:`Sleepers`."""
        if self._gate.locked():
            self._gate.release()


class Sleepers:
    """All threads that sleep virtually and are not alone. Any thread may call any method.

    ``groups`` is None where each thread is alone: its sleeps move time at once.
    """

    # A freezer of the user's would replace module globals.
    _real_time = staticmethod(time.monotonic)
    _really_sleep = staticmethod(time.sleep)

    def __init__(self) -> None:
        self.groups: Groups | None = None
        self.known: WeakKeyDictionary[threading.Thread, Found] = WeakKeyDictionary()
        """Where each thread was found waiting."""
        self.given_up: WeakSet[threading.Thread] = WeakSet()
        """The threads that the others do not wait for any more."""
        self._mutex = threading.Lock()
        self._asleep: list[Sleeper] = []
        self._sequence = 0
        self.is_closed = False
        """Whether the fake has ended, and with it all sleeps."""
        self.is_reached_from_outside: Callable[[], bool] = lambda: False
        """Whether a program in another process, which the fake knows of, may end the wait of a thread."""

    @property
    def has_company(self) -> bool:
        """Whether threads were started that may sleep."""
        return self.groups is not None and bool(self.groups.threads)

    def is_alone(self, group: SharedTime) -> bool:
        """Whether the calling thread is the only one of its group."""
        groups = self.groups
        return groups is None or not groups.threads or not groups.others(group)

    def sleep(self, group: SharedTime, due: int) -> None:
        """Block the calling thread until its group's time reaches an instant, or move that time there itself."""
        __tracebackhide__ = True
        self.run(Sleeper(group, due))

    def run(self, sleeper: Sleeper) -> None:
        """Block the calling thread, which ``sleeper`` describes, until its sleep has ended."""
        __tracebackhide__ = True
        self._add(sleeper)
        try:
            self._sleep(sleeper)
        finally:
            self._discard(sleeper)
        if sleeper.rest:
            self._really_sleep(sleeper.rest)
        if sleeper.error is not None:
            raise sleeper.error

    def _sleep(self, sleeper: Sleeper) -> None:
        __tracebackhide__ = True
        turns, pause, employment = Turns(self), pauses(), Employment(self)
        while sleeper.sleeps_on():
            group = sleeper.group
            if self.first(group) is not sleeper:
                sleeper.block(-1)
                turns, pause = Turns(self), pauses()
            elif self._may_move(sleeper, turns):
                group.reach(sleeper)
                return
            elif not employment.begins(sleeper):
                sleeper.block(next(pause))

    def _may_move(self, sleeper: Sleeper, turns: Turns) -> bool:
        __tracebackhide__ = True
        # For a limit alone, time does not move as long as anything real may be waited for.
        really = sleeper.is_limit and all(each.is_limit for each in self.of(sleeper.group))
        within = sleeper.seconds_left() if really else None
        if not sleeper.may_move(really=really) or (really and self.is_reached_from_outside()):
            return False
        return turns.over(sleeper.group, within)

    def first(self, group: SharedTime) -> Sleeper | None:
        """Return the sleeper of a group that wakes first."""
        if not self._asleep:
            return None
        with self._mutex:
            return self._first(group)

    def of(self, group: SharedTime) -> list[Sleeper]:
        """Return the sleepers of a group, in the order in which they wake."""
        if not self._asleep:
            return []
        with self._mutex:
            return [sleeper for sleeper in self._asleep if sleeper.group is group]

    def wake(self, sleeper: Sleeper, error: BaseException | None = None) -> None:
        """End a sleep, with an exception or without. The thread goes on at once, in real time."""
        with self._mutex:
            self._end(sleeper, error)

    def move(self, sleepers: list[Sleeper], group: SharedTime) -> None:
        """Make threads that sleep belong to another group."""
        if not sleepers:
            return
        with self._mutex:
            left = {id(sleeper.group): sleeper.group for sleeper in sleepers}
            for sleeper in sleepers:
                sleeper.due += sleeper.ahead
                sleeper.ahead = 0
                sleeper.group = group
            self._asleep.sort()
            for first in map(self._first, (group, *left.values())):
                if first is not None:
                    first.nudge()

    def without_sleepers(self, threads: list[threading.Thread], group: SharedTime) -> list[threading.Thread]:
        """Return those of a group's threads that do not sleep."""
        if not threads or not self._asleep:
            return threads
        # A thread that moves the clock while it sleeps may run a handler, which belongs to another group.
        asleep = {sleeper.thread for sleeper in self.of(group) if not sleeper.is_watching}
        return [thread for thread in threads if thread not in asleep]

    def end_all(self, instant: int, *, close: bool) -> None:
        """End all sleeps, since their fake is closed or starts again at an instant.

        A daemon sleeps on in real time, for the rest of its sleep. In other threads the sleep raises ``SleepEnded``;
        this waits shortly for what they do then. With ``close=True``, the same happens to sleeps that begin later.
        """
        with self._mutex:
            self.is_closed = self.is_closed or close
            sleepers = list(self._asleep)
            for sleeper in sleepers:
                self._end_for_good(sleeper, instant)
        ended = [sleeper.thread for sleeper in sleepers if sleeper.error is not None]
        stillness, until = Stillness(), self._real_time() + 1
        while (ended := [thread for thread in ended if thread.is_alive()]) and self._real_time() < until:
            if not stillness.look(lambda: ended, patient=True):
                return
            self._really_sleep(_LONGEST_PAUSE)

    def _add(self, sleeper: Sleeper) -> None:
        group = sleeper.group
        with self._mutex:
            self._sequence += 1
            sleeper.sequence = self._sequence
            sleeper.meanwhile = self.groups.meanwhile(group) if self.groups is not None else None
            if sleeper.meanwhile is not None:
                sleeper.ahead = sleeper.meanwhile.instant - group.instant
            if self.is_closed:
                self._end_for_good(sleeper, sleeper.due)
            else:
                bisect.insort(self._asleep, sleeper)

    def _discard(self, sleeper: Sleeper) -> None:
        with self._mutex:
            self._end(sleeper, sleeper.error)
            following = self._first(sleeper.group)
            if following is not None:
                following.nudge()

    def _first(self, group: SharedTime) -> Sleeper | None:
        return next((sleeper for sleeper in self._asleep if sleeper.group is group), None)

    def _end(self, sleeper: Sleeper, error: BaseException | None) -> None:
        sleeper.error = error
        sleeper.asleep = False
        if sleeper in self._asleep:
            self._asleep.remove(sleeper)
        sleeper.nudge()

    def _end_for_good(self, sleeper: Sleeper, instant: int) -> None:
        if sleeper.thread.daemon and not sleeper.in_loop:
            sleeper.rest = max(sleeper.due - instant, 0) / MICROSECONDS
        self._end(sleeper, None if sleeper.thread.daemon else SleepEnded())


class Employment:
    """Looks whether a handler waits for threads of the test, as for those that a module has started before.

    So it is if a thread went to sleep while the handler ran, and all threads of the handler wait for other threads, but
    none sleeps.
    """

    def __init__(self, sleepers: Sleepers) -> None:
        self._sleepers = sleepers
        self._handler = Stillness()
        self._test = Stillness()

    def begins(self, sleeper: Sleeper) -> bool:
        """Make the threads of the test that went to sleep meanwhile sleep in the handler's time, if it waits for them.

        Return whether it did so.
        """
        time, group = sleeper.meanwhile, sleeper.group
        sleepers, groups = self._sleepers, self._sleepers.groups
        if time is None or groups is None or groups.meanwhile(group) is not time or sleepers.first(time) is not None:
            return False
        if not self._handler.only_for_others(lambda: groups.others(time)):
            return False
        if self._test.look(lambda: sleepers.without_sleepers(groups.others(group), group), patient=True):
            return False
        employed = [each for each in sleepers.of(group) if each.meanwhile is time]
        for each in employed:
            groups.serve_handlers(each.thread)
        sleepers.move(employed, time)
        return True


class Turns:
    """Looks whether the other threads of a group have had their turn.

    With ``patient=False``, it does so for a move that is not a sleeper's, such as ``advance()``: see
    :meth:`Stillness.look`. Such a move does not wait for the test's thread.
    """

    # A freezer of the user's would replace module globals.
    _real_time = staticmethod(time.monotonic)

    def __init__(self, sleepers: Sleepers, *, patient: bool = True) -> None:
        self._sleepers = sleepers
        self._patient = patient
        self._stillness = Stillness(sleepers.known)
        self._busy = Stillness()
        self._since = self._real_time()

    def over(self, group: SharedTime, within: float | None = None) -> bool:
        """Return whether time may move on. Raises ClockError if it never will.

        If ``within`` is given, it may not if a thread waits for anything but threads, or for less than so many seconds.
        """
        __tracebackhide__ = True
        groups = self._sleepers.groups
        if groups is None:
            return True
        if self._patient and group.is_moving:
            return False
        busy = groups.busy_with(group)
        if busy:
            self._check_progress(busy)
            return False
        running = self._stillness.look(lambda: self._members(groups, group), patient=self._patient)
        if running and (group.awaited in running or not self._are_given_up(running)):
            return False
        if within is not None and (running or not self._stillness.is_certain(within)):
            return False
        return not groups.busy_with(group)  # An invocation may have begun meanwhile.

    def _members(self, groups: Groups, group: SharedTime) -> list[threading.Thread]:
        """Return the threads of a group that have to have had their turn."""
        others = self._sleepers.without_sleepers(groups.others(group), group)
        awaited = group.awaited if self._patient else None
        if awaited is not None and awaited is not threading.current_thread():
            others.append(awaited)
        return others

    def _are_given_up(self, running: list[threading.Thread]) -> bool:
        given_up = self._sleepers.given_up
        if any(thread not in given_up for thread in running):
            if self._real_time() - self._since < LONGEST_TURN:
                return False
            given_up.update(running)
        return True

    def _check_progress(self, busy: list[threading.Thread]) -> None:
        """Raise ClockError if nothing moves in an invocation that has to end before this thread's sleep does."""
        __tracebackhide__ = True
        self._busy.look(lambda: busy, patient=True)
        if self._busy.seconds > clock_lock.LONGEST_WAIT:
            raise clock_lock.held_too_long("time.sleep", "an invocation")
