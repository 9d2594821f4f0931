"""The process of an execution environment that runs an archive.

What its modules set up when they are imported lives as long as the environment in Lambda. Here all that an invocation
does to the process is put back at its end; what had been set up on import is kept, and put in place each time.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.invocation.sandbox.isolation import Isolation, encoded
from pytest_lambda_esm.invocation.sandbox.loggers import LoggerState

_OF_THE_MACHINE: Final = frozenset(
    {"COMSPEC", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "PATHEXT", "PYTHONPATH", "SYSTEMROOT"}
    | {"TEMP", "TMP", "TMPDIR", "USERPROFILE", "VIRTUAL_ENV", "WINDIR"}
)
_BY_DEFAULT: Final = {"AWS_SESSION_TOKEN": "FOOBARTOKEN", "LANG": "en_US.UTF-8"}
_PREFIXES: Final = ("AWS_", "COVERAGE_", "COV_CORE_", "LC_", "MOTO_", "SSL_CERT_")


@dataclass(frozen=True, slots=True)
class _Kept:
    """``added`` and ``removed`` are handlers of the root logger, ``level`` is its level where it was changed.

    ``loggers`` are the other ones, ``disabled`` the level below which nothing is logged.
    """

    variables: Mapping[Any, Any]
    path: list[str]
    directory: str
    signals: Mapping[int, Any]
    added: list[logging.Handler]
    removed: list[logging.Handler]
    level: int | None
    loggers: list[LoggerState]
    disabled: int


class ProcessState:
    """Begins with ``path`` before the test's ``sys.path``, in a directory that is the function's ``LAMBDA_TASK_ROOT``.

    Of the test's environment variables, there are those that a process needs to run here: ``PATH``, ``HOME`` and the
    like, credentials and other settings of AWS's clients, and moto's.
    """

    def __init__(self, isolation: Isolation, path: list[str], directory: str) -> None:
        self._isolation = isolation
        self._path = path
        self._directory = directory
        self._kept: _Kept | None = None
        self._root = logging.getLogger()

    def enter(self) -> None:
        """Put it in place for the invocation that begins; the isolation takes it away at its end."""
        if self._kept is None:
            self._begin()
        else:
            self._go_on(self._kept)

    def imported(self, handlers: list[logging.Handler], level: int) -> None:
        """The modules have been imported: keep what they have set up.

        ``handlers`` and ``level`` are those that the root logger had before.
        """
        changes = self._isolation.current
        assert changes.logging is not None
        changed = changes.logging.changed()
        changes.loggers = [before for before, _ in changed]
        root = self._root
        self._kept = _Kept(
            variables=encoded(dict(os.environ)),
            path=sys.path[:],
            directory=os.getcwd(),
            signals={number: signal.getsignal(number) for number in changes.signals or ()},
            added=[handler for handler in root.handlers if handler not in handlers],
            removed=[handler for handler in handlers if handler not in root.handlers],
            level=root.level if root.level != level else None,
            loggers=[now for _, now in changed],
            disabled=root.manager.disable,
        )

    def _begin(self) -> None:
        self._isolation.note_logging()
        variables = {**_BY_DEFAULT, **{name: value for name, value in os.environ.items() if _passes(name)}}
        own = {**self._isolation.current.own, **encoded({"LAMBDA_TASK_ROOT": self._directory})}
        self._isolation.replace_variables({**encoded(variables), **own})
        sys.path[:0] = self._path
        os.chdir(self._directory)

    def _go_on(self, kept: _Kept) -> None:
        self._isolation.replace_variables(kept.variables)
        sys.path[:] = kept.path
        os.chdir(kept.directory)
        for number, handler in kept.signals.items():
            signal.signal(number, handler)
        root = self._root
        if kept.added or kept.removed:
            stayed = [handler for handler in root.handlers if handler not in kept.removed]
            root.handlers[:] = [*stayed, *kept.added]
        if kept.level is not None:
            root.setLevel(kept.level)
        if kept.disabled != root.manager.disable:
            logging.disable(kept.disabled)
        self._isolation.current.loggers = [LoggerState.of(state.logger) for state in kept.loggers]
        for state in kept.loggers:
            state.put_back()


def _passes(name: str) -> bool:
    return name.upper() in _OF_THE_MACHINE or name.upper().startswith(_PREFIXES)
