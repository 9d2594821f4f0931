"""Keeps what a handler does to its process out of the test and of the next invocation.

In Lambda a handler has a process of its own. Here it shares the test's: its environment variables, working directory,
import path and signal handlers are put back when it ends, and the running event loop of an asynchronous test. Nothing
is looked at unless it was changed: what changes the process (``os.chdir``, ``signal.signal``, ``os.putenv``) takes a
note while a handler runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.invocation import event_loop
from pytest_lambda_esm.invocation.event_loop import SetAside

_POSITION_OF_ENV: Final = 10
"""Of ``subprocess.Popen``'s arguments, counted from 0 and without the process itself."""


@dataclass(slots=True)
class Changes:
    """What one invocation has found, and what it has changed so far, with the values from before."""

    environment: Any
    path: list[str]
    directory: str | None = None
    variables: list[Any] | None = None
    signals: dict[int, Any] | None = None
    loop: SetAside | None = None


class Isolation:
    """Enters and leaves the surroundings of a handler; one invocation may happen inside another."""

    def __init__(self) -> None:
        self._inner: list[Changes] = []
        self._originals: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Take notes from now on, while a handler runs."""
        chdir, signal_, putenv, unsetenv = os.chdir, signal.signal, os.putenv, os.unsetenv
        popen = subprocess.Popen.__init__

        def noting_chdir(path: Any) -> None:
            if self._inner and self._inner[-1].directory is None:
                self._inner[-1].directory = os.getcwd()
            chdir(path)

        def noting_signal(number: int, handler: Any) -> Any:
            previous = signal_(number, handler)
            if self._inner:
                changes = self._inner[-1]
                changes.signals = changes.signals or {}
                changes.signals.setdefault(number, previous)
            return previous

        def noting_putenv(name: Any, value: Any) -> None:
            self._note_variable(name)
            putenv(name, value)

        def noting_unsetenv(name: Any) -> None:
            self._note_variable(name)
            unsetenv(name)

        def with_variables(process: Any, *args: Any, **kwargs: Any) -> None:
            if self._inner and kwargs.get("env") is None and len(args) <= _POSITION_OF_ENV:
                kwargs["env"] = dict(os.environ)  # A child process would see the variables of the test's process.
            popen(process, *args, **kwargs)

        self._replace(os, "chdir", noting_chdir)
        self._replace(signal, "signal", noting_signal)
        self._replace(os, "putenv", noting_putenv)
        self._replace(os, "unsetenv", noting_unsetenv)
        self._replace(subprocess.Popen, "__init__", with_variables)

    def remove(self) -> None:
        """Take no more notes."""
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def enter(self, variables: Mapping[Any, Any]) -> Changes:
        """A handler begins, with variables encoded by :func:`encoded`.

        The mapping behind ``os.environ`` is exchanged as a whole: thirteen calls of ``putenv``, and as many to
        take them back, would be half of what an invocation costs.
        """
        environ: Any = os.environ
        data = environ._data
        changes = Changes(data, sys.path[:])
        _exchange({**data, **variables})
        changes.loop = event_loop.set_aside()
        self._inner.append(changes)
        return changes

    def leave(self, changes: Changes) -> None:
        """The handler has ended: put back what it found."""
        self._inner.pop()
        if changes.loop is not None:
            event_loop.put_back(changes.loop)
        _exchange(changes.environment)
        if sys.path != changes.path:
            sys.path[:] = changes.path
        if changes.variables is not None:
            _put_back(changes.variables, changes.environment)
        if changes.directory is not None:
            os.chdir(changes.directory)
        if changes.signals is not None:
            for number, handler in changes.signals.items():
                signal.signal(number, handler)

    def _note_variable(self, name: Any) -> None:
        if self._inner:
            changes = self._inner[-1]
            changes.variables = changes.variables or []
            changes.variables.append(name)

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._originals.append((owner, name, getattr(owner, name)))
        setattr(owner, name, replacement)


def encoded(variables: Mapping[str, str]) -> dict[Any, Any]:
    """Environment variables as ``os.environ`` keeps them."""
    environ: Any = os.environ
    return {environ.encodekey(name): environ.encodevalue(value) for name, value in variables.items()}


def _exchange(data: Any) -> None:
    environ: Any = os.environ
    environ._data = data
    if os.supports_bytes_environ:
        environb: Any = os.environb
        environb._data = data


def _put_back(names: list[Any], data: Mapping[Any, Any]) -> None:
    """What the handler set in the C library's environment, for child processes, as it was in Python's."""
    for name in names:
        if name in data:
            os.putenv(name, data[name])
        else:
            os.unsetenv(name)
