"""Runs a body of code once for each of its calls and each error: every failure in turn, each in a fresh world."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from types import TracebackType

from pytest_lambda_esm.errors import FaultError, SweepFailed, ends_the_run
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import ErrorGiven
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.spec import FaultSpec
from pytest_lambda_esm.sweep.report import Broken, SweepOutcome, Target, report
from pytest_lambda_esm.sweep.request import (
    DEFAULT_ERRORS,
    MOST_WORLDS,
    SweepRequest,
    first_difference,
    is_step,
    logical_calls,
    next_cut,
)
from pytest_lambda_esm.sweep.run import SweepContext, SweepRun
from pytest_lambda_esm.wording import counted


class Sweep:
    """The runs of a sweep, to iterate over; :attr:`report` tells their results."""

    def __init__(self, context: SweepContext, request: SweepRequest) -> None:
        self._context = context
        self._request = request
        self._outcome = SweepOutcome()
        self._planned = 0
        self._is_over = False
        self._escaped: BaseException | None = None
        self._cuts = 0

    def __iter__(self) -> Iterator[SweepRun]:
        __tracebackhide__ = True
        self._check_that_nothing_exists()
        marked = [fault for fault in self._context.plan.all if fault.marked]
        if marked:
            yield from self._replay(marked)
            return
        first = SweepRun(self._context, lambda: (), (), self._let_through)
        yield from self._yield_run(first)
        if self._escaped is not None:
            raise self._failure(
                f"the body of the sweep fails without any fault, and code around 'with run:' has swallowed the error:"
                f" {type(self._escaped).__name__}: {self._escaped}"
            )
        calls = list(filter(self._request.includes, first.calls))
        expected = [call for call, _ in logical_calls(calls)]
        targets = list(self._targets(calls))
        pairs = self._pairs(targets)
        self._planned = len(targets) + len(pairs) + 1
        for target in targets:
            yield from self._strike([target], expected)
            yield from self._later_cuts(target, expected)
        for pair in pairs:
            yield from self._strike(pair, expected)
        self._end()
        self._context.plan.clear()
        self._judge(expected, targets)

    @property
    def report(self) -> str:
        """The number of worlds, and for each that broke its call, its error and how to replay it."""
        return report(self._outcome)

    @property
    def planned(self) -> int:
        """How many worlds there will be; 0 before the first one has ended. Power cuts that strike add some."""
        return self._planned

    def left(self) -> str:
        """Return the report of a sweep that was not completed; empty if it was."""
        if self._is_over:
            return ""
        planned = counted(self._planned, "world") if self._planned else "its worlds"
        worlds = f"{self._outcome.worlds} of {planned}"
        return f"a sweep was left after {worlds}, so far:\n{self.report}"

    # --- inside ------------------------------------------------------------------------------------------

    def _check_that_nothing_exists(self) -> None:
        __tracebackhide__ = True
        existing, faults = self._context.made(), self._context.plan._asked_by_test
        if existing:
            self._is_over = True
            raise FaultError(
                f"each world of a sweep starts empty, but these already exist: {', '.join(existing)}."
                f" Make what the body needs inside 'with run:'."
            )
        if faults:
            self._is_over = True
            raise FaultError(
                f"each world of a sweep has its own faults, but this one was added before it: {faults[0].asked}."
                f" Add it inside 'with run:'."
            )

    def _replay(self, marked: list[Fault]) -> Iterator[SweepRun]:
        __tracebackhide__ = True

        def add_faults() -> Sequence[Fault]:
            for fault in marked:
                self._context.plan._ask_again(fault)
            return ()

        self._planned = 1
        yield from self._yield_run(SweepRun(self._context, add_faults, (), self._let_through))
        self._end()
        self._context.note("sweep: one world, with the faults of the test's markers")

    def _strike(self, targets: Sequence[Target], expected: list[IncomingCall]) -> Iterator[SweepRun]:
        """Run the world of one target, or of two."""
        __tracebackhide__ = True

        def add_faults() -> Sequence[Fault]:
            return [self._add_fault(target) for target in targets]

        self._cuts = 0
        run = SweepRun(self._context, add_faults, targets, self._break_world)
        yield from self._yield_run(run)
        self._cuts = self._context.cuts()
        self._record(run, targets[0], expected)

    def _later_cuts(self, target: Target, expected: list[IncomingCall]) -> Iterator[SweepRun]:
        """Run the worlds of later power cuts, as long as they strike: a handler may make any number of writes."""
        __tracebackhide__ = True
        while self._cuts and (error := next_cut(target.error)) is not None:
            target = replace(target, error=error)
            self._planned += 1
            yield from self._strike([target], expected)

    def _pairs(self, targets: Sequence[Target]) -> list[list[Target]]:
        """Return the pairs of targets at two different calls. Raises FaultError if there are too many."""
        __tracebackhide__ = True
        if self._request.at_once < 2:
            return []
        pairs = [(a, b) for a, b in combinations(targets, 2) if a.position != b.position]
        if len(pairs) + len(targets) >= MOST_WORLDS:
            self._end()
            raise FaultError(
                f"this sweep of pairs would have {counted(len(pairs) + len(targets) + 1, 'world')}, and"
                f" {MOST_WORLDS} are the most. Name fewer operations or errors, or let explore() choose pairs"
            )
        return [[a, b] for a, b in pairs]

    def _add_fault(self, target: Target) -> Fault:
        return self._context.plan._ask(
            FaultSpec(
                operation=target.operation,
                errors=(target.error,),
                asked=target.marker,
                place="a sweep",
                after=target.after,
                optional=True,
                per=target.per,
            )
        )

    def _yield_run(self, run: SweepRun) -> Iterator[SweepRun]:
        __tracebackhide__ = True
        self._outcome.worlds += 1
        yield run
        if not run.entered:
            self._is_over = True
            raise FaultError("a run of a sweep was not entered: write 'with run:' around the body")

    def _end(self) -> None:
        self._is_over = True
        self._context.plan._note_end_of_sweep()
        self._context.leave()

    def _let_through(self, run: SweepRun, error: BaseException, trace: TracebackType | None) -> bool:
        self._end()
        self._escaped = error
        return False

    def _break_world(self, run: SweepRun, error: BaseException, trace: TracebackType | None) -> bool:
        if not _is_failure(error):
            self._end()
            return False
        first = traceback.extract_tb(trace, 1)
        place = f"{first[0].filename}:{first[0].lineno}" if first else ""
        self._outcome.broken.append(
            Broken(self._outcome.worlds, run.targets, type(error).__name__, str(error), place),
        )
        return True

    def _targets(self, calls: Sequence[IncomingCall]) -> Iterator[Target]:
        raised: list[ErrorGiven] = []
        for position, (call, before) in enumerate(logical_calls(calls)):
            for error in self._request.errors_at(call.operation):
                if not self._context.catalogue.raises(call.operation, error):
                    self._outcome.skipped += 1
                    continue
                raised.append(error)
                per = self._request.per_of(call.operation, error)
                yield Target(position, call.operation, before["call"] + 1, before[per], error, per)
        if raised or not self._request.deliveries:
            self._outcome.at_no_call = [error for error in self._given() if error not in raised]

    def _given(self) -> Sequence[ErrorGiven]:
        """Return the errors that the test has named, or all of the usual ones where these apply."""
        named = self._request.operations
        if self._request.errors is DEFAULT_ERRORS and named is not None and all(map(is_step, named)):
            return ()
        return self._request.errors if not self._request.deliveries else ()

    def _record(self, run: SweepRun, target: Target, expected: list[IncomingCall]) -> None:
        """Record whether a world made the calls of the first one, up to its target, and whether its body survived."""
        outcome = self._outcome
        if outcome.difference is None:
            calls = filter(self._request.includes, run.calls)
            outcome.difference = first_difference(expected[: target.position + 1], calls, outcome.worlds)
        is_broken = bool(outcome.broken) and outcome.broken[-1].world == outcome.worlds
        if run.faults and all(fault.hits for fault in run.faults) and not is_broken:
            outcome.survived += 1

    def _judge(self, expected: list[IncomingCall], targets: list[Target]) -> None:
        __tracebackhide__ = True
        if not expected:
            which = "Lambda" if self._request.operations is None else ", ".join(sorted(self._request.operations))
            raise self._failure(f"the body of the sweep made no call of {which}, so there is nothing to strike")
        if not targets:
            errors = ", ".join(str(error) for error in self._request.errors)
            operations = ", ".join(sorted({call.operation for call in expected}))
            raise self._failure(
                f"the sweep has tested nothing: no call that the body made can raise {errors}. It called {operations}."
                f" Name an error that one of them can raise, or leave errors out for the usual ones."
            )
        self._context.note(self.report.partition("\n")[0])
        if self._outcome.broken or self._outcome.difference is not None:
            raise self._failure(self.report)

    def _failure(self, text: str) -> SweepFailed:
        failure = SweepFailed(text)
        self._context.on_error(failure)  # So that a catch-all in the test does not hide it.
        return failure


def _is_failure(error: BaseException) -> bool:
    """Return whether a body failed, rather than being skipped or interrupted; pytest.fail raises no Exception."""
    is_error = isinstance(error, (Exception, SystemExit)) and not ends_the_run(error)
    return is_error or type(error).__name__ == "Failed"
