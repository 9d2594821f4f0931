"""How the caller of a request waits for its answer: in a handler's time, on the clock, or really, elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.invocation.runtime import Runtime


class Waits:
    """Lets time pass for clients that wait: for a late response, or for a message in a long poll.

    ``outside`` waits in real time where the calling thread serves a client of another process, and returns how many
    seconds have passed for it; else it returns None. It is set while the fake is served over HTTP.
    """

    def __init__(self, clock: EventClock, runtime: Runtime) -> None:
        self._clock = clock
        self._runtime = runtime
        self.outside: Callable[[float], float | None] | None = None

    def wait(self, seconds: float) -> None:
        """Let time pass for a client that waits for a response, inside and outside of handlers."""
        __tracebackhide__ = True
        left = seconds
        while (waited := self.outside_wait(left)) is not None:
            left -= waited
            if left <= 0:
                return
        local = self._runtime.local_time
        if local is None:
            self._clock.let_pass(left)
        else:
            local.sleep(left)

    def outside_wait(self, seconds: float) -> float | None:
        """Wait for a while in real time, and return how many seconds have passed; None if that is not how it waits."""
        outside = self.outside
        return outside(seconds) if outside is not None and self._runtime.local_time is None else None
