"""The process's wall clocks through time-machine: reading and moving a traveller, and a travel of our own.

time-machine patches the C functions themselves, so nothing needs to be searched, thawed or put back in
modules, and ``datetime.datetime`` stays what it is. Its internals touched here were seen in 2.16.0 and 3.6.0:
the stack of travellers (``coordinates_stack``, since 3.x ``traveller_stack``) and a traveller's ``time_ns``,
``_destination_timestamp_ns``, ``_tick`` and ``_requested``. ``escape_hatch.is_travelling`` is public, but does not
say when it is.
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
    """time-machine's stack of travellers, also when time-machine is imported later or not at all."""

    def topmost(self) -> Any:
        """Return the traveller on top, or None."""
        time_machine = sys.modules.get("time_machine")
        if time_machine is None:
            return None
        stack = _stack(time_machine)
        return stack[-1] if stack else None

    def read(self, traveller: Any) -> int:
        """Return a traveller's time as microseconds since the epoch."""
        return int(traveller.time_ns()) // 1000

    def show(self, traveller: Any, instant: int) -> None:
        """Move a traveller to an instant.

        ``shift`` would do, but loses nanoseconds to floats before 3.x; ``move_to`` sets the time zone, too.
        """
        traveller._destination_timestamp_ns += instant * 1000 - traveller.time_ns()

    def stop_ticking(self, traveller: Any) -> bool:
        """Let a traveller that ticks stand where it is, and stay so when it is moved; return whether it ticked."""
        if not traveller._tick:
            return False
        traveller._destination_timestamp_ns = traveller.time_ns()
        traveller._tick = False
        return True

    def tick_again(self, traveller: Any) -> None:
        """Let a traveller go on ticking from where it stands."""
        traveller._tick = True
        traveller._requested = False  # The first time that is asked for is its destination.


class TimeMachineTravel:
    """A travel of our own to an instant (microseconds since the epoch), where time stands still.

    Raises ``ConfigurationError`` where time-machine is not installed.
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
        # A number of seconds: a datetime would set the process's time zone, or meet the user's naive_mode.
        self._travel = time_machine.travel(start // 1_000_000, tick=False)
        self._traveller: Any = None

    def install(self, patches: Patches) -> None:
        """Travel."""
        patches.then(self._return)
        self._traveller = self._travel.start()
        TimeMachineFreezers().show(self._traveller, self._start)

    def _return(self) -> None:
        """Return, also when the user's nested travel has not ended: that one then ends it all."""
        stack = _stack(self._module)
        position = next((i for i, other in enumerate(stack) if other is self._traveller), None)
        if position is None:
            return
        if len(stack) > 1:
            del stack[position]
        else:
            self._travel.stop()


class TimeMachineRefusal:
    """While freezegun has frozen time for us, a travel is refused, whether time-machine is there or is yet to come.

    time-machine cannot start under freezegun: 3.x raises an error that does not say what to do, 2.16 crashes the
    interpreter.
    """

    def __init__(self) -> None:
        self._patches = Patches()
        self._refuses = False

    def install(self, patches: Patches) -> None:
        """Refuse from now on."""
        patches.then(self._patches.undo)
        patches.then(lambda: import_watch().remove(self))
        import_watch().add(self)
        self.freeze([])

    def thaw(self) -> None:
        """A module is executed: nothing to do, since nobody travels meanwhile."""

    def freeze(self, modules: list[ModuleType]) -> None:
        """Refuse the travels of a time-machine that has been imported meanwhile, too."""
        time_machine = sys.modules.get("time_machine")
        if time_machine is not None and not self._refuses:
            self._refuses = True
            self._patches.set(time_machine.travel, "start", _refuse_to_travel)


def _refuse_to_travel(travel: Any) -> Any:
    __tracebackhide__ = True
    raise ConfigurationError(
        "time_machine.travel cannot start: the fake has frozen time with freezegun, and the two do not work together."
        " Let the fake use time-machine as well, with the setting wall_clock='time-machine' (the marker"
        " lambda_esm(wall_clock='time-machine'), or lambda_esm_wall_clock = time-machine in the ini file)."
    )


def _stack(time_machine: ModuleType) -> list[Any]:
    stack: list[Any] = next(vars(time_machine)[name] for name in _STACK_NAMES if name in vars(time_machine))
    return stack
