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
        left = seconds - self.wait_a_while(seconds)
        while left > 0:
            left -= self.wait_a_while(left)

    def wait_a_while(self, seconds: float) -> float:
        """Do as :meth:`wait`, or return earlier with how many seconds have passed, as for a client elsewhere."""
        __tracebackhide__ = True
        local = self._runtime.local_time
        waited = self.outside(seconds) if local is None and self.outside is not None else None
        if waited is not None:
            return waited
        if local is None:
            self._clock.let_pass(seconds)
        else:
            local.sleep(seconds)
        return seconds
