"""Fresh worlds that a test opens itself, one after the other, as the examples of a Hypothesis test do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.explore.run import Failure, WorldRun
from pytest_lambda_esm.explore.trouble import Surroundings, Trouble
from pytest_lambda_esm.faults.plan import users_line
from pytest_lambda_esm.sweep.run import SweepContext


class NotEntered:
    """The worlds that a test has asked for and not entered so far, each with the line that asked for it."""

    def __init__(self) -> None:
        self._places: dict[WorldRun, str] = {}

    def add(self, run: WorldRun) -> None:
        """Note a world that the user's line has asked for."""
        self._places[run] = users_line()

    def discard(self, run: WorldRun) -> None:
        """Note that a world is entered."""
        self._places.pop(run, None)

    def left(self) -> str:
        """Return a report; empty if each world was entered."""
        return "\n".join(
            f"the world of {place} was never entered, so the test ran outside of it. Write 'with"
            f" lambda_esm.world(...):' around the test's body."
            for place in dict.fromkeys(self._places.values())
        )


def open_world(
    context: SweepContext,
    surroundings: Callable[[str], Surroundings],
    trouble: Trouble | None,
    not_entered: NotEntered,
) -> WorldRun:
    """Return a fresh world. Raises FaultError for what is no trouble, and where something exists already."""
    __tracebackhide__ = True
    if trouble is not None and not isinstance(trouble, Trouble):
        raise FaultError(
            f"world takes a trouble that the strategy pytest_lambda_esm.strategies.troubles() has drawn, or None, not"
            f" {trouble!r}. Write @given(trouble=troubles()) above the test, and pass the argument trouble"
        )
    existing = context.made()
    if existing:
        raise FaultError(
            f"a world starts empty, but these already exist: {', '.join(existing)}. Make what the test needs inside"
            f" 'with lambda_esm.world(...):'."
        )
    marked = any(fault.marked for fault in context.plan.all)
    run = _OwnWorld(context, surroundings, trouble, _tell, marked=marked)
    run.not_entered = not_entered
    not_entered.add(run)
    return run


class _OwnWorld(WorldRun):
    """A world whose end the test sees: what was made in it may be discarded by the next one."""

    not_entered: NotEntered

    def __enter__(self) -> WorldRun:
        __tracebackhide__ = True
        self.not_entered.discard(self)
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        try:
            return super().__exit__(kind, error, trace)
        finally:
            self._context.plan._note_end_of_sweep()
            self._context.leave()


def _tell(run: WorldRun, failure: Failure) -> bool:
    """Show how to replay a world that broke: Hypothesis prints the note with its smallest example."""
    trouble = run.trouble
    hypothesis = sys.modules.get("hypothesis")
    if trouble is not None and trouble.struck and hypothesis is not None and hypothesis.currently_in_test_context():
        lines = "\n".join(f"    {marker}" for marker in trouble.markers)
        hypothesis.note(f"replay it without Hypothesis, with these lines above the test:\n{lines}")
    return False
