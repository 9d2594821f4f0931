"""The wall clocks of the process, through time-machine.

:class:`TimeMachineFreezers` reads and moves whichever traveller is on top, :class:`TimeMachineTravel` travels for us,
and :class:`TimeMachineRefusal` refuses a travel where time-machine cannot work.

time-machine patches the C functions, so modules need not be searched or restored, and ``datetime.datetime`` stays the
same class. The internals used here were seen in 2.16.0 and 3.6.0: the stack of travellers (``coordinates_stack``, since
3.x ``traveller_stack``) and a traveller's ``time_ns``, ``_destination_timestamp_ns``, ``_tick`` and ``_requested``.
``escape_hatch.is_travelling`` is public, but does not tell the time.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from pytest_lambda_esm.clock.modules import import_watch
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.patching import Patches

_STACK_NAMES = ("traveller_stack", "coordinates_stack")


class TimeMachineFreezers:
    """time-machine's stack of travellers. It is empty while time-machine is not imported."""

    def topmost(self) -> Any:
        """Return the traveller on top, or None."""
        time_machine = sys.modules.get("time_machine")
        if time_machine is None:
            return None
        stack = _stack(time_machine)
        return stack[-1] if stack else None

    def setting(self, traveller: Any) -> object:
        """Return what a move of the traveller changes."""
        return traveller._destination_timestamp_ns, traveller._tick

    def read(self, traveller: Any) -> int:
        """Return a traveller's time in microseconds since the epoch."""
        return int(traveller.time_ns()) // 1000

    def show(self, traveller: Any, instant: int) -> None:
        """Move a traveller to an instant.

        Not with ``shift``, which loses nanoseconds to floats before 3.x, or ``move_to``, which also sets the time zone.
        """
        traveller._destination_timestamp_ns += instant * 1000 - traveller.time_ns()

    def stop_ticking(self, traveller: Any) -> bool:
        """Stop a ticking traveller at its current time; return whether it was ticking."""
        if not traveller._tick:
            return False
        traveller._destination_timestamp_ns = traveller.time_ns()
        traveller._tick = False
        return True

    def tick_again(self, traveller: Any) -> None:
        """Make a stopped traveller tick again from its current time."""
        traveller._tick = True
        traveller._requested = False  # So that the next time read is its destination.


class TimeMachineTravel:
    """A travel of our own to an instant (microseconds since the epoch), without ticking.

    Raises ``ConfigurationError`` if time-machine is not installed.
    """

    def __init__(self, start: int) -> None:
        try:
            import time_machine
        except ImportError as missing:
            raise ConfigurationError(
                "wall_clock is 'time-machine', but time-machine is not installed. Install it with "
                "`pip install pytest-lambda-esm[time-machine]`, or use wall_clock='freezegun'."
            ) from missing
        self._module = time_machine
        self._start = start
        # In seconds, since a datetime would set the process's time zone or depend on the user's naive_mode.
        self._travel = time_machine.travel(start // 1_000_000, tick=False)
        self._traveller: Any = None

    def install(self, patches: Patches) -> None:
        """Start the travel."""
        patches.then(self._end_travel)
        self._traveller = self._travel.start()
        TimeMachineFreezers().show(self._traveller, self._start)

    def _end_travel(self) -> None:
        """End the travel. If the user's nested travel has not ended yet, time is restored when that one ends."""
        stack = _stack(self._module)
        position = next((i for i, other in enumerate(stack) if other is self._traveller), None)
        if position is None:
            return
        if len(stack) > 1:
            del stack[position]
        else:
            self._travel.stop()


class TimeMachineRefusal:
    """Refuses a time-machine travel while freezegun has frozen time for us, also if time-machine is imported later.

    time-machine cannot start under freezegun: 3.x raises an error that does not say what to do, and 2.16 crashes the
    interpreter.
    """

    def __init__(self) -> None:
        self._patches = Patches()
        self._refuses = False

    def install(self, patches: Patches) -> None:
        """Start to refuse travels."""
        patches.then(self._patches.undo)
        patches.then(lambda: import_watch().remove(self))
        import_watch().add(self)
        self.resume([])

    def suspend(self) -> None:
        """No-op: an import does not travel."""

    def resume(self, modules: list[ModuleType]) -> None:
        """Refuse travels of time-machine, if it has been imported by now."""
        time_machine = sys.modules.get("time_machine")
        if time_machine is not None and not self._refuses:
            self._refuses = True
            self._patches.set(time_machine.travel, "start", _refuse_to_travel)


def _refuse_to_travel(travel: Any) -> Any:
    __tracebackhide__ = True
    raise ConfigurationError(
        "time_machine.travel cannot start: the fake has frozen time with freezegun, and the two do not work together."
        " Make the fake use time-machine as well, with the setting wall_clock='time-machine' (the marker"
        " lambda_esm(wall_clock='time-machine'), or lambda_esm_wall_clock = time-machine in the ini file)."
    )


def _stack(time_machine: ModuleType) -> list[Any]:
    stack: list[Any] = next(vars(time_machine)[name] for name in _STACK_NAMES if name in vars(time_machine))
    return stack
