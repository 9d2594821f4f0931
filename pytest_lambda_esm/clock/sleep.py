"""``time.sleep`` of code under test, on virtual time.

:class:`VirtualSleep` puts one :class:`SleepFunction` wherever code under test keeps ``time.sleep``. That function
decides for each call whether it sleeps in virtual or in real time.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any, Final

from pytest_lambda_esm.clock.modules import ModuleMemo, import_watch, namespace_of
from pytest_lambda_esm.clock.sleep_places import GlobalPlace, Place, find_places, sleeps_really
from pytest_lambda_esm.clock.waiting import frames_of_threads
from pytest_lambda_esm.errors import AlreadyActive
from pytest_lambda_esm.patching import Patches

# time.sleep raises OverflowError for more, since it counts nanoseconds in 64 bits.
_LONGEST: Final = 2**63 / 1e9
_TIME_SLEEP: Final = GlobalPlace(vars(time), "sleep")

# The functions in which a pool's idle thread waits in C code. Seen in Python 3.10 to 3.14.
_IDLE_IN: Final = frozenset({("concurrent.futures.thread", "_worker"), ("multiprocessing.pool", "worker")})


class SleepFunction:
    """Replaces ``time.sleep``: virtual for code under test while a ``VirtualSleep`` is installed, else real.

    It is an object, since ``class Poller: sleep = time.sleep`` would turn a function into a method. There is one per
    process: code that has bound it where it cannot be replaced sleeps in real time between the tests, and in virtual
    time again in the next test.
    """

    __name__ = __qualname__ = "sleep"

    def __init__(self, real: Callable[[float], None]) -> None:
        self.__module__ = "time"
        self.real = real
        self.on_sleep: Callable[[float], None] | None = None
        self.older_threads: frozenset[threading.Thread] = frozenset()

    def __call__(self, /, *args: Any, **kwargs: Any) -> None:
        """Sleep in virtual or real time. Takes what the real function takes, and raises what that raises.

        Under gevent's monkey patching, the real function is ``gevent.sleep(seconds=0, ref=True)``.
        """
        on_sleep = self.on_sleep
        if (
            on_sleep is None
            or threading.current_thread() in self.older_threads
            or sleeps_really(sys._getframe().f_back)
        ):
            return self.real(*args, **kwargs)
        seconds = args[0] if len(args) == 1 and not kwargs else _first_argument(self.real, args, kwargs)
        # As in time.sleep, and so with the same errors: a float, or anything that has __index__.
        exact = seconds if isinstance(seconds, float) else operator.index(seconds)
        if not 0 <= exact < _LONGEST:
            return self.real(exact)  # raises
        on_sleep(float(exact))
        if getattr(self.real, "__module__", None) == "gevent.hub":
            self.real(0)  # Other greenlets run while one sleeps.
        return None

    def __reduce__(self) -> str:
        """Pickle by name, as the builtin does, so that another process unpickles its own sleep."""
        return "sleep"


def _first_argument(function: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a function gets as its first argument, a default included. Raises what it raises for none."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):  # The builtin has no signature in some versions.
        return function(*args, **kwargs)
    bound.apply_defaults()
    return bound.args[0] if bound.args else function(*args, **kwargs)


class VirtualSleep:
    """Calls ``on_sleep`` with the seconds, instead of sleeping, wherever code under test sleeps.

    It replaces ``time.sleep`` and every place that ``sleep_places`` finds in loaded modules, also in modules imported
    while it is installed. ``on_sleep`` is not called for arguments for which ``time.sleep`` raises, for the packages in
    ``SLEEPING_REALLY``, or in threads that were running before ``install``, since those are not code under test. The
    installing thread and a pool's idle threads are.
    """

    def __init__(self, on_sleep: Callable[[float], None]) -> None:
        self._on_sleep = on_sleep
        self._function = _sleep_function()
        self._imported: list[Place] = []

    @property
    def real_sleep(self) -> Callable[[float], None]:
        """The original ``time.sleep``, for callers that must wait in real time."""
        return self._function.real

    def install(self, patches: Patches) -> None:
        """Make ``time.sleep`` virtual. Raises ``AlreadyActive`` if another ``VirtualSleep`` is installed."""
        function = self._function
        if function.on_sleep is not None:
            raise AlreadyActive("time.sleep is virtual already: another fake is active in this process.")
        if time.sleep is not function:  # It is if an earlier test's monkeypatch restored it.
            function.real = time.sleep
        function.older_threads = threads_of_others()
        function.on_sleep = self._on_sleep
        patches.then(self._remove, self.suspend)
        self.resume([])
        for place in _memo(function.real).findings():
            place.replace(function.real, function)
        import_watch().add(self)

    def _remove(self) -> None:
        """Restore the real function in every place, also in modules imported since."""
        function = self._function
        import_watch().remove(self)
        self.suspend()
        for place in (*_memo(function.real).findings(), *self._imported):
            place.replace(function, function.real)
        self._imported.clear()
        function.on_sleep = None
        function.older_threads = frozenset()

    def suspend(self) -> None:
        """Restore the real ``time.sleep`` for now, unless the test has replaced it itself."""
        _TIME_SLEEP.replace(self._function, self._function.real)

    def resume(self, modules: list[ModuleType]) -> None:
        """Replace ``time.sleep`` again, also in the modules imported while it was real."""
        function = self._function
        _TIME_SLEEP.replace(function.real, function)
        for module in modules:
            found = find_places(namespace_of(module) or {}, frozenset({id(function.real), id(function)}))
            for place in found:
                place.replace(function.real, function)
            self._imported.extend(found)


@functools.cache
def _sleep_function() -> SleepFunction:
    # One per process, as time.sleep is: see SleepFunction.
    return SleepFunction(time.sleep)


@functools.lru_cache(maxsize=4)
def _memo(real: Callable[[float], None]) -> ModuleMemo[Place]:
    # Cached for the process, since searching 800 modules takes as long as ten tests.
    searched = frozenset({id(real), id(_sleep_function())})

    def examine(name: str, namespace: dict[str, Any]) -> list[Place]:
        return find_places(namespace, searched)

    return ModuleMemo(examine)


def threads_of_others() -> frozenset[threading.Thread]:
    """Return the threads that run now, without the calling one and those of a pool that are idle."""
    return frozenset(threading.enumerate()) - {threading.current_thread()} - waiting_for_work()


def waiting_for_work() -> frozenset[threading.Thread]:
    """Return the threads of this process that belong to a pool and are idle now."""
    frames = frames_of_threads()
    return frozenset(thread for thread in threading.enumerate() if _is_idle(frames.get(thread.ident or 0)))


def _is_idle(frame: FrameType | None) -> bool:
    return frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) in _IDLE_IN
