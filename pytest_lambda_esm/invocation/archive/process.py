"""The process state of an execution environment that runs an archive.

In Lambda, what the modules set up on import lasts as long as the environment. Here, every change that an invocation
makes to the process is undone at its end. So the state after the import is saved, and restored for each invocation.
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

_INHERITED: Final = frozenset(
    {"COMSPEC", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "PATHEXT", "PYTHONPATH", "SYSTEMROOT"}
    | {"TEMP", "TMP", "TMPDIR", "USERPROFILE", "VIRTUAL_ENV", "WINDIR"}
)
_INHERITED_PREFIXES: Final = ("AWS_", "COVERAGE_", "COV_CORE_", "LC_", "MOTO_", "SSL_CERT_")
_DEFAULTS: Final = {"AWS_SESSION_TOKEN": "FOOBARTOKEN", "LANG": "en_US.UTF-8"}


class ProcessState:
    """The state that each invocation of one archive starts from.

    Before the import, ``path`` is put in front of the test's ``sys.path``, and ``directory`` is the working directory
    and the function's ``LAMBDA_TASK_ROOT``. The environment variables are the function's and those of the test's
    process that code needs to run here: ``PATH``, ``HOME`` and the like, the settings of AWS's clients, credentials
    included, and moto's.
    """

    def __init__(self, isolation: Isolation, path: list[str], directory: str) -> None:
        self._isolation = isolation
        self._path = path
        self._directory = directory
        self._saved: _SavedState | None = None
        self._root = logging.getLogger()

    def enter(self) -> None:
        """Set up the process for an invocation; the isolation undoes it at the end."""
        if self._saved is None:
            self._start()
        else:
            self._restore(self._saved)

    def save(self, handlers: list[logging.Handler], level: int) -> None:
        """Save the state after the import of the modules.

        ``handlers`` and ``level`` are those of the root logger before the import.
        """
        changes = self._isolation.current
        assert changes.logging is not None
        changed = changes.logging.changed()
        changes.loggers = [before for before, _ in changed]
        root = self._root
        self._saved = _SavedState(
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

    def _start(self) -> None:
        self._isolation.note_logging()
        variables = {**_DEFAULTS, **{name: value for name, value in os.environ.items() if _is_inherited(name)}}
        own = {**self._isolation.current.own, **encoded({"LAMBDA_TASK_ROOT": self._directory})}
        self._isolation.replace_variables({**encoded(variables), **own})
        sys.path[:0] = self._path
        os.chdir(self._directory)

    def _restore(self, saved: _SavedState) -> None:
        self._isolation.replace_variables(saved.variables)
        sys.path[:] = saved.path
        os.chdir(saved.directory)
        for number, handler in saved.signals.items():
            signal.signal(number, handler)
        root = self._root
        if saved.added or saved.removed:
            remaining = [handler for handler in root.handlers if handler not in saved.removed]
            root.handlers[:] = [*remaining, *saved.added]
        if saved.level is not None:
            root.setLevel(saved.level)
        if saved.disabled != root.manager.disable:
            logging.disable(saved.disabled)
        self._isolation.current.loggers = [LoggerState.current(state.logger) for state in saved.loggers]
        for state in saved.loggers:
            state.restore()


@dataclass(frozen=True, slots=True)
class _SavedState:
    """The process state after the import.

    ``added`` and ``removed`` are handlers of the root logger; ``level`` is its level, or None if it did not change.
    ``loggers`` are the other loggers that changed; ``disabled`` is the argument of ``logging.disable``.
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


def _is_inherited(name: str) -> bool:
    return name.upper() in _INHERITED or name.upper().startswith(_INHERITED_PREFIXES)
