"""Hypothesis as the engine of an exploration: it chooses combinations of troubles, and makes them smaller.

Hypothesis calls a function with each example, but an exploration is a loop over worlds in the test. So Hypothesis runs
in a thread of its own; the loop takes the next example from it, and gives back whether the world broke. Only one of the
two runs at a time. Seen with Hypothesis 6.100 and 6.170.
"""

from __future__ import annotations

import _thread
import queue
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from pytest_lambda_esm.explore.trouble import Trouble

_OVER: Final = object()


@dataclass(frozen=True)
class Space:
    """What can go wrong: how many things at each step of a world without troubles, and how many troubles at once.

    Worlds with troubles may have more steps, for repeated deliveries. ``interleavings`` is how many other orders there
    are to choose from.
    """

    choices: Sequence[int]
    at_most: int
    operations: tuple[str, ...] | None
    interleavings: int = 0

    def strategy(self) -> st.SearchStrategy[Trouble]:
        """Return the strategy that chooses troubles for a world."""
        steps = st.integers(0, len(self.choices) + len(self.choices) // 2 + 1)
        strike = st.tuples(steps, st.integers(0, max(self.choices, default=1) - 1))
        strikes = st.lists(strike, min_size=1, max_size=self.at_most, unique_by=lambda pair: pair[0])
        orders = st.integers(0, self.interleavings)
        return st.builds(lambda pairs, order: Trouble(tuple(sorted(pairs)), self.operations, order), strikes, orders)


class _Broke(Exception):
    """A world broke; tells Hypothesis to look for a smaller example of the same failure."""


class _Stopped(BaseException):
    """The exploration was left."""


class Engine:
    """Chooses the troubles of further worlds. ``count`` is how many worlds it tries before it finds a new failure."""

    def __init__(self, space: Space, count: int, random_seed: int) -> None:
        self._space = space
        self._count = count
        self._seed = random_seed
        self._examples: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def troubles(self) -> Generator[Trouble, bool, None]:
        """Yield the troubles of one world after the other; send back whether the world broke in a new way.

        Raises what Hypothesis itself raises, such as Flaky where a world breaks only sometimes.
        """
        # Not a Thread: the fake would take it for one of the test's, and wait for it.
        _thread.start_new_thread(self._run, ())
        try:
            while (example := self._examples.get()) is not _OVER:
                if isinstance(example, BaseException):
                    raise example
                self._answers.put((yield example))
        finally:
            self._answers.put(_Stopped())

    def _run(self) -> None:
        def world(trouble: Trouble) -> None:
            self._examples.put(trouble)
            answer = self._answers.get()
            if isinstance(answer, BaseException):
                raise answer
            if answer:
                raise _Broke

        options = settings(
            max_examples=self._count,
            database=None,
            deadline=None,
            verbosity=Verbosity.quiet,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        search: Any = seed(self._seed)(options(given(self._space.strategy())(world)))
        try:
            search()
        except _Broke:
            pass
        except BaseException as error:
            if not isinstance(error, _Stopped):
                self._examples.put(error)
                return
        self._examples.put(_OVER)
