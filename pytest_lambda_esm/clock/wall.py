"""What the process takes for the time of day: one freezer, moved by whoever owns the clock.

Instants are integers: microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pytest_lambda_esm.clock.freezegun_wall import AdoptedFreezegun, FreezegunFreeze, FreezegunFreezers
from pytest_lambda_esm.clock.time_machine_wall import TimeMachineFreezers, TimeMachineRefusal, TimeMachineTravel
from pytest_lambda_esm.errors import ConfigurationError, nearest
from pytest_lambda_esm.patching import Patches


class Wall(Protocol):
    """The wall clocks of the process: ``time.time``, ``datetime.now``, ``date.today``, ``gmtime`` ...

    The freezer on top is the one that the process sees. That is the wall's own or the adopted one, until the
    user freezes time once more inside, and again when that ended. One that ticks stands from when the wall first
    reads or moves it.
    """

    def show(self, instant: int) -> None:
        """Let the wall clocks say this instant. Does nothing when nothing is frozen any more."""

    def read(self) -> int | None:
        """Return what the wall clocks say, or None when nothing is frozen any more.

        It differs from what was shown last when the user moved a freezer, entered another one, or left one.
        """

    def identity(self) -> object:
        """Return the freezer on top, to be compared with ``is``; None when nothing is frozen any more."""

    def close(self) -> None:
        """Leave everything as it was before the wall was opened; an adopted freezer goes on from where it is."""


class Freezers(Protocol):
    """One tool's stack of freezers."""

    def topmost(self) -> Any:
        """Return the freezer on top, or None."""

    def read(self, freezer: Any) -> int:
        """Return a freezer's time."""

    def show(self, freezer: Any, instant: int) -> None:
        """Move a freezer."""

    def stop_ticking(self, freezer: Any) -> bool:
        """Let a freezer stand where it is; return whether it ticked."""

    def tick_again(self, freezer: Any) -> None:
        """Let a freezer go on ticking."""


class Freeze(Protocol):
    """Something that begins with the wall and ends with it."""

    def install(self, patches: Patches) -> None:
        """Begin; undoing the patches ends it, and leaves nothing behind."""


class _ProcessWall:
    """Moves and reads the freezer on top, of either tool; begins and ends what it is given."""

    def __init__(self, *freezes: Freeze) -> None:
        # time-machine cannot start while freezegun is active, so where both are, freezegun came later.
        self._freezegun = FreezegunFreezers()
        self._time_machine = TimeMachineFreezers()
        self._patches = Patches()
        self._stopped: list[tuple[Freezers, Any]] = []
        for freeze in freezes:
            freeze.install(self._patches)

    def show(self, instant: int) -> None:
        freezers, freezer = self._standing()
        if freezer is not None:
            freezers.show(freezer, instant)

    def read(self) -> int | None:
        freezers, freezer = self._standing()
        return None if freezer is None else freezers.read(freezer)

    def identity(self) -> object:
        return self._topmost()[1]

    def close(self) -> None:
        while self._stopped:
            freezers, freezer = self._stopped.pop()
            freezers.tick_again(freezer)
        self._patches.undo()

    def _standing(self) -> tuple[Freezers, Any]:
        freezers, freezer = self._topmost()
        if freezer is not None and freezers.stop_ticking(freezer):
            self._stopped.append((freezers, freezer))
        return freezers, freezer

    def _topmost(self) -> tuple[Freezers, Any]:
        freezer = self._freezegun.topmost()
        if freezer is not None:
            return self._freezegun, freezer
        return self._time_machine, self._time_machine.topmost()


_KINDS: dict[str, Callable[[int], tuple[Freeze, ...]]] = {
    "freezegun": lambda start: (FreezegunFreeze(start), TimeMachineRefusal()),
    "time-machine": lambda start: (TimeMachineTravel(start),),
}


def open_wall(kind: str, start: int) -> Wall:
    """Freeze the process's wall clocks at ``start`` with that tool, "freezegun" or "time-machine".

    Where freezegun or time-machine has frozen time already (a decorator, a fixture, a ``with``), that freezer
    is adopted, whatever the kind: the wall moves and reads it, and shows ``start`` only when told to.

    Raises ``ConfigurationError`` for an unknown kind, and where time-machine is wanted but not installed.
    """
    if kind not in _KINDS:
        raise ConfigurationError(f"wall_clock is {kind!r}, which is no tool to freeze time. {nearest(kind, _KINDS)}")
    if FreezegunFreezers().topmost() is not None:
        return _ProcessWall(AdoptedFreezegun())
    if TimeMachineFreezers().topmost() is not None:
        return _ProcessWall()
    return _ProcessWall(*_KINDS[kind](start))
