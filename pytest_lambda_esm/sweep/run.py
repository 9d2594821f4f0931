"""One world of a sweep: how it starts, runs the body, and finds out how the body ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from pytest_lambda_esm.errors import UnusedFault
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.plan import FaultPlan, users_line
from pytest_lambda_esm.sweep.report import Target


@dataclass(frozen=True, slots=True)
class SweepContext:
    """What a sweep needs of the fake.

    ``restart`` starts a fresh world. ``made`` names the resources that exist outside of sweeps. ``swallowed(file)``
    returns the errors of the fake that neither the test nor that file has caught. ``check`` raises UnusedFault for a
    world's unused faults. ``cuts()`` is how many handlers of the world were cut off after a write. ``leave`` is called
    when the last world has ended, whose resources the next sweep may discard. ``on_error`` records an error of the
    sweep itself, ``note`` writes to the timeline.
    """

    restart: Callable[[], None]
    made: Callable[[], Sequence[str]]
    leave: Callable[[], None]
    plan: FaultPlan
    catalogue: FaultCatalogue
    check: Callable[[], None]
    cuts: Callable[[], int]
    swallowed: Callable[[str], Sequence[BaseException]]
    on_error: Callable[[BaseException], None]
    note: Callable[[str], object]


class Leftovers:
    """The resources that the last world of a sweep left behind, which the next sweep may discard.

    ``existing`` names the resources that exist now.
    """

    def __init__(self, existing: Callable[[], Sequence[str]]) -> None:
        self._existing = existing
        self._left: frozenset[str] = frozenset()

    def take(self) -> None:
        """Take everything that exists now as left behind."""
        self._left = frozenset(self._existing())

    def others(self) -> list[str]:
        """Return what exists in addition to it."""
        return [each for each in self._existing() if each not in self._left]

    def forget(self) -> None:
        """Forget it: an empty world has started."""
        self._left = frozenset()


class SweepRun:
    """One world of a sweep: write ``with run:`` around the body.

    ``target`` is what is struck, None in the world without a fault; ``targets`` are both in a world with a pair.
    """

    def __init__(
        self,
        context: SweepContext,
        add_faults: Callable[[], Sequence[Fault]],
        targets: Sequence[Target],
        on_error: OnError,
    ) -> None:
        self._context = context
        self._add_faults = add_faults
        self._on_error = on_error
        self._watch = ExitStack()
        self._file = ""
        self.targets = tuple(targets)
        self.target = self.targets[0] if self.targets else None
        self.entered = False
        self.faults: Sequence[Fault] = ()
        self.calls: list[IncomingCall] = []

    def __repr__(self) -> str:
        return f"<SweepRun {' and '.join(map(str, self.targets)) or 'without faults'}>"

    @property
    def fault(self) -> Fault | None:
        """The fault of the target, or None in the world without one."""
        return self.faults[0] if self.faults else None

    def __enter__(self) -> SweepRun:
        __tracebackhide__ = True
        self.entered = True
        self._file = users_line().rpartition(":")[0]
        self._context.plan.clear()
        try:
            self._context.restart()
        except BaseException as error:
            self._on_error(self, error, error.__traceback__)
            raise
        self.faults = self._add_faults()
        self.calls = self._watch.enter_context(self._context.plan._watching())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        self._watch.close()
        if error is not None:
            return self._on_error(self, error, trace)
        hidden = self._hidden_error()
        if hidden is not None and not self._on_error(self, hidden, hidden.__traceback__):
            raise hidden
        return False

    def _hidden_error(self) -> BaseException | None:
        """Return the error that should have ended the body: one that it swallowed, or an unused fault of the body."""
        for error in self._context.swallowed(self._file):
            return error
        if self.target is None:
            try:
                self._context.check()
            except UnusedFault as unused:
                return unused
        return None


OnError = Callable[[SweepRun, BaseException, "TracebackType | None"], bool]
"""Is called with the error that ended a body; returns whether to suppress it."""
