"""One world of an exploration: how it starts, what goes wrong in it, and how its body ended."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from types import TracebackType

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.explore.trouble import Strikes, Surroundings, Trouble
from pytest_lambda_esm.faults.plan import users_line
from pytest_lambda_esm.sweep.run import SweepContext


@dataclass(frozen=True)
class Failure:
    """The error with which a body failed, and the line of the body."""

    error: BaseException
    place: str

    @property
    def kind(self) -> tuple[str, str]:
        """What makes two failures the same one: the type of the error, and the line."""
        return type(self.error).__name__, self.place

    @property
    def text(self) -> str:
        """The type and the text of the error."""
        return f"{type(self.error).__name__}: {self.error}"


class WorldRun:
    """One world: write ``with run:`` around the body. ``trouble`` is what goes wrong in it, None for nothing.

    ``marked`` is true for the one world of a test whose markers say what goes wrong.
    """

    def __init__(
        self,
        context: SweepContext,
        surroundings: Callable[[str], Surroundings],
        trouble: Trouble | None,
        on_error: OnError,
        *,
        marked: bool = False,
    ) -> None:
        self._context = context
        self._surroundings = surroundings
        self._on_error = on_error
        self._marked = [fault for fault in context.plan.all if fault.marked] if marked else []
        self._file = ""
        self.trouble = trouble
        self.entered = False
        self.strikes: Strikes | None = None

    def __repr__(self) -> str:
        return f"<WorldRun {self.trouble or 'without troubles'}>"

    def __enter__(self) -> WorldRun:
        __tracebackhide__ = True
        if self._context.plan._chooser is not None:
            raise FaultError(
                "another world is open: its resources would be discarded. End its 'with' block before the next begins"
            )
        if self.entered:
            raise FaultError("this world has ended; each is entered once, so ask for another one")
        self.entered = True
        self._file = users_line().rpartition(":")[0]
        plan = self._context.plan
        plan.clear()
        try:
            self._context.restart()
        except BaseException as error:
            self._on_error(self, Failure(error, ""))
            raise
        for fault in self._marked:
            plan._ask_again(fault)
        if not self._marked:
            folder = _folder_of_tests(self._file)
            self.strikes = plan._chooser = Strikes(self.trouble or Trouble(), self._surroundings(folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        self._context.plan._chooser = None
        if self.strikes is not None:
            self.strikes.end()
        if error is not None:
            return self._on_error(self, Failure(error, _place(trace)))
        hidden = next(iter(self._context.swallowed(self._file)), None)
        if hidden is None:
            return False
        if self._on_error(self, Failure(hidden, _place(hidden.__traceback__))):
            return False
        raise hidden

    @property
    def struck(self) -> bool:
        """Whether any of the troubles has struck."""
        return self.strikes is not None and bool(self.strikes.struck)


OnError = Callable[[WorldRun, Failure], bool]
"""Is called with the failure that ended a body; returns whether to suppress it."""


def _folder_of_tests(file: str) -> str:
    """Return the folder whose files belong to the tests: the outermost one named so, else the one of the file."""
    path = PurePath(file)
    named = [parent for parent in path.parents if parent.name in ("tests", "test")]
    return os.path.join(named[-1] if named else path.parent, "")


def _place(trace: TracebackType | None) -> str:
    first = traceback.extract_tb(trace, 1)
    return f"{first[0].filename}:{first[0].lineno}" if first else ""
