"""Hypothesis as the engine of an exploration: it chooses combinations of troubles, and makes them smaller.

Which examples Hypothesis chooses does not depend on the worlds until one of them breaks. So it first chooses all of
them in one go, which costs least. Once a world has broken, the search is made again, to make the failure smaller.

Hypothesis calls a function with each example, but an exploration is a loop over worlds in the test. So Hypothesis then
runs in a thread of its own; the loop takes the next example from it, and gives back whether the world broke. Only one
of the two runs at a time. A new thread is not cheap: in each, Hypothesis collects the garbage of the whole process.
Seen with Hypothesis 6.100 and 6.170.
"""

from __future__ import annotations

import _thread
import queue
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from hypothesis import HealthCheck, Phase, Verbosity, currently_in_test_context, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from pytest_lambda_esm.explore.trouble import Place, Trouble

Kind = tuple[str, str]
"""What makes two failures the same one."""

Unreliable = Flaky
"""What Hypothesis raises where an example that broke a world does not break it again."""

_OVER: Final = object()
_FAR: Final = 3**80
"""Where the numbers that Hypothesis draws begin. It prefers numbers that are constants of the modules that happen to be
loaded, so small ones would make an exploration depend on what else a test run imports."""

_USUAL_ORDERS: Final = 3
"""One combination in as many has another order than the usual one, if there is something to order."""


@dataclass(frozen=True)
class Space:
    """What can go wrong: the steps of a world without troubles, each with the number of things that can go wrong there.

    ``at_most`` is how many troubles there are at once, and ``at_least`` how many if the order is the usual one. Worlds
    with troubles may have more steps, for repeated deliveries. ``interleavings`` is how many other orders there are to
    choose from.
    """

    steps: Sequence[tuple[str, int]]
    at_most: int
    operations: tuple[str, ...] | None
    interleavings: int = 0
    at_least: int = 1

    def strategy(self) -> st.SearchStrategy[Trouble]:
        """Return the strategy that chooses troubles for a world."""
        strike = _strike(self._kinds())
        strikes = {
            fewest: st.lists(strike, min_size=fewest, max_size=self.at_most, unique_by=lambda pair: pair[0])
            for fewest in (1, self.at_least)
        }
        return _trouble(self, strikes)

    def _kinds(self) -> list[tuple[str, int, int]]:
        """Return each operation, how often it is met, and how many things can go wrong there."""
        times, choices = Counter(operation for operation, _ in self.steps), dict[str, int]()
        for operation, count in self.steps:
            choices[operation] = max(count, choices.get(operation, 0))
        return [(operation, number, choices[operation]) for operation, number in times.items()]


@st.composite
def _trouble(
    draw: st.DrawFn, space: Space, strikes: Mapping[int, st.SearchStrategy[list[tuple[Place, int]]]]
) -> Trouble:
    order = draw(_up_to(_USUAL_ORDERS * space.interleavings))
    order = order if order <= space.interleavings else 0
    drawn = draw(strikes[1 if order else space.at_least])
    return Trouble(tuple(sorted(drawn)), space.operations, order)


@st.composite
def _strike(draw: st.DrawFn, kinds: Sequence[tuple[str, int, int]]) -> tuple[Place, int]:
    operation, times, choices = kinds[draw(_up_to(len(kinds) - 1))]
    last = times - 1 + max(1, times // 2)
    return (operation, draw(_up_to(last))), draw(_up_to(choices - 1))


@cache  # To make a strategy takes longer than to draw from it.
def _up_to(last: int) -> st.SearchStrategy[int]:
    """Return a strategy for 0 to ``last``; it prefers small numbers when it makes an example smaller."""
    return st.integers(_FAR, _FAR + last).map(lambda number: number - _FAR)


class _Broke(Exception):
    """A world broke; tells Hypothesis to look for a smaller example. Each kind of failure has a class of its own."""


class _Stopped(BaseException):
    """The exploration was left."""


class Engine:
    """Chooses the troubles of further worlds. ``count`` is how many worlds it tries to find new kinds of failures."""

    def __init__(self, space: Space, count: int, random_seed: int) -> None:
        self._strategy = space.strategy()
        self._count = count
        self._seed = random_seed
        self._examples: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._kinds: dict[Kind, type[_Broke]] = {}

    def chosen(self) -> list[Trouble]:
        """Return what :meth:`troubles` yields as long as no world breaks: each trouble once."""
        if currently_in_test_context():  # Hypothesis refuses a search inside of another one in the same thread.
            return list(dict.fromkeys(self.troubles()))
        found: dict[Trouble, None] = {}
        self._search(found.setdefault)
        return list(found)

    def troubles(self) -> Generator[Trouble, Kind | None, None]:
        """Yield the troubles of one world after the other; send back in which new way the world broke, or None.

        Raises what Hypothesis raises, such as Unreliable. When it ends or is closed, the thread has ended.
        """
        # Not a Thread: the fake would take it for one of the test's, and wait for it.
        _thread.start_new_thread(self._run, ())
        example = self._examples.get()
        try:
            while isinstance(example, Trouble):
                answer = yield example
                example = self._ask(answer)
        finally:
            while isinstance(example, Trouble):
                example = self._ask(_Stopped())
        if example is not _OVER:
            raise example

    def _ask(self, answer: Kind | _Stopped | None) -> Any:
        """Return what follows an answer: the next example, an error, or the end."""
        self._answers.put(answer)
        return self._examples.get()

    def _run(self) -> None:
        """Search, in the thread."""
        end: object = _OVER
        try:
            self._search(self._world)
        except (_Broke, _Stopped):
            pass
        except BaseException as error:
            if not _is_found(error):
                end = error
        self._examples.put(end)

    def _search(self, body: Callable[[Trouble], object]) -> None:
        """Call a body with each trouble. Raises what Hypothesis raises."""
        options = settings(
            max_examples=self._count,
            database=None,
            deadline=None,
            verbosity=Verbosity.quiet,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=True,
            suppress_health_check=list(HealthCheck),
        )

        @seed(self._seed)
        @options
        @given(self._strategy)
        def search(trouble: Trouble) -> None:
            body(trouble)

        search()

    def _world(self, trouble: Trouble) -> None:
        """Give an example to the test, and fail as its world did."""
        self._examples.put(trouble)
        answer = self._answers.get()
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            raise self._kinds.setdefault(answer, type("_Broke", (_Broke,), {}))


def _is_found(error: BaseException) -> bool:
    """Return whether an error is the group that Hypothesis raises for several kinds of failures."""
    found = getattr(error, "exceptions", ())
    return not isinstance(error, Unreliable) and bool(found) and all(isinstance(each, _Broke) for each in found)
