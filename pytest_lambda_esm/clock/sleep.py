"""``time.sleep`` in code under test, on virtual time."""

from __future__ import annotations

import functools
import operator
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any, Final

from pytest_lambda_esm.clock.modules import ModuleMemo, import_watch, namespace_of
from pytest_lambda_esm.clock.sleep_places import GlobalPlace, Place, find_places, sleeps_really
from pytest_lambda_esm.errors import AlreadyActive
from pytest_lambda_esm.patching import Patches

# Where such a thread waits in C code, called straight from here. Seen in Python 3.10 to 3.14.
_WAITING_PLACES: Final = frozenset({("concurrent.futures.thread", "_worker"), ("multiprocessing.pool", "worker")})


def waiting_for_work() -> frozenset[threading.Thread]:
    """The threads of this process that belong to a pool and have nothing to do now."""
    frames = sys._current_frames()
    return frozenset(thread for thread in threading.enumerate() if _waits(frames.get(thread.ident or 0)))


def _waits(frame: FrameType | None) -> bool:
    return frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) in _WAITING_PLACES


# time.sleep refuses more with OverflowError: it counts nanoseconds in 64 bits.
_LONGEST = 2**63 / 1e9
_TIME_SLEEP = GlobalPlace(vars(time), "sleep")


class SleepFunction:
    """Stands in for ``time.sleep``: virtual for code under test while a ``VirtualSleep`` is installed.

    An object rather than a function, so that ``class Poller: sleep = time.sleep`` does not make a method of
    it. There is one in a process: what has bound it somewhere out of reach sleeps really between the tests,
    and virtually again in the next.
    """

    __name__ = __qualname__ = "sleep"

    def __init__(self, real: Callable[[float], None]) -> None:
        self.__module__ = "time"
        self.real = real
        self.on_sleep: Callable[[float], None] | None = None
        self.older_threads: frozenset[threading.Thread] = frozenset()

    def __call__(self, seconds: float, /) -> None:
        """Sleep, in one way or the other; refuses what ``time.sleep`` refuses, with its errors."""
        on_sleep = self.on_sleep
        if on_sleep is None:
            return self.real(seconds)
        if threading.current_thread() in self.older_threads or sleeps_really(sys._getframe(1)):
            return self.real(seconds)
        # The same two steps, and so the same errors, as in time.sleep: a float, or something with __index__.
        exact = seconds if isinstance(seconds, float) else operator.index(seconds)
        if not 0 <= exact < _LONGEST:
            return self.real(exact)  # refuses it
        return on_sleep(float(exact))

    def __reduce__(self) -> str:
        """Pickle by name, as the builtin does: in another process it is that process's own sleep."""
        return "sleep"


class VirtualSleep:
    """Calls ``on_sleep`` with the seconds, instead of sleeping, wherever code under test sleeps.

    That is ``time.sleep`` itself and every place in loaded modules that ``sleep_places`` finds, also in
    modules imported while it is installed. ``on_sleep`` is not called for what ``time.sleep`` refuses (that
    raises its own error), for the packages named in ``SLEEPING_REALLY``, and in threads that ran before
    ``install``: they are not code under test. The installing one is, and a pool's thread that had nothing to do.
    """

    def __init__(self, on_sleep: Callable[[float], None]) -> None:
        self._on_sleep = on_sleep
        self._function = _sleep_function()
        self._imported: list[Place] = []

    @property
    def real_sleep(self) -> Callable[[float], None]:
        """What ``time.sleep`` was, for those who must wait in real time."""
        return self._function.real

    def install(self, patches: Patches) -> None:
        """Begin. Raises ``AlreadyActive`` when another one is installed."""
        function = self._function
        if function.on_sleep is not None:
            raise AlreadyActive("time.sleep is virtual already: another fake is active in this process.")
        if time.sleep is not function:  # it is where a monkeypatch of an earlier test put it back
            function.real = time.sleep
        function.older_threads = frozenset(threading.enumerate()) - {threading.current_thread()} - waiting_for_work()
        function.on_sleep = self._on_sleep
        patches.then(self._remove)
        self.freeze([])
        for place in _memo(function.real).findings():
            place.replace(function.real, function)
        import_watch().add(self)

    def _remove(self) -> None:
        """Put the real function back in every place, also in modules imported meanwhile."""
        function = self._function
        import_watch().remove(self)
        self.thaw()
        for place in (*_memo(function.real).findings(), *self._imported):
            place.replace(function, function.real)
        self._imported.clear()
        function.on_sleep = None
        function.older_threads = frozenset()

    def thaw(self) -> None:
        """Put the real ``time.sleep`` in place for a while; one that the test put there itself stays."""
        _TIME_SLEEP.replace(self._function, self._function.real)

    def freeze(self, modules: list[ModuleType]) -> None:
        """Put the virtual ``time.sleep`` in place, and into the modules imported meanwhile."""
        function = self._function
        _TIME_SLEEP.replace(function.real, function)
        for module in modules:
            found = find_places(namespace_of(module) or {}, frozenset({id(function.real), id(function)}))
            for place in found:
                place.replace(function.real, function)
            self._imported.extend(found)


@functools.cache
def _sleep_function() -> SleepFunction:
    # Process state, as time.sleep is: see SleepFunction.
    return SleepFunction(time.sleep)


@functools.lru_cache(maxsize=4)
def _memo(real: Callable[[float], None]) -> ModuleMemo[Place]:
    # Process state, because it is about the process: searching 800 modules takes as long as ten tests.
    searched = frozenset({id(real), id(_sleep_function())})

    def examine(name: str, namespace: dict[str, Any]) -> list[Place]:
        return find_places(namespace, searched)

    return ModuleMemo(examine)
