"""Explorations of a fake: the part of ``FakeLambda`` that runs bodies in many worlds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.config import Config
from pytest_lambda_esm.faults.effects import ErrorGiven
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.sweep.request import DEFAULT_ERRORS, Asked, read_request
from pytest_lambda_esm.vocabulary import Per

if TYPE_CHECKING:
    from pytest_lambda_esm.explore.exploration import Exploration, Part
    from pytest_lambda_esm.explore.remains import Compare, State
    from pytest_lambda_esm.explore.run import WorldRun
    from pytest_lambda_esm.explore.trouble import Surroundings, Trouble
    from pytest_lambda_esm.explore.worlds import NotEntered
    from pytest_lambda_esm.sweep.run import SweepContext
    from pytest_lambda_esm.sweep.sweep import Sweep


class Exploring(ABC):
    """The base of ``FakeLambda`` with explorations. ``_active`` is the world of an open fake."""

    config: Config
    _part: Part | None = None
    sweeps: list[Sweep | Exploration]

    @property
    @abstractmethod
    def _active(self) -> World: ...

    @property
    @abstractmethod
    def _world(self) -> World: ...

    @abstractmethod
    def _sweep_context(self) -> SweepContext:
        """Return what sweeps and explorations need of the fake."""

    def sweep(
        self,
        errors: Sequence[ErrorGiven] = DEFAULT_ERRORS,
        operations: Sequence[str] | None = None,
        *,
        per: Per | None = None,
        deliveries: bool = False,
        at_once: int = 1,
    ) -> Sweep:
        """Run a body once without faults, and then once for each of its calls and each error, with only that fault.

        ``for run in fake.sweep(): with run: ...``. Each run starts in a fresh world with the same seed: create queues
        and functions inside the block. ``operations`` are those that should fail (None: all of Lambda's), such as
        ``"sqs.SendMessage"``, ``"sqs.*"`` or ``"poller.*"``; errors that an operation cannot raise are skipped.
        ``deliveries=True`` adds what may happen to each delivery: it is made twice, its delete or its checkpoint is
        lost, it is throttled, its handler times out after its work, or ends after each of its writes in turn.
        ``at_once=2`` adds all pairs. ``per="call"`` strikes all of botocore's attempts at a call,
        ``per="attempt"`` one of them. By default a lost or late response strikes one attempt, so that the next attempt
        meets its effect, and other errors strike all. A test with markers ``lambda_esm_fault`` gets one run, with
        these faults.

        At the end, SweepFailed reports the runs that failed, each with the marker that replays it. It also reports a
        sweep in which no call could raise any of the errors. Raises FaultError for unknown errors and operations, and
        where something was created before the sweep.
        """
        __tracebackhide__ = True
        from pytest_lambda_esm.sweep.sweep import Sweep

        context = self._sweep_context()
        sweep = Sweep(context, read_request(context.catalogue, errors, operations, Asked(per, deliveries, at_once)))
        self.sweeps.append(sweep)
        return sweep

    def explore(self, runs: int = 100, at_most: int = 3, *, operations: Sequence[str] | None = None) -> Exploration:
        """Run a body in many worlds, in each of which something else goes wrong, and report the few that break it.

        ``for run in fake.explore(): with run: ...``. The first world has no trouble. Then come worlds with one trouble
        each, and combinations of at most ``at_most`` that Hypothesis chooses, ``runs`` worlds in all; a combination
        that breaks the body is made smaller, in further worlds. What goes wrong: reads, invocations, deletions and
        checkpoints of pollers, attempts at asynchronous events, and calls, which are throttled, meet an internal error
        or lose their answer. Calls that files of the tests' own folder make outside of handlers are left alone, unless
        ``operations`` names them; it restricts the steps, as in ``("poller.Read", "dynamodb.*")``.

        Where pollers and asynchronous events are due at the same instant, worlds also differ in whose turn it is, as
        the setting ``interleaving`` chooses. The seed of the fake chooses, so that each run of the test is the same. A
        test with markers ``lambda_esm_fault`` gets one world, with these faults.

        At the end, ExplorationFailed reports what broke, with the markers that replay it. Raises FaultError for unknown
        operations, numbers below 1, and where something exists before it.
        """
        __tracebackhide__ = True
        from pytest_lambda_esm.explore.exploration import Exploration, Part, Plan
        from pytest_lambda_esm.explore.steps import Operations

        part = self._part or Part(runs=runs, at_most=at_most, operations=operations)
        Operations(part.operations, self._active.persistent.catalogue)
        names = tuple(part.operations) if part.operations is not None else None
        share = -(-part.runs // part.parts) if self._part else runs
        seed = self.config.seed + part.number
        plan = Plan(share, part.at_most, names, seed, (part.number, part.parts))
        plan.check()
        exploration = Exploration(self._sweep_context(), self._surroundings, plan)
        self.sweeps.append(exploration)
        return exploration

    def world(self, trouble: Trouble | None = None) -> WorldRun:
        """Return a fresh world with the same fake: ``with fake.world(trouble): ...``.

        ``trouble`` is drawn by the strategy :func:`pytest_lambda_esm.strategies.troubles`, so that a function-scoped
        fixture and ``@given`` work together: each example has a world of its own. A test with markers
        ``lambda_esm_fault`` has these faults in each world instead. Raises FaultError for anything else, and where
        something exists that was not made in an earlier world.
        """
        __tracebackhide__ = True
        from pytest_lambda_esm.explore.worlds import open_world

        return open_world(self._sweep_context(), self._surroundings, trouble, self._not_entered)

    @cached_property
    def _not_entered(self) -> NotEntered:
        from pytest_lambda_esm.explore.worlds import NotEntered

        return NotEntered()

    def _unfinished(self) -> list[str]:
        """Return reports on sweeps and explorations that were left, and on worlds that were never entered."""
        reports = [sweep.left() for sweep in self.sweeps]
        if "_not_entered" in vars(self):
            reports.append(self._not_entered.left())
        return reports

    def check_idempotent(self, body: Callable[[], Any], *, compare: Compare | None = None) -> None:
        """Run a body in a fresh world, and again with deliveries repeated, and compare what remains.

        First as it is, then in one world for each batch that a poller reads and each asynchronous event, in which that
        one is delivered twice, and at last with all of them. Items of tables, objects, messages and records are
        compared, and how often other services were called to write something. Ids and times may differ;
        ``compare(state, repeated)`` may decide instead: it returns what differs as text, or None.

        ``body()`` makes what it needs, and ends with ``fake.clock.run_until_idle()``. Raises NotIdempotent with the
        first difference and the markers that replay it, and FaultError where something exists before.
        """
        __tracebackhide__ = True
        from pytest_lambda_esm.explore.idempotence import IdempotenceCheck

        _ = self._active
        IdempotenceCheck(self._sweep_context(), body, self._remaining).run(compare)

    def _remaining(self) -> State:
        from pytest_lambda_esm.explore.remains import Period, remaining

        world = self._world
        period = Period(self.config.start.timestamp(), world.clock.now.timestamp())
        return remaining(world.calls._all_recorded, world.embedded_contents(), period)

    def _surroundings(self, folder: str) -> Surroundings:
        from pytest_lambda_esm.explore.trouble import Surroundings

        world = self._active
        in_handler = lambda: self._world.runtime.local_time is not None  # noqa: E731
        return Surroundings(world.persistent.catalogue, in_handler, folder, world.clock)
