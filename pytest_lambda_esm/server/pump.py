"""Virtual time that follows real time, some times as fast, for programs that wait in real time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.clock.waiting import Stillness
from pytest_lambda_esm.invocation.nesting import OwnThread

_STEP: Final = 0.005
"""The real seconds between two moves."""


class Pump:
    """Moves the clock from a thread of its own, under the clock's lock, until it is stopped.

    What falls due meanwhile runs in that thread, handlers included. The first exception ends the pump, and is given to
    ``on_error``.
    """

    # Not time.monotonic: this module may be imported first while a freezer has replaced it.
    _real_time = staticmethod(Stillness._real_time)

    def __init__(self, clock: EventClock, speed: float, on_error: Callable[[BaseException], None]) -> None:
        self._clock = clock
        self._speed = speed
        self._on_error = on_error
        self._end = threading.Event()
        self._left = self._real_time()
        self._thread = OwnThread(target=self._run, name="lambda_esm clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the event that it runs now."""
        self._end.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(_STEP):
            # A handler of the test's thread may hold the clock for long: the time that passes meanwhile counts later.
            if not self._clock.lock.attempt(lambda: "the endpoint's speed", 0):
                continue
            now = self._real_time()
            passed, self._left = now - self._left, now
            try:
                self._clock.advance(passed * self._speed)
            except BaseException as error:
                self._on_error(error)
                return
            finally:
                self._clock.lock.release()
