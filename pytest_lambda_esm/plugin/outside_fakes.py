"""The fakes that tests open themselves: in unittest, in fixtures of wider scope, or with ``with FakeLambda()``.

They get the report of the fixture's fake. There is at most one at a time, since a second one cannot start.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

if TYPE_CHECKING:
    from pytest_lambda_esm.fake import FakeLambda

Phase = Literal["setup", "call", "teardown"]


class Ended(NamedTuple):
    """A fake that has ended during the present test, and its diagnosis if the test had failed by then."""

    fake: FakeLambda
    diagnosis: str


class _Opening(NamedTuple):
    """Where a fake was opened: the test, its phase, and the scope of the fixture, None outside of fixtures."""

    item: pytest.Item | None
    phase: Phase
    scope: str | None


class OutsideFakes:
    """Notices fakes that the fixture ``lambda_esm`` did not open, and which test each belongs to."""

    def __init__(self) -> None:
        self._item: pytest.Item | None = None
        self._phase: Phase = "setup"
        self._active: FakeLambda | None = None
        self._opening = _Opening(None, "setup", None)
        self._known_faults = 0
        self._ended: Ended | None = None
        self._diagnosis = ""

    def begin(self, item: pytest.Item | None, phase: Phase) -> None:
        """Note that a phase of a test begins. What a fake reports from now on belongs to it."""
        if phase == "setup":
            self._ended = None
        self._diagnosis = ""
        self._item, self._phase = item, phase
        self._known_faults = len(self._active.faults.all) if self._active is not None and phase == "call" else 0

    def opened(self, fake: FakeLambda) -> None:
        """Note a fake that has started."""
        self._active = fake
        self._opening = _Opening(self._item, self._phase, _scope_of_fixture())

    def closing(self, fake: FakeLambda, error: BaseException | None) -> None:
        """Keep the diagnosis of a fake that ends in a test that has failed."""
        self._active = None
        failed = error is not None or sys.exc_info()[1] is not None or _unittest_failed(self._item)
        self._ended = Ended(fake, fake._report_diagnosis() if failed else "")

    def at_hand(self) -> Ended | None:
        """Return the fake that the present test used, with its diagnosis so far."""
        if self._active is not None:
            return Ended(self._active, self._diagnosis)
        return self._ended

    def check_faults(self) -> None:
        """Fail the test if a fault that its body has added never struck; each is reported once."""
        if self._active is None or not self._active.config.strict or not self._active.faults_left():
            return
        self._diagnosis = self._active._report_diagnosis()  # Before the faults count as reported.
        report = self._active.faults._take_unused(self._known_faults)
        if report:
            pytest.fail(report, pytrace=False)

    def close_leaked(self, item: pytest.Item, nextitem: pytest.Item | None) -> str:
        """Close a fake that a test has left open, and return a text about it; empty if there is none."""
        fake, opening = self._active, self._opening
        self._ended = None
        if fake is None or opening.item is None:
            return ""
        is_over = opening.item is item and (opening.phase != "setup" or opening.scope == "function")
        if not is_over and nextitem is not None:
            return ""
        leaked = RuntimeError("left open")
        fake.__exit__(type(leaked), leaked, None)  # With an error, so that it reports nothing else.
        self._ended = None
        return (
            f"{opening.item.nodeid} left a FakeLambda open, which it started at {fake._opened_at}. It has been closed"
            f" now, so that later tests can start one. Close it in the test: use 'with FakeLambda() as fake:', or the"
            f" fixture lambda_esm."
        )


def _scope_of_fixture() -> str | None:
    """Return the scope of the fixture that is being set up, or None."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "pytest_fixture_setup":
            scope = getattr(frame.f_locals.get("fixturedef"), "scope", None)
            return str(scope) if scope is not None else None
        frame = frame.f_back
    return None


def _unittest_failed(item: pytest.Item | None) -> bool:
    """Whether a TestCase has failed already when its cleanups run, within the same phase."""
    outcome = getattr(getattr(item, "instance", None), "_outcome", None)
    return getattr(outcome, "success", True) is False
