"""The threads that share the clock's time: the test's own, which moves it, and the others, which wait for it."""

from __future__ import annotations

import threading

from pytest_lambda_esm.clock.lock import HeldLock
from pytest_lambda_esm.clock.sleepers import SharedTime, Sleeper, Sleepers, Turns, pauses


class ClockThreads:
    """Which threads wait for the clock, and their turns while it moves.

    ``owner`` is the test's thread. ``moving`` is the number of moves, other than a sleeper's, that give other threads
    their turn now.
    """

    def __init__(self, sleepers: Sleepers, lock: HeldLock) -> None:
        self.owner = threading.current_thread()
        self.moving = 0
        self._sleepers = sleepers
        self._lock = lock

    def wait_for(self, runner: int | None) -> bool:
        """Whether the calling thread waits for the clock, rather than moves it; ``runner`` is the one that moves it."""
        groups = self._sleepers.groups
        if groups is None or not groups.threads or runner == threading.get_ident():
            return False
        thread = threading.current_thread()
        return thread is not self.owner and thread in groups.threads

    def give_turns(self, time: SharedTime, sleeper: Sleeper | None) -> None:
        """Let the other threads run until each sleeps, waits or has ended; they may use the clock meanwhile.

        ``sleeper`` is the calling thread's, if it moves the clock because it sleeps. Raises ClockError if another
        thread does not release the clock any more.
        """
        __tracebackhide__ = True
        turns = Turns(self._sleepers, patient=sleeper is not None)
        if turns.over(time):
            return
        self.moving += sleeper is None
        try:
            for pause in pauses():
                self._lock.lend(pause)
                if turns.over(time) or (sleeper is not None and not sleeper.sleeps_on()):
                    return
        finally:
            self.moving -= sleeper is None
