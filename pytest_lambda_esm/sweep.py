"""Runs a body of code once for each of its calls and each error: every failure in turn, each in a world of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from pytest_lambda_esm.api.fault_catalogue import FaultCatalogue
from pytest_lambda_esm.errors import FaultError, SweepFailed, UnusedFault
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.plan import FaultPlan, users_line
from pytest_lambda_esm.sweep_report import Broken, Target, report
from pytest_lambda_esm.sweep_request import Request


@dataclass(frozen=True, slots=True)
class Ground:
    """What a sweep stands on: how to begin a fresh world, what was made before, the plan, what was swallowed."""

    begin_anew: Callable[[], None]
    made: Sequence[str]
    plan: FaultPlan
    catalogue: FaultCatalogue
    check: Callable[[], None]
    swallowed: Callable[[], Sequence[BaseException]]
    failed: Callable[[BaseException], None]
    note: Callable[[str], object]


class SweepRun:
    """One world of a sweep: enter it with ``with run:`` around the body. ``target`` is None for the one without."""

    def __init__(self, ground: Ground, ask: Callable[[], object], target: Target | None, failed: _Failed) -> None:
        self._ground = ground
        self._ask = ask
        self._failed = failed
        self._watch = ExitStack()
        self.target = target
        self.entered = False
        self._file = ""
        self.calls: list[IncomingCall] = []

    def __repr__(self) -> str:
        return f"<SweepRun {self.target or 'without faults'}>"

    def __enter__(self) -> SweepRun:
        __tracebackhide__ = True
        self.entered = True
        self._file = users_line().rpartition(":")[0]
        self._ground.plan.clear()
        try:
            self._ground.begin_anew()
        except BaseException as error:
            self._failed(self, error, error.__traceback__)
            raise
        self._ask()
        self.calls = self._watch.enter_context(self._ground.plan.watching())
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
        for error in self._ground.swallowed():
            trace = error.__traceback__
            if trace is None or trace.tb_frame.f_code.co_filename != self._file:  # pytest.raises in the body is fine
                return error
        if self.target is None:
            try:
                self._ground.check()
            except UnusedFault as unused:
                return unused
        return None


_Failed = Callable[[SweepRun, BaseException, "TracebackType | None"], bool]


class Sweep:
    """The runs of a sweep, to iterate over; :attr:`report` says what came of them."""

    def __init__(self, ground: Ground, request: Request) -> None:
        self._ground = ground
        self._request = request
        self._broken: list[Broken] = []
        self._difference: str | None = None
        self._worlds = 0
        self._planned = 0
        self._skipped = 0
        self._is_over = False
        self._escaped: BaseException | None = None

    def __iter__(self) -> Iterator[SweepRun]:
        __tracebackhide__ = True
        self._refuse_what_was_before()
        marked = [fault for fault in self._ground.plan.all if fault.marked]
        if marked:
            yield from self._replay(marked)
            return
        first = self._run(None)
        yield from self._entered(first)
        if self._escaped is not None:
            raise self._failure(
                f"the body of the sweep fails without any fault, and what stands around 'with run:' has swallowed it:"
                f" {type(self._escaped).__name__}: {self._escaped}"
            )
        expected = _logical(filter(self._request.is_about, first.calls))
        targets = list(self._targets(expected))
        self._planned = len(targets) + 1
        for target in targets:
            run = self._run(target)
            yield from self._entered(run)
            self._compare(run, target, expected)
        self._is_over = True
        self._ground.plan.clear()
        self._judge(expected)

    @property
    def report(self) -> str:
        """How many worlds there were, which broke, at which call, with what, and how to replay each of them."""
        return report(self._worlds, self._skipped, self._broken, self._difference)

    def left(self) -> str:
        """What to tell where the sweep was not run to its end; empty if it was."""
        if self._is_over:
            return ""
        return f"a sweep was left after {self._worlds} of {self._planned or 'its'} worlds, so far:\n{self.report}"

    # --- inside ------------------------------------------------------------------------------------------

    def _refuse_what_was_before(self) -> None:
        __tracebackhide__ = True
        if self._ground.made:
            self._is_over = True
            raise FaultError(
                f"each world of a sweep begins empty, and before it there is already: {', '.join(self._ground.made)}."
                f" Make what the body needs inside of 'with run:'."
            )
        asked = [fault for fault in self._ground.plan.all if not (fault.marked or fault.by_hook)]
        if asked:
            self._is_over = True
            raise FaultError(
                f"each world of a sweep has a plan of its own, and before it there is already: {asked[0].asked}."
                f" Ask for it inside of 'with run:'."
            )

    def _replay(self, marked: list[Fault]) -> Iterator[SweepRun]:
        __tracebackhide__ = True

        def ask() -> None:
            for fault in marked:
                self._ground.plan.ask_again(fault)

        self._planned = 1
        yield from self._entered(SweepRun(self._ground, ask, None, self._passes_through))
        self._is_over = True
        self._ground.note("sweep: one world, with the faults of the test's markers")

    def _run(self, target: Target | None) -> SweepRun:
        if target is None:
            return SweepRun(self._ground, lambda: None, None, self._passes_through)
        return SweepRun(self._ground, lambda: self._ask(target), target, self._breaks)

    def _ask(self, target: Target) -> None:
        options = {
            "times": 1,
            "after": target.after,
            "match": None,
            "message": None,
            "optional": True,
            "per": target.per,
        }
        self._ground.plan.ask(target.operation, (target.error,), options, target.marker, "a sweep")

    def _entered(self, run: SweepRun) -> Iterator[SweepRun]:
        __tracebackhide__ = True
        self._worlds += 1
        yield run
        if not run.entered:
            self._is_over = True
            raise FaultError("a run of a sweep was not entered: write 'with run:' around the body")

    def _passes_through(self, run: SweepRun, error: BaseException, trace: TracebackType | None) -> bool:
        self._is_over = True
        self._escaped = error
        return False

    def _breaks(self, run: SweepRun, error: BaseException, trace: TracebackType | None) -> bool:
        if not _is_failure(error):
            self._is_over = True
            return False
        assert run.target is not None
        first = traceback.extract_tb(trace, 1)
        place = f"{first[0].filename}:{first[0].lineno}" if first else ""
        self._broken.append(Broken(self._worlds, run.target, type(error).__name__, str(error), place))
        return True

    def _targets(self, expected: list[IncomingCall]) -> Iterator[Target]:
        counts: dict[str, int] = {}
        for position, call in enumerate(expected):
            after = counts[call.operation] = counts.get(call.operation, -1) + 1
            for error in self._request.errors:
                if self._ground.catalogue.raises(call.operation, error):
                    yield Target(position, call.operation, after, error, self._request.per)
                else:
                    self._skipped += 1

    def _compare(self, run: SweepRun, target: Target, expected: list[IncomingCall]) -> None:
        if self._difference is not None:
            return
        seen = _logical(filter(self._request.is_about, run.calls))
        for position, call in enumerate(expected[: target.position + 1]):
            other = seen[position] if position < len(seen) else None
            if other is None or _comparable(call) != _comparable(other):
                self._difference = (
                    f"call {position + 1} was {call} in world 1, and {other or 'not made'} in world {self._worlds}"
                )
                return

    def _judge(self, expected: list[IncomingCall]) -> None:
        __tracebackhide__ = True
        if not expected:
            which = "Lambda" if self._request.operations is None else ", ".join(sorted(self._request.operations))
            raise self._failure(f"the body of the sweep made no call of {which}: there is nothing to strike")
        self._ground.note(self.report.partition("\n")[0])
        if self._broken or self._difference is not None:
            raise self._failure(self.report)

    def _failure(self, text: str) -> SweepFailed:
        failure = SweepFailed(text)
        self._ground.failed(failure)  # So that code which catches everything does not hide it.
        return failure


def _is_failure(error: BaseException) -> bool:
    """Whether a body broke, rather than was skipped or interrupted; pytest.fail raises no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "Failed"


def _logical(calls: Iterable[IncomingCall]) -> list[IncomingCall]:
    """The first attempt of each call."""
    first: dict[Any, IncomingCall] = {}
    for number, call in enumerate(calls):
        first.setdefault(call.logical_id or number, call)
    return list(first.values())


def _comparable(call: IncomingCall) -> Any:
    return call.operation, _plain(dict(call.params))


def _plain(value: Any) -> Any:
    """A value to compare between worlds; of what has no value of its own, such as an open file, the type."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    kind: Any = type(value)
    return kind.__name__ if kind.__eq__ is object.__eq__ else value
