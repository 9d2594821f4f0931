"""One world of a sweep, from its beginning to what is to be said about its body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from pytest_lambda_esm.errors import UnusedFault, caught_by_test
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.plan import FaultPlan, users_line
from pytest_lambda_esm.sweep.report import Target


@dataclass(frozen=True, slots=True)
class SweepContext:
    """What a sweep stands on: how to begin a fresh world, what was made before, the plan, what was swallowed.

    ``leave`` is called when the sweep's last world has ended: what is there then is nobody's any more.
    """

    restart: Callable[[], None]
    made: Callable[[], Sequence[str]]
    leave: Callable[[], None]
    plan: FaultPlan
    catalogue: FaultCatalogue
    check: Callable[[], None]
    swallowed: Callable[[], Sequence[BaseException]]
    on_error: Callable[[BaseException], None]
    note: Callable[[str], object]


class Leftovers:
    """What the last world of a sweep has left, which the next sweep may sweep away. ``held`` says what there is."""

    def __init__(self, held: Callable[[], Sequence[str]]) -> None:
        self._held = held
        self._left: frozenset[str] = frozenset()

    def take(self) -> None:
        """Note what there is."""
        self._left = frozenset(self._held())

    def others(self) -> list[str]:
        """What there is beside."""
        return [each for each in self._held() if each not in self._left]

    def forget(self) -> None:
        """A world has begun, and it is empty."""
        self._left = frozenset()


class SweepRun:
    """One world of a sweep: enter it with ``with run:`` around the body. ``target`` is None for the one without."""

    def __init__(
        self, context: SweepContext, ask: Callable[[], Fault | None], target: Target | None, on_error: Failed
    ) -> None:
        self._context = context
        self._ask = ask
        self._failed = on_error
        self._watch = ExitStack()
        self._file = ""
        self.target = target
        self.entered = False
        self.fault: Fault | None = None
        self.calls: list[IncomingCall] = []

    def __repr__(self) -> str:
        return f"<SweepRun {self.target or 'without faults'}>"

    def __enter__(self) -> SweepRun:
        __tracebackhide__ = True
        self.entered = True
        self._file = users_line().rpartition(":")[0]
        self._context.plan.clear()
        try:
            self._context.restart()
        except BaseException as error:
            self._failed(self, error, error.__traceback__)
            raise
        self.fault = self._ask()
        self.calls = self._watch.enter_context(self._context.plan.watching())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        self._watch.close()
        if error is not None:
            return self._failed(self, error, trace)
        hidden = self._hidden()
        if hidden is not None and not self._failed(self, hidden, hidden.__traceback__):
            raise hidden
        return False

    def _hidden(self) -> BaseException | None:
        """What should have ended the body and did not: an error of the fake, or a fault of its own without effect."""
        for error in self._context.swallowed():
            if not caught_by_test(error, {self._file}):  # pytest.raises in the body is fine
                return error
        if self.target is None:
            try:
                self._context.check()
            except UnusedFault as unused:
                return unused
        return None


Failed = Callable[[SweepRun, BaseException, "TracebackType | None"], bool]
"""Hears what ended a body, and says whether that is to be swallowed."""
