"""Whether a thread waits, judged by the place in the code where it is.

Most waits of the standard library end in a few functions. For these, the state of what a thread waits for says exactly
whether it still waits or has been notified and is about to go on. Everywhere else a thread may wait in C code or
compute, which only shows over time: :class:`Stillness` compares the places of threads at several moments.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from enum import Enum
from types import FrameType
from typing import Any, Final

from pytest_lambda_esm.clock.usage import Usage, is_ready, usage_of

Position = tuple[object, ...]
"""The place in the code where a thread is."""

Found = tuple[Position, Usage | None]
"""Where a thread was found waiting, and what it had used until then."""

Frames = Mapping[int, FrameType]
"""The innermost Python frame of each thread that runs Python code, by the thread's identifier."""


class Standing(Enum):
    """What the place of a thread in the code says about it. The value is in real seconds.

    If the thread stays in that place for this long, it waits.
    """

    WAITING = 0.0
    """It waits, for something that has not happened yet."""
    TIMED = 0.0000001
    """It waits, for something that has not happened yet, but only for some time."""
    IDLE = 0.0020
    """It waits for work, of which there is none; or it has just taken some, and has not gone on yet."""
    OUTSIDE = 0.0500
    """It waits for another process, for a network, or for real time."""
    UNKNOWN = 0.0501
    """It waits in C code, as in ``lock.acquire()``, or it runs."""
    RUNNING = float("inf")
    """It runs, or is about to."""


COMPUTED: Final = 0.001
"""The CPU time, in seconds, that shows that a thread computes. On a busy machine it may get little more at a time."""

KNOWN_STILLNESS: Final = 0.005
"""The real seconds for a thread that was found waiting in the same place before."""

FEWEST_LOOKS: Final = 8
"""So often at least a thread has to be seen in the same place, unless it waits for certain."""


_EXACT: Final = frozenset({Standing.WAITING, Standing.TIMED})
_FOR_EVER: Final = float("inf")

Sight = dict[threading.Thread, tuple[Standing, Position]]
"""Where threads are at one moment."""


def standing(frame: FrameType, frames: Frames) -> Standing:
    """Return what a thread does whose innermost frame this is."""
    module = str(frame.f_globals.get("__name__"))
    rule = _PLACES.get((module, frame.f_code.co_name))
    if rule is not None:
        return rule(frame.f_locals, frames)
    if module == "selectors":
        return _selecting(frame)
    package = module.partition(".")[0]
    if package in _PROMPTS:
        return Standing.RUNNING
    return Standing.OUTSIDE if package in _OUTSIDE else Standing.UNKNOWN


def frames_of_threads() -> Frames:
    """Return the innermost Python frame of each thread now.

    Python up to 3.11 holds a lock of the interpreter while it collects the frames, and may collect garbage meanwhile.
    If that frees a ``threading.local``, it waits for the same lock, for ever: https://github.com/python/cpython/issues/106883
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if collects:
            gc.enable()


def threads_are_visible() -> bool:
    """Whether this process can see where its threads are. It cannot with greenlets that gevent shows as threads."""
    return threading.get_ident() in frames_of_threads()


def _waiting_if(waits: bool, kind: Standing = Standing.WAITING) -> Standing:
    return kind if waits else Standing.RUNNING


def _in_condition(variables: Mapping[str, Any], frames: Frames) -> Standing:
    # notify() removes the waiter. Events, futures, semaphores, barriers and queue.Queue all wait here.
    timeout, waiter = variables.get("timeout"), variables.get("waiter")
    waits = waiter is not None and waiter in variables["self"]._waiters and (timeout is None or timeout > 0)
    return _waiting_if(waits, Standing.WAITING if timeout is None else Standing.TIMED)


def _in_join(variables: Mapping[str, Any], frames: Frames) -> Standing:
    # A thread without a frame has ended, or is about to: its frames are gone before a join of it returns.
    return _waiting_if(variables["self"].ident in frames)


def _idle_executor(variables: Mapping[str, Any], frames: Frames) -> Standing:
    at_work = "work_item" in variables or "executor" in variables
    return _waiting_if(not at_work and variables["work_queue"].empty(), Standing.IDLE)


def _idle_worker(variables: Mapping[str, Any], frames: Frames) -> Standing:
    return _waiting_if(variables.get("task") is None and variables["inqueue"].empty(), Standing.IDLE)


def _idle_task_handler(variables: Mapping[str, Any], frames: Frames) -> Standing:
    return _waiting_if(variables["taskqueue"].empty(), Standing.IDLE)


def _idle_result_handler(variables: Mapping[str, Any], frames: Frames) -> Standing:
    return _waiting_if(variables["outqueue"].empty(), Standing.IDLE)


def _selecting(frame: FrameType) -> Standing:
    """Return what a thread in ``selector.select()`` does: an event loop, a pool's housekeeper, a server."""
    caller = frame.f_back
    while caller is not None and caller.f_globals.get("__name__") in _SELECTING:
        if caller.f_code.co_name == "_run_once":
            loop = caller.f_locals.get("self")
            if getattr(loop, "_ready", None):
                return Standing.RUNNING
            selector = getattr(loop, "_selector", None)
            # Registered is only the pipe through which other threads wake the loop.
            return Standing.IDLE if selector is not None and len(selector.get_map()) == 1 else Standing.OUTSIDE
        if caller.f_code.co_name == "_handle_workers":
            return Standing.IDLE
        if caller.f_code.co_name == "wait_for_loop":
            return _in_a_loop(caller.f_locals["self"])
        caller = caller.f_back
    return Standing.OUTSIDE


def _in_a_loop(sleeper: Any) -> Standing:
    if not sleeper.asleep or sleeper.loop._ready:
        return Standing.RUNNING
    return Standing.OUTSIDE if sleeper.is_watching else Standing.WAITING


def _blocked(variables: Mapping[str, Any], frames: Frames) -> Standing:
    return _waiting_if(variables["self"].asleep)


_PLACES: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Any], Frames], Standing]]] = {
    ("threading", "wait"): _in_condition,
    ("threading", "join"): _in_join,  # in Python 3.13 and later
    ("threading", "_wait_for_tstate_lock"): _in_join,  # before
    ("concurrent.futures.thread", "_worker"): _idle_executor,
    ("multiprocessing.pool", "worker"): _idle_worker,
    ("multiprocessing.pool", "_handle_tasks"): _idle_task_handler,
    ("multiprocessing.pool", "_handle_results"): _idle_result_handler,
    ("pytest_lambda_esm.clock.sleepers", "block"): _blocked,
}
"""The functions in which threads wait in C code, by module and name. Seen in Python 3.10 to 3.14."""

_SELECTING: Final = frozenset(
    {
        "asyncio.base_events",
        "multiprocessing.connection",
        "multiprocessing.pool",
        "pytest_lambda_esm.clock.loop_sleeper",
        "selectors",
    }
)
_OUTSIDE: Final = frozenset({"socket", "ssl", "select", "subprocess", "multiprocessing"})
_PROMPTS: Final = frozenset({"bdb", "cmd", "code", "pdb"})
"""Debuggers: the time for which a user looks at a prompt is not a wait of the program."""


class Stillness:
    """Whether threads wait, judged by looking at them repeatedly.

    All of them have to stay where they are for as long as the most doubtful of them requires. Only the time between
    two looks counts, in which they could have run, and of that only the time in which each had a processor to run on.
    ``known`` remembers where a thread was found waiting.
    """

    # A freezer of the user's would replace module globals.
    _real_time = staticmethod(time.monotonic)
    _frames = staticmethod(frames_of_threads)

    def __init__(self, known: MutableMapping[threading.Thread, Found] | None = None) -> None:
        self._known = known if known is not None else {}
        self._picture: Sight = {}
        self._first: Mapping[threading.Thread, Usage | None] = {}
        self._left = 0.0
        self._looks = 0
        self.seconds = 0.0
        """The real seconds for which nothing has changed."""
        self._shortest = _FOR_EVER
        """The shortest time for which one of them waits, in real seconds."""

    def look(self, members: Callable[[], list[threading.Thread]], *, patient: bool) -> list[threading.Thread]:
        """Look at the threads that ``members`` returns, and return those that may still run on.

        With ``patient=False``, a thread in a place where it waits for something outside, or where it was found waiting
        before, counts as waiting at once, if it is not ready to run.
        """
        passed = self._real_time() - self._left
        try:
            return self._look(members, passed, patient)
        finally:
            self._left = self._real_time()

    def _look(
        self, members: Callable[[], list[threading.Thread]], passed: float, patient: bool
    ) -> list[threading.Thread]:
        sight = self._see(members())
        running = [thread for thread, (kind, _) in sight.items() if kind is Standing.RUNNING]
        if running or not sight:
            self._picture = {}
            return running
        doubtful = [thread for thread, (kind, _) in sight.items() if kind not in _EXACT]
        used = {thread: usage_of(thread) for thread in doubtful}
        # Another thread may have run while this one looked: then two looks differ.
        if self._see(members()) != sight or self._see(members()) != sight:
            self._picture = {}
            return list(sight)
        self._compare(sight, used, passed)
        running = [thread for thread in doubtful if not self._waits(thread, used[thread], patient)]
        if not running:
            self._known.update({thread: (sight[thread][1], used[thread]) for thread in doubtful})
        return running

    def only_for_others(self, members: Callable[[], list[threading.Thread]]) -> bool:
        """Look at threads; return whether each has waited for a while for other threads, and for nothing else."""
        running = self.look(members, patient=True)
        return not running and self.is_certain(0) and self.seconds >= Standing.UNKNOWN.value

    def is_certain(self, seconds: float) -> bool:
        """Whether the threads seen last, unless one of them runs, wait for other threads and for nothing else.

        They may wait for some time only, if that is at least so many seconds.
        """
        known = all(kind in _EXACT or kind is Standing.IDLE for kind, _ in self._picture.values())
        return known and self._shortest >= seconds

    def _see(self, threads: list[threading.Thread]) -> Sight:
        """Return where threads are now. It takes a moment in which no other thread is likely to run."""
        frames = self._frames()
        sight: Sight = {}
        self._shortest = _FOR_EVER
        for thread in threads:
            ident = thread.ident
            frame = frames.get(ident) if ident is not None else None
            if frame is None:  # It begins, or ends.
                sight[thread] = (Standing.RUNNING, ())
            else:
                kind = standing(frame, frames)
                if kind is Standing.TIMED:
                    self._shortest = min(self._shortest, frame.f_locals["timeout"])
                sight[thread] = (kind, _position(frame, kind))
        return sight

    def _waits(self, thread: threading.Thread, used: Usage | None, patient: bool) -> bool:
        """Return whether a thread, of which its place does not say so, has stayed there for long enough."""
        kind, place = self._picture[thread]
        known_place, known_usage = self._known.get(thread, (None, None))
        known = known_place == place
        if kind is Standing.IDLE and known and used is not None and used == known_usage:
            # It has not run since, so it has not taken any work. Python 3.13 hands work to a thread before that runs:
            # then it is ready to run now, or has run by the time that its usage is read again.
            return not is_ready(thread) and usage_of(thread) == known_usage
        needed: float = kind.value
        if kind is not Standing.IDLE and not patient and (known or kind is Standing.OUTSIDE):
            needed = 0.0
        elif kind is not Standing.IDLE and known:
            needed = min(needed, KNOWN_STILLNESS)
        if needed and (self._looks < FEWEST_LOOKS or self.seconds - self._delay(thread, used) < needed):
            return False
        return not is_ready(thread)

    def _delay(self, thread: threading.Thread, used: Usage | None) -> float:
        """Return for how many of these seconds a thread was ready to run, but had no processor."""
        first = self._first.get(thread)
        return used.delayed - first.delayed if used is not None and first is not None else 0.0

    def _compare(self, sight: Sight, used: Mapping[threading.Thread, Usage | None], passed: float) -> None:
        """Start to measure again if a thread has moved, or has computed."""
        if sight != self._picture or self._have_computed(used):
            self._picture, self._first, self.seconds, self._looks = sight, used, 0.0, 0
        else:
            self.seconds += passed
        self._looks += 1

    def _have_computed(self, used: Mapping[threading.Thread, Usage | None]) -> bool:
        pairs = ((now, self._first.get(thread)) for thread, now in used.items())
        return any(now.cpu - first.cpu > COMPUTED for now, first in pairs if now is not None and first is not None)


def _position(frame: FrameType, kind: Standing) -> Position:
    # A loop that polls a socket is in another frame of the same function each time.
    return (frame.f_code, frame.f_lasti) if kind is Standing.OUTSIDE else (id(frame), frame.f_code, frame.f_lasti)
