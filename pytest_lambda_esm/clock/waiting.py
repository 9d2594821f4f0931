"""Whether a thread waits, judged by the place in the code where it stands.

Most waits of the standard library end in a few functions. For these, the state of what a thread waits for says exactly
whether it still waits, or has been notified and is about to go on. Everywhere else a thread may wait in C code or
compute, which only shows over time: :class:`Stillness` compares where threads stand at several moments.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import FrameType
from typing import Any, Final

Position = tuple[object, ...]
"""The place in the code where a thread stands."""

Frames = Mapping[int, FrameType]
"""The innermost Python frame of each thread that runs Python code, by the thread's identifier."""


class Standing(Enum):
    """What the place in the code where a thread stands says about it. The value is in real seconds.

    If the thread stays in that place for this long, it waits.
    """

    WAITING = 0.0
    """It waits, for something that has not happened yet."""
    IDLE = 0.0002
    """It waits for work, of which there was none when it looked."""
    OUTSIDE = 0.0500
    """It waits for another process, for a network, or for real time."""
    UNKNOWN = 0.0501
    """It waits in C code, as in ``lock.acquire()``, or it runs."""
    RUNNING = float("inf")
    """It runs, or is about to."""


KNOWN_STILLNESS: Final = 0.005
"""The real seconds for a thread that was found waiting in the same place before."""

FEWEST_LOOKS: Final = 8
"""So often at least a thread has to be seen in the same place, if that takes longer than a moment."""


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


def threads_are_visible() -> bool:
    """Whether this process can see where its threads stand. It cannot with greenlets that gevent shows as threads."""
    return threading.get_ident() in sys._current_frames()


def _waiting_if(waits: bool, kind: Standing = Standing.WAITING) -> Standing:
    return kind if waits else Standing.RUNNING


def _in_condition(variables: Mapping[str, Any], frames: Frames) -> Standing:
    # notify() removes the waiter. Events, futures, semaphores, barriers and queue.Queue all wait here.
    timeout, waiter = variables.get("timeout"), variables.get("waiter")
    waits = waiter is not None and waiter in variables["self"]._waiters and (timeout is None or timeout > 0)
    return _waiting_if(waits)


def _in_join(variables: Mapping[str, Any], frames: Frames) -> Standing:
    # A thread without a frame has ended, or is about to: its frames are gone before a join of it returns.
    return _waiting_if(variables["self"].ident in frames)


def _idle_executor(variables: Mapping[str, Any], frames: Frames) -> Standing:
    return _waiting_if(variables["work_queue"].empty(), Standing.IDLE)


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
        caller = caller.f_back
    return Standing.OUTSIDE


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
    {"selectors", "asyncio.base_events", "multiprocessing.connection", "multiprocessing.pool"}
)
_OUTSIDE: Final = frozenset({"socket", "ssl", "select", "subprocess", "multiprocessing"})
_PROMPTS: Final = frozenset({"bdb", "cmd", "code", "pdb"})
"""Debuggers: the time for which a user looks at a prompt is not a wait of the program."""


class Stillness:
    """Whether threads wait, judged by looking at them repeatedly.

    All of them have to stand where they stood for as long as the most doubtful of them requires. ``known`` remembers
    where a thread was found waiting.
    """

    # A freezer of the user's would replace module globals.
    _real_time = staticmethod(time.monotonic)
    _frames = staticmethod(sys._current_frames)

    def __init__(self, known: dict[int, Position] | None = None) -> None:
        self._known = known if known is not None else {}
        self._picture: dict[int, Position] = {}
        self._cpu: dict[int, float] = {}
        self._since = 0.0
        self._looks = 0
        self.seconds = 0.0
        """The real seconds for which nothing has changed."""

    def look(self, threads: Iterable[threading.Thread], *, patient: bool) -> list[threading.Thread]:
        """Look at threads once, and return those that may still run on.

        With ``patient=False``, a thread in a place where it waits for something outside, or where it was found waiting
        before, counts as waiting at once.
        """
        frames = self._frames()
        picture: dict[int, Position] = {}
        needs: dict[threading.Thread, float] = {}
        for thread in threads:
            ident = thread.ident
            frame = frames.get(ident) if ident is not None else None
            if ident is None or frame is None:  # It begins, or ends.
                needs[thread] = Standing.RUNNING.value
                continue
            kind = standing(frame, frames)
            picture[ident] = _position(frame, kind)
            needs[thread] = self._needed(kind, self._known.get(ident) == picture[ident], patient)
        self._compare(picture, needs)
        running = [thread for thread, needed in needs.items() if not self._has_waited(needed)]
        if not running:
            self._known.update(picture)
        return running

    def _needed(self, kind: Standing, known: bool, patient: bool) -> float:
        """Return for how many real seconds a thread has to stay where it is."""
        seconds: float = kind.value
        if kind is Standing.RUNNING:
            return seconds
        if not patient and (known or kind is Standing.OUTSIDE):
            return 0.0
        return min(seconds, KNOWN_STILLNESS) if known else seconds

    def _has_waited(self, needed: float) -> bool:
        if not needed:
            return True
        return self.seconds >= needed and self._looks >= (FEWEST_LOOKS if needed > KNOWN_STILLNESS else 2)

    def _compare(self, picture: dict[int, Position], needs: Mapping[threading.Thread, float]) -> None:
        """Start to measure again if a thread has moved, or has computed."""
        now = self._real_time()
        doubtful = [thread.ident for thread, needed in needs.items() if needed >= KNOWN_STILLNESS]
        cpu = {ident: _cpu_seconds(ident) for ident in doubtful if ident in picture and ident is not None}
        elapsed = now - self._since
        computed = any(seconds - self._cpu.get(ident, seconds) > elapsed / 4 for ident, seconds in cpu.items())
        if picture != self._picture or (computed and elapsed > KNOWN_STILLNESS / 2):
            self._picture, self._since, self._cpu, self._looks = picture, now, cpu, 0
        for ident in cpu.keys() - self._cpu.keys():
            self._cpu[ident] = cpu[ident]
        self._looks += 1
        self.seconds = now - self._since


def _position(frame: FrameType, kind: Standing) -> Position:
    # A loop that polls a socket stands in another frame of the same function each time.
    return (frame.f_code, frame.f_lasti) if kind is Standing.OUTSIDE else (id(frame), frame.f_code, frame.f_lasti)


def _cpu_seconds(ident: int) -> float:
    """Return the CPU time of a thread that runs Python code; 0 where the system does not tell, as on macOS."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    return time.clock_gettime(clock_of(ident)) if clock_of is not None else 0.0
