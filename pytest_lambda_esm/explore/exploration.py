"""Runs a body of code in many worlds, in each of which something else goes wrong, and finds the few that break it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pytest_lambda_esm.errors import ExplorationFailed, FaultError, ends_the_run
from pytest_lambda_esm.explore.report import Outcome, report
from pytest_lambda_esm.explore.run import Failure, WorldRun
from pytest_lambda_esm.explore.trouble import Surroundings, Trouble
from pytest_lambda_esm.sweep.run import SweepContext
from pytest_lambda_esm.wording import counted

if TYPE_CHECKING:
    from pytest_lambda_esm.explore.engine import Engine, Kind, Space

_INTERLEAVINGS: Final = 4
"""How many other orders an exploration tries of what is due at the same instant."""

_SINGLE_SHARE: Final = 0.6
"""The share of the worlds with one trouble each. All single ones are tried first if there are no more of them."""

MOST_RUNS: Final = 50_000
"""The most worlds of an exploration, or of one part of it: a number that was mistyped is told at once."""

_SECONDS_OF_A_WORLD: Final = 0.02
"""What a world with a queue, a table and a short handler takes on a usual machine."""

_KNOWN: Final = 10
"""How many combinations a search chooses in addition, because some of them are known to break nothing."""

_IDLE_SEARCHES: Final = 10
"""After as many searches in a row that chose no combination but known ones, there are hardly any others."""


@dataclass(frozen=True)
class Part:
    """The part of an exploration that one test has, of those that a marker makes; ``number`` counts from 0."""

    number: int = 0
    parts: int = 1
    runs: int = 100
    at_most: int = 3
    operations: Sequence[str] | None = None


@dataclass(frozen=True)
class Plan:
    """What an exploration was asked for: worlds, troubles in each at most, the operations, and the seed.

    ``part`` is the number of this part, and how many there are.
    """

    runs: int
    at_most: int
    operations: tuple[str, ...] | None
    seed: int
    part: tuple[int, int] = (0, 1)

    def check(self) -> None:
        """Raise FaultError for numbers that make no exploration."""
        __tracebackhide__ = True
        for name in ("runs", "at_most"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise FaultError(f"explore: {name} is a whole number from 1, not {value!r}")
        if self.runs > MOST_RUNS:
            minutes = self.runs * _SECONDS_OF_A_WORLD // 60
            raise FaultError(
                f"explore: runs = {self.runs:,} is too many: at {_SECONDS_OF_A_WORLD * 1000:g} ms for each world, that"
                f" takes about {minutes:,.0f} minutes. {MOST_RUNS:,} are the most, in each part of a marker"
                f" lambda_esm_explore"
            )


class Exploration:
    """The runs of an exploration, to iterate over; :attr:`report` tells their results."""

    def __init__(self, context: SweepContext, surroundings: Callable[[str], Surroundings], plan: Plan) -> None:
        self._context = context
        self._surroundings = surroundings
        self._plan = plan
        self._outcome = Outcome()
        self._steps: list[tuple[str, int]] = []
        self._orders = 0
        self._ties = 0
        self._survived: set[Trouble] = set()
        self._at_least = 1  # Troubles in a combination: if all single ones were tried, they are not tried again.
        self._broke: tuple[str, str] | None = None
        self._is_over = False

    def __iter__(self) -> Iterator[WorldRun]:
        __tracebackhide__ = True
        self._check_that_nothing_exists()
        if any(fault.marked for fault in self._context.plan.all):
            yield from self._replay()
            return
        self._check_that_combinations_can_be_chosen()
        first = WorldRun(self._context, self._surroundings, Trouble((), self._plan.operations), self._let_through)
        yield from self._yield_run(first)
        assert first.strikes is not None
        self._steps = list(first.strikes.met)
        if not self._steps:
            raise self._failure(self._nothing_met())
        yield from self._explore()
        self._end()
        self._context.note(self.report.partition("\n")[0])
        if self._outcome.smallest or self._outcome.difference is not None:
            raise self._failure(self.report)

    @property
    def report(self) -> str:
        """The number of worlds, the smallest troubles for each failure with how to replay them, and what was met."""
        return report(self._outcome)

    def left(self) -> str:
        """Return the report of an exploration that was not completed; empty if it was."""
        if self._is_over:
            return ""
        return f"an exploration was left after {counted(self._outcome.worlds, 'world')}, so far:\n{self.report}"

    # --- inside ------------------------------------------------------------------------------------------

    def _explore(self) -> Iterator[WorldRun]:
        __tracebackhide__ = True
        yield from self._interleavings()
        for trouble in self._singles():
            yield from self._world(trouble)
        searches = idle = 0
        while self._plan.at_most > 1 and (left := self._plan.runs - self._outcome.worlds) > 0 and idle < _IDLE_SEARCHES:
            worlds = self._outcome.worlds
            yield from self._search(left, self._plan.seed + searches)
            if self._outcome.difference is not None:
                return
            searches += 1
            idle = idle + 1 if self._outcome.worlds == worlds else 0

    def _search(self, count: int, seed: int) -> Iterator[WorldRun]:
        """Look for combinations that break the body in a new way, and make the first one smaller."""
        __tracebackhide__ = True
        from pytest_lambda_esm.explore.engine import Engine  # Imports Hypothesis.

        known = set(self._outcome.smallest)
        engine = Engine(self._space(), count + _KNOWN, seed)
        for trouble in engine.chosen():
            if trouble in self._survived:
                continue
            yield from self._world(trouble)
            if self._broke is not None and self._broke not in known:
                yield from self._make_smaller(engine, trouble, known)
                return
            if self._outcome.worlds >= self._plan.runs:
                return

    def _make_smaller(self, engine: Engine, broken: Trouble, known: Collection[Kind]) -> Iterator[WorldRun]:
        """Search again up to the world that broke and on, and make each new failure smaller."""
        __tracebackhide__ = True
        from pytest_lambda_esm.explore.engine import Unreliable

        search = engine.troubles()
        try:
            trouble = next(search)
            while True:
                if trouble not in self._survived:
                    yield from self._world(trouble)
                if trouble == broken and self._broke is None:
                    self._note_unlike_earlier()
                    return
                is_new = trouble not in self._survived and self._broke not in known
                trouble = search.send(self._broke if is_new else None)
        except StopIteration:
            return
        except Unreliable:
            self._note_unlike_earlier()
        finally:
            search.close()

    def _note_unlike_earlier(self) -> None:
        again = f"world {self._outcome.worlds} had the troubles of an earlier one, and did not break as that one did"
        self._outcome.difference = self._outcome.difference or again

    def _interleavings(self) -> Iterator[WorldRun]:
        """Run worlds in which only the order at the same instant differs, unless there is nothing to order."""
        __tracebackhide__ = True
        for number in range(1, _INTERLEAVINGS + 1):
            if self._outcome.worlds >= self._plan.runs:
                return
            yield from self._world(Trouble((), self._plan.operations, number))
            if not self._ties:
                return
            self._orders = _INTERLEAVINGS

    def _singles(self) -> list[Trouble]:
        """Return worlds with one trouble each: all that there are, or some of them, drawn from the seed."""
        number, parts = self._plan.part
        pairs = [(step, choice) for step, (_, count) in enumerate(self._steps) for choice in range(count)]
        pairs = pairs[number::parts]
        room = self._plan.runs - self._outcome.worlds
        most = room if self._plan.at_most == 1 else int(room * _SINGLE_SHARE)
        self._at_least = 2 if len(pairs) <= most else 1
        if len(pairs) > most:
            pairs = sorted(random.Random(f"exploration {self._plan.seed}").sample(pairs, most))
        return [Trouble((pair,), self._plan.operations) for pair in pairs]

    def _space(self) -> Space:
        from pytest_lambda_esm.explore.engine import Space

        return Space(self._steps, self._plan.at_most, self._plan.operations, self._orders, self._at_least)

    def _world(self, trouble: Trouble) -> Iterator[WorldRun]:
        __tracebackhide__ = True
        self._broke = None
        broken = self._outcome.broken
        run = WorldRun(self._context, self._surroundings, trouble, self._break_world)
        yield from self._yield_run(run)
        outcome = self._outcome
        assert run.strikes is not None
        outcome.met.update(name for name, _ in run.strikes.met)
        outcome.struck.update(each.operation for each in run.strikes.struck)
        self._ties = run.strikes.turns.ties if run.strikes.turns is not None else 0
        self._compare(run)
        if outcome.broken == broken:
            self._survived.add(trouble)
            outcome.survived += run.struck
            outcome.untouched += not run.struck

    def _compare(self, run: WorldRun) -> None:
        """Note where a world did something else than the first one before anything struck it."""
        assert run.strikes is not None
        assert run.trouble is not None
        if run.trouble.interleaving or self._outcome.difference is not None:
            return
        if self._broke is not None and not run.struck:
            self._outcome.difference = (
                f"nothing went wrong in world {self._outcome.worlds}, yet it broke; world 1 did not"
            )
            return
        until = run.trouble.first_of([operation for operation, _ in self._steps]) + 1
        expected, met = self._steps[:until], run.strikes.met[:until]
        if expected == met:
            return
        step = next((i for i, one in enumerate(expected) if met[i : i + 1] != [one]), len(expected))
        was, now = (steps[step][0] if step < len(steps) else "none" for steps in (expected, met))
        self._outcome.difference = f"step {step + 1} was {was} in world 1, and {now} in world {self._outcome.worlds}"

    def _break_world(self, run: WorldRun, failure: Failure) -> bool:
        if not is_failure(failure.error):
            self._end()
            return False
        assert run.strikes is not None
        assert run.trouble is not None
        self._outcome.add_failure(run.strikes.struck, failure, run.trouble.interleaving)
        self._broke = failure.kind
        return True

    def _let_through(self, run: WorldRun, failure: Failure) -> bool:
        self._end()
        return False

    def _replay(self) -> Iterator[WorldRun]:
        __tracebackhide__ = True
        yield from self._yield_run(WorldRun(self._context, self._surroundings, None, self._let_through, marked=True))
        self._end()
        self._context.note("exploration: one world, with the faults of the test's markers")

    def _yield_run(self, run: WorldRun) -> Iterator[WorldRun]:
        __tracebackhide__ = True
        self._outcome.worlds += 1
        yield run
        if not run.entered:
            self._is_over = True
            raise FaultError("a run of an exploration was not entered: write 'with run:' around the body")

    def _check_that_nothing_exists(self) -> None:
        __tracebackhide__ = True
        existing = self._context.made()
        if existing:
            self._is_over = True
            raise FaultError(
                f"each world of an exploration starts empty, but these already exist: {', '.join(existing)}."
                f" Make what the body needs inside 'with run:'."
            )

    def _check_that_combinations_can_be_chosen(self) -> None:
        __tracebackhide__ = True
        if self._plan.at_most > 1 and find_spec("hypothesis") is None:
            self._is_over = True
            raise FaultError(
                "explore needs Hypothesis to combine troubles; install it with: pip install"
                " 'pytest-lambda-esm[hypothesis]', or ask for worlds with one trouble each: explore(at_most=1)"
            )

    def _end(self) -> None:
        self._is_over = True
        self._context.plan._note_end_of_sweep()
        self._context.leave()

    def _nothing_met(self) -> str:
        named = ", ".join(self._plan.operations or ())
        which = f"of {named}" if named else "that may go wrong"
        return (
            f"the body of the exploration met no step {which}, so there is nothing to strike: no poller read anything,"
            f" no handler ran, and no code outside of the test's folder called AWS"
        )

    def _failure(self, text: str) -> ExplorationFailed:
        self._is_over = True
        failure = ExplorationFailed(text)
        self._context.on_error(failure)  # So that a catch-all in the test does not hide it.
        return failure


def is_failure(error: BaseException) -> bool:
    """Return whether a body failed, rather than being skipped or interrupted; pytest.fail raises no Exception."""
    is_error = isinstance(error, (Exception, SystemExit)) and not ends_the_run(error)
    return is_error or type(error).__name__ == "Failed"
