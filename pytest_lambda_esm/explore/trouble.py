"""Troubles of one world: at which steps something goes wrong, and what. As a value, and at work in a world."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_lambda_esm.clock.turns import turns_of
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.explore.steps import Choice, Operations, choices
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.effects import ErrorGiven
from pytest_lambda_esm.faults.poller_steps import STEPS
from pytest_lambda_esm.faults.spec import marker_of

_OF_CLIENTS: Final = frozenset(
    {"pytest_lambda_esm", "boto3", "botocore", "aiobotocore", "aioboto3", "s3transfer", "moto", "responses"}
)
"""The packages between a call and the code that makes it."""


Place = int | tuple[str, int]
"""A step of a world: its number among all steps, or its operation and its number among the steps of that one, from 0.

If another trouble is left out, the second form more often means the same step as before.
"""


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in a world: pairs of a step and of a number for what happens there.

    Steps are counted as the world meets them. The number chooses from what can go wrong at the step that is met, modulo
    the number of possibilities. ``operations`` restricts the steps that count. ``interleaving`` is the
    setting of that name.
    """

    strikes: tuple[tuple[Place, int], ...] = ()
    operations: tuple[str, ...] | None = None
    interleaving: int = 0
    struck: list[Struck] = field(default_factory=list, compare=False, repr=False)
    """What it has struck in the world that it was used in last."""

    def __repr__(self) -> str:
        if self.struck:
            return f"<Trouble {', '.join(map(str, self.struck))}>"
        steps = [f"at {_shown(place)}" for place, _ in self.strikes]
        steps += [f"interleaving {self.interleaving}"] if self.interleaving else []
        return f"<Trouble {', '.join(steps)}>" if steps else "<no Trouble>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis and IPython would print every field."""
        printer.text(repr(self))

    @property
    def markers(self) -> Sequence[str]:
        """The markers that add the same faults to a test, in the order in which they struck."""
        return [*order_markers(self.interleaving), *(each.marker for each in self.struck)]

    def first_of(self, steps: Sequence[str]) -> int:
        """Return the number of the first step that is struck if the world meets these, or how many they are."""
        numbered = (place if isinstance(place, int) else _number_of(place, steps) for place, _ in self.strikes)
        return min(numbered, default=len(steps))


def _shown(place: Place) -> str:
    return f"step {place + 1}" if isinstance(place, int) else f"{place[0]} {place[1] + 1}"


def _number_of(place: tuple[str, int], steps: Sequence[str]) -> int:
    numbers = [number for number, operation in enumerate(steps) if operation == place[0]]
    return numbers[place[1]] if place[1] < len(numbers) else len(steps)


def order_markers(interleaving: int) -> list[str]:
    """Return the marker that chooses an interleaving; none for the usual one."""
    return [f"@pytest.mark.lambda_esm(interleaving={interleaving})"] if interleaving else []


@dataclass(frozen=True)
class Struck:
    """A trouble that has struck. ``after`` calls or attempts of the operation, as ``per`` says, came before."""

    operation: str
    error: ErrorGiven
    after: int
    per: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.error}"

    @property
    def marker(self) -> str:
        """The marker that adds the same fault to a test."""
        return marker_of(self.operation, self.error, self.after, self.per)


@dataclass(frozen=True)
class Surroundings:
    """What troubles need to know: which operations exist, whether a handler runs, and the folder of the tests.

    Calls that files of that folder make outside of handlers are the tests' own, and are not struck.
    """

    catalogue: FaultCatalogue
    in_handler: Callable[[], bool]
    folder: str
    clock: EventClock


class Strikes:
    """The troubles of one world at work: counts its steps, and strikes some of them."""

    def __init__(self, trouble: Trouble, surroundings: Surroundings) -> None:
        self._where = surroundings
        self._operations = Operations(trouble.operations, surroundings.catalogue)
        self._planned = dict(reversed(trouble.strikes))
        self._usual_turns = surroundings.clock.turns
        self.turns = surroundings.clock.turns = turns_of(trouble.interleaving) or self._usual_turns
        self._times: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._ids: dict[str, set[str]] = {}
        self._again: dict[str, ErrorGiven] = {}
        self.struck = trouble.struck
        self.struck.clear()
        self.met: list[tuple[str, int]] = []
        """Each step so far: its operation, and how many things can go wrong there."""

    def end(self) -> None:
        """Give what comes after the world its usual order."""
        self._where.clock.turns = self._usual_turns

    def choose(self, call: IncomingCall, cannot: frozenset[str]) -> ErrorGiven | None:
        """Return what goes wrong at a step, or None."""
        try:
            return self._strike(call, cannot)
        finally:
            self._count(call)

    def _strike(self, call: IncomingCall, cannot: frozenset[str]) -> ErrorGiven | None:
        if call.logical_id in self._again:
            return self._again[call.logical_id]
        chosen = self._choose(call, cannot) if self._counts(call) else None
        if chosen is None:
            return None
        self.struck.append(Struck(call.operation, chosen.error, self._before(call, chosen.per), chosen.per))
        if chosen.per == "call" and call.logical_id:
            self._again[call.logical_id] = chosen.error
        return chosen.error

    def _choose(self, call: IncomingCall, cannot: Iterable[str]) -> Choice | None:
        possible = [each for each in choices(self._where.catalogue, call.operation) if str(each.error) not in cannot]
        if not possible:
            return None
        place = (call.operation, self._times[call.operation])
        planned = self._planned.get(len(self.met), self._planned.get(place))
        self.met.append((call.operation, len(possible)))
        self._times[call.operation] += 1
        return None if planned is None else possible[planned % len(possible)]

    def _counts(self, call: IncomingCall) -> bool:
        if not self._operations.include(call.operation):
            return False
        if call.operation in STEPS or self._operations.are_named or self._where.in_handler():
            return True
        return not _file_of_caller().startswith(self._where.folder)

    def _count(self, call: IncomingCall) -> None:
        """Count a call as faults do, whichever of them strikes it."""
        self._attempts[call.operation] += 1
        self._ids.setdefault(call.operation, set()).add(call.logical_id or f"{self._attempts[call.operation]}")

    def _before(self, call: IncomingCall, per: str) -> int:
        """Return how many attempts came before this one, or how many calls before the one that it belongs to."""
        calls = self._ids.get(call.operation, set())
        return len(calls - {call.logical_id}) if per == "call" else self._attempts[call.operation]


def _file_of_caller() -> str:
    """Return the file of the code that makes the call in progress."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _OF_CLIENTS:
        frame = frame.f_back
    return frame.f_code.co_filename
