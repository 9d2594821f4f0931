"""The wall clocks of the process, frozen with freezegun or time-machine and moved by the virtual clock.

:func:`open_wall` freezes them, or adopts the user's own freeze, and returns a :class:`Wall`. Instants are microseconds
since the Unix epoch.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from pytest_lambda_esm.clock.freezegun_globals import real
from pytest_lambda_esm.clock.freezegun_wall import AdoptedFreezegun, FreezegunFreeze, FreezegunFreezers
from pytest_lambda_esm.clock.time_machine_wall import TimeMachineFreezers, TimeMachineRefusal, TimeMachineTravel
from pytest_lambda_esm.errors import ConfigurationError, nearest
from pytest_lambda_esm.patching import Patches


class Wall(Protocol):
    """The wall clocks of the process: ``time.time``, ``datetime.now``, ``date.today``, ``gmtime`` ...

    The process sees the freezer on top: the wall's own or the adopted one, unless the user has frozen time again since.
    A ticking freezer is stopped when the wall first reads or moves it.
    """

    def show(self, instant: int) -> None:
        """Set the wall clocks to this instant. Does nothing if time is not frozen any more."""

    def read(self) -> int | None:
        """Return the instant that the wall clocks show, or None if time is not frozen any more.

        It differs from what was shown last if the user has moved, entered or left a freezer.
        """

    def is_as_left(self) -> bool:
        """Whether the same freezer is on top and shows the same time as after the last ``show`` or ``read``. Cheap."""

    def identity(self) -> object:
        """Return the freezer on top, for comparison with ``is``; None if time is not frozen any more."""

    def close(self) -> None:
        """Restore the state before the wall was opened. An adopted freezer continues from its current time."""

    def undo_again(self) -> None:
        """Restore what others have put back since the wall was closed."""


class Freezers(Protocol):
    """One tool's stack of freezers."""

    def setting(self, freezer: Any) -> object:
        """Return what a move of the freezer changes, for comparison."""

    def read(self, freezer: Any) -> int:
        """Return the time of a freezer that does not tick."""

    def show(self, freezer: Any, instant: int) -> None:
        """Move a freezer."""

    def stop_ticking(self, freezer: Any) -> bool:
        """Stop a ticking freezer at its current time; return whether it was ticking."""

    def tick_again(self, freezer: Any) -> None:
        """Make a stopped freezer tick again."""


class Freeze(Protocol):
    """Something that lasts as long as the wall is open."""

    def install(self, patches: Patches) -> None:
        """Start it; undoing the patches ends it and restores everything."""


class _ProcessWall:
    """Reads and moves the freezer on top, of either tool; installs ``freezes`` and undoes them."""

    def __init__(self, *freezes: Freeze) -> None:
        # time-machine cannot start while freezegun is active, so if both are, freezegun is on top.
        self._freezegun = FreezegunFreezers()
        self._time_machine = TimeMachineFreezers()
        self._patches = Patches()
        self._paused: list[tuple[Freezers, Any]] = []
        self._lock = threading.Lock()
        self._left: tuple[Any, object] = (None, None)
        for freeze in freezes:
            freeze.install(self._patches)

    def show(self, instant: int) -> None:
        freezers, freezer = self._pause_topmost()
        if freezer is not None:
            with self._lock:
                freezers.show(freezer, instant)
                self._left = (freezer, freezers.setting(freezer))

    def read(self) -> int | None:
        freezers, freezer = self._pause_topmost()
        if freezer is None:
            self._left = (None, None)
            return None
        self._left = (freezer, freezers.setting(freezer))
        return freezers.read(freezer)

    def is_as_left(self) -> bool:
        if self._is_as_left():
            return True
        with self._lock:  # Another thread may have been in the middle of showing an instant.
            return self._is_as_left()

    def _is_as_left(self) -> bool:
        freezers, freezer = self._topmost()
        left, setting = self._left
        return freezer is left and (freezer is None or freezers.setting(freezer) == setting)

    def identity(self) -> object:
        return self._topmost()[1]

    def close(self) -> None:
        while self._paused:
            freezers, freezer = self._paused.pop()
            freezers.tick_again(freezer)
        self._patches.undo()

    def undo_again(self) -> None:
        self._patches.undo_again()

    def _pause_topmost(self) -> tuple[Freezers, Any]:
        freezers, freezer = self._topmost()
        if freezer is not None and freezers.stop_ticking(freezer):
            self._paused.append((freezers, freezer))
        return freezers, freezer

    def _topmost(self) -> tuple[Freezers, Any]:
        stack = self._freezegun.stack
        if stack:
            return self._freezegun, stack[-1]
        return self._time_machine, self._time_machine.topmost()


class SeenFreezers:
    """The freezers that were on top, from the outermost in."""

    def __init__(self, freezers: list[object]) -> None:
        self._freezers = freezers

    def note(self, freezer: object) -> bool:
        """Note which freezer is on top; return whether the user has left the one that was."""
        for depth, known in enumerate(self._freezers):
            if known is freezer:
                left = depth < len(self._freezers) - 1
                del self._freezers[depth + 1 :]
                return left
        self._freezers.append(freezer)
        return False


_KINDS: dict[str, Callable[[int], tuple[Freeze, ...]]] = {
    "freezegun": lambda start: (FreezegunFreeze(start), TimeMachineRefusal()),
    "time-machine": lambda start: (TimeMachineTravel(start),),
}


def open_wall(kind: str, start: int) -> Wall:
    """Freeze the wall clocks of the process at ``start``, with the tool ``kind``: "freezegun" or "time-machine".

    If either tool has frozen time already (with a decorator, a fixture or a ``with``), that freezer is adopted,
    whatever the kind. It keeps its time until :meth:`Wall.show`.

    Raises ``ConfigurationError`` for an unknown kind, and for time-machine if it is not installed.
    """
    if kind not in _KINDS:
        raise ConfigurationError(f"wall_clock is {kind!r}, which is not a known tool. {nearest(kind, _KINDS)}")
    if FreezegunFreezers.stack:
        return _ProcessWall(AdoptedFreezegun())
    if TimeMachineFreezers().topmost() is not None:
        return _ProcessWall()
    return _ProcessWall(*_KINDS[kind](start))


def real_seconds() -> float:
    """Return the real time, in seconds since the epoch, whoever has frozen the process's."""
    time_machine = sys.modules.get("time_machine")
    if time_machine is not None and time_machine.escape_hatch.is_travelling():
        return float(time_machine.escape_hatch.time.time())
    return float(real("time")())
