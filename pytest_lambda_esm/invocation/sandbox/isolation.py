"""Keeps a handler's changes to its process away from the test and from the next invocation.

In Lambda, a handler has its own process. Here it shares the test's. So environment variables, working directory, import
path, signal handlers, timers and loggers are restored when it ends. The event loop of an asynchronous test is hidden
from the handler meanwhile. Most state is saved only when it changes: the functions that change it (``os.chdir``,
``signal.signal``, ``os.putenv``) record the previous value while a handler runs.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn

from pytest_lambda_esm.invocation.sandbox.loggers import LoggerState, LoggingState
from pytest_lambda_esm.patching import Patches, original_of

_encoded: Final[Callable[[str], Any]] = os.fsencode if os.supports_bytes_environ else str
"""Encodes as ``os.environ`` does. Not with its methods, since a test may have replaced it by a plain dictionary."""
TRACE: Final = "_X_AMZN_TRACE_ID"
"""The variable with the header of an invocation's trace."""
_TRACE: Final = _encoded(TRACE)
_POSITION_OF_ENV: Final = 10
"""Position of ``env`` among the arguments of ``subprocess.Popen``, from 0 and without ``self``."""
_ENVIRON: Final[Any] = os._Environ
_ENVIRONB: Final[Any] = getattr(os, "environb", None)
_ALARM: Final = getattr(signal, "ITIMER_REAL", None)
"""The timer behind ``signal.alarm``, which Windows lacks."""


class Isolation:
    """Isolates handlers, which may be nested."""

    def __init__(self) -> None:
        self._inner: list[Changes] = []
        self._variables_changed = 0
        self._last: _Merged | None = None
        self._installed = False

    @property
    def current(self) -> Changes:
        """The changes of the innermost handler. A handler must be running."""
        return self._inner[-1]

    def install(self, patches: Patches) -> None:
        """Take notes from now on, while a handler runs."""
        self._note_directories(patches)
        self._note_signals(patches)
        self._note_variables(patches)
        self._note_loggers(patches)
        self._note_exits(patches)
        self._installed = True
        patches.then(self._remove)

    def _remove(self) -> None:
        self._last = None
        self._installed = False

    def enter(self, variables: Mapping[Any, Any], trace: str) -> Changes:
        """Isolate a handler, with variables encoded by :func:`encoded` and the header of its trace.

        The mapping behind ``os.environ`` is replaced as a whole: thirteen calls of ``putenv``, and as many to undo
        them, would be half the cost of an invocation.
        """
        environ: Any = os.environ
        encoded_trace = trace.encode() if os.supports_bytes_environ else trace
        if isinstance(environ, _ENVIRON):
            data: Any = environ._data
            changes = Changes(environ, data, variables, encoded_trace)
            merged = self._merged(data, variables).copy()
            merged[_TRACE] = encoded_trace
            _set_data(environ, merged)
        else:
            # The test has replaced it by a plain dictionary, which stays unchanged.
            changes = Changes(environ, None, variables, encoded_trace)
            _bind({**environ, **decoded({**variables, _TRACE: encoded_trace})})
        changes.loop = hide_event_loop()
        self._inner.append(changes)
        return changes

    def leave(self, changes: Changes) -> None:
        """Undo the changes of a handler that has ended."""
        self._inner.pop()
        if changes.loop is not None:
            restore_event_loop(changes.loop)
        if os.environ is not changes.environ:
            _bind(changes.environ)
        if changes.environment is not None:
            _set_data(changes.environ, changes.environment)
        if sys.path != changes.path:
            sys.path[:] = changes.path
        if changes.variables is not None:
            _restore_c_variables(changes.variables)
        if changes.directory is not None:
            os.chdir(changes.directory)
        if changes.timers is not None:
            for timer, before in changes.timers.items():
                signal.setitimer(timer, *before)  # type: ignore[attr-defined,unused-ignore]
        if changes.signals is not None:
            for number, handler in changes.signals.items():
                signal.signal(number, handler)
        if changes.logging is not None:
            changes.logging.restore()
        if changes.loggers is not None:
            for logger in changes.loggers:
                logger.restore()

    def _merged(self, data: Any, variables: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return the process's variables and the function's, merged again only if one of them has changed."""
        last, changed = self._last, self._variables_changed
        if last is not None and last.data is data and last.variables is variables and last.changed == changed:
            return last.merged
        merged = {**data, **variables, _TRACE: None}
        if self._installed:  # Else nobody notes changes.
            self._last = _Merged(data, variables, changed, merged)
        return merged

    def replace_variables(self, variables: Mapping[Any, Any]) -> None:
        """Replace the innermost handler's variables by these, encoded, and the header of its trace."""
        changes = self._inner[-1]
        data = {**variables, _TRACE: changes.trace}
        if changes.environment is None:
            _bind(decoded(data))
        else:
            _set_data(changes.environ, data)

    def note_logging(self) -> LoggingState | None:
        """Save the loggers before the innermost handler changes them; return None outside handlers."""
        if not self._inner:
            return None
        changes = self._inner[-1]
        changes.logging = changes.logging or LoggingState.current()
        return changes.logging

    def _note_directories(self, patches: Patches) -> None:
        for name in ("chdir", "fchdir"):
            if hasattr(os, name):
                patches.set(os, name, self._noting_directory(original_of(os, name)))

    def _noting_directory(self, change: Any) -> Any:
        def noting_change(place: Any) -> None:
            if self._inner and self._inner[-1].directory is None:
                self._inner[-1].directory = os.getcwd()
            change(place)

        return noting_change

    def _note_signals(self, patches: Patches) -> None:
        signal_ = original_of(signal, "signal")

        def noting_signal(number: int, handler: Any) -> Any:
            previous = signal_(number, handler)
            # Only the main thread can do so, while a handler may run in another: then this is not the handler's doing.
            if self._inner and self._inner[-1].is_in_main_thread:
                changes = self._inner[-1]
                changes.signals = changes.signals or {}
                changes.signals.setdefault(number, previous)
            return previous

        patches.set(signal, "signal", noting_signal)
        if _ALARM is not None:
            self._note_timers(patches, _ALARM)

    def _note_timers(self, patches: Patches, alarm: int) -> None:
        owner: Any = signal
        alarm_, setitimer, getitimer = original_of(signal, "alarm"), original_of(signal, "setitimer"), owner.getitimer

        def note(timer: int) -> None:
            if self._inner:
                changes = self._inner[-1]
                changes.timers = changes.timers or {}
                changes.timers.setdefault(timer, getitimer(timer))

        def noting_alarm(seconds: int) -> int:
            note(alarm)
            return int(alarm_(seconds))

        def noting_setitimer(timer: int, *args: Any) -> Any:
            note(timer)
            return setitimer(timer, *args)

        patches.set(signal, "alarm", noting_alarm)
        patches.set(signal, "setitimer", noting_setitimer)

    def _note_variables(self, patches: Patches) -> None:
        putenv, unsetenv = original_of(os, "putenv"), original_of(os, "unsetenv")
        popen = original_of(subprocess.Popen, "__init__")

        def note(name: Any) -> None:
            self._variables_changed += 1
            if self._inner:
                changes = self._inner[-1]
                changes.variables = changes.variables or []
                changes.variables.append(name)

        def noting_putenv(name: Any, value: Any) -> None:
            note(name)
            putenv(name, value)

        def noting_unsetenv(name: Any) -> None:
            note(name)
            unsetenv(name)

        def with_variables(process: Any, *args: Any, **kwargs: Any) -> None:
            if self._inner and kwargs.get("env") is None and len(args) <= _POSITION_OF_ENV:
                kwargs["env"] = dict(os.environ)  # A child process would see the variables of the test's process.
            popen(process, *args, **kwargs)

        patches.set(os, "putenv", noting_putenv)
        patches.set(os, "unsetenv", noting_unsetenv)
        patches.set(subprocess.Popen, "__init__", with_variables)

    def _note_loggers(self, patches: Patches) -> None:
        disable, shutdown = original_of(logging, "disable"), original_of(logging, "shutdown")

        def noting_disable(*args: Any, **kwargs: Any) -> None:
            self.note_logging()
            disable(*args, **kwargs)

        def noting_shutdown(*args: Any) -> None:
            """Both functions of logging.config begin with it, for all handlers that there are; the test's stay open."""
            before = self.note_logging()
            if before is None:
                shutdown(*args)
            else:
                shutdown(before.newer(*args))

        patches.set(logging, "disable", noting_disable)
        patches.set(logging, "shutdown", noting_shutdown)

    def _note_exits(self, patches: Patches) -> None:
        exit_: Callable[[int], NoReturn] = original_of(os, "_exit")
        process = os.getpid()

        def noting_exit(status: int) -> NoReturn:
            """End the handler instead of the test run; a child process really ends."""
            if self._inner and os.getpid() == process:
                self._inner[-1].exit_status = status
                raise SystemExit(status)
            exit_(status)

        patches.set(os, "_exit", noting_exit)


class Changes:
    """The state before an invocation: all that it replaces, and what its handler has changed so far.

    ``environ`` is the object that was ``os.environ``, ``environment`` the mapping behind it. ``own`` are the function's
    variables, and ``trace`` is the header of its trace, encoded as in that mapping.
    """

    # Class attributes save time, since few invocations change any of these.
    directory: str | None = None
    variables: list[Any] | None = None
    signals: dict[int, Any] | None = None
    loop: HiddenLoop | None = None
    timers: dict[int, tuple[float, float]] | None = None
    logging: LoggingState | None = None
    loggers: list[LoggerState] | None = None
    exit_status: int | None = None

    def __init__(self, environ: Any, environment: Any, own: Mapping[Any, Any], trace: Any) -> None:
        self.environ = environ
        self.environment = environment
        self.own = own
        self.trace = trace
        self.path = sys.path[:]
        self._thread = threading.current_thread()

    @property
    def is_in_main_thread(self) -> bool:
        """Whether the handler runs in the main thread."""
        return self._thread is threading.main_thread()


class _Merged(NamedTuple):
    """The last merged variables and their inputs; ``changed`` counts the changes of the process's variables."""

    data: Any
    variables: Mapping[Any, Any]
    changed: int
    merged: dict[Any, Any]


HiddenLoop = tuple[Any, Any]
"""An event loop, and the task that it runs, or None."""


def hide_event_loop() -> HiddenLoop | None:
    """Hide the running event loop of this thread, and return it; None if no loop is running."""
    asyncio: Any = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if loop is None:
        return None
    task = asyncio.current_task(loop)
    if task is not None:
        asyncio.tasks._leave_task(loop, task)
    asyncio._set_running_loop(None)
    return loop, task


def restore_event_loop(hidden: HiddenLoop) -> None:
    """Show a hidden event loop as running again."""
    loop, task = hidden
    asyncio: Any = sys.modules["asyncio"]
    asyncio._set_running_loop(loop)
    if task is not None:
        asyncio.tasks._enter_task(loop, task)


def encoded(variables: Mapping[str, str]) -> dict[Any, Any]:
    """Encode environment variables as ``os.environ`` stores them; on Windows, their names are in capital letters."""
    capitals = os.name == "nt"
    return {_encoded(name.upper() if capitals else name): _encoded(value) for name, value in variables.items()}


def decoded(variables: Mapping[Any, Any]) -> dict[str, str]:
    """Decode environment variables."""
    return {os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()}


def _bind(environ: Any) -> None:
    module: Any = os
    module.environ = environ


def _set_data(environ: Any, data: Any) -> None:
    environ._data = data
    if _ENVIRONB is not None:
        _ENVIRONB._data = data


def _restore_c_variables(names: list[Any]) -> None:
    """Restore variables of the C library's environment, which child processes inherit, from ``os.environ``."""
    for name in names:
        text = os.fsdecode(name)
        if text in os.environ:
            os.putenv(name, os.environ[text])
        else:
            os.unsetenv(name)
