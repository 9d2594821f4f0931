"""Where a request over HTTP is served: in the frame of the invocation that made it, or as the test's own.

A request of a handler, from the handler itself or from a program that it runs, comes while its invocation holds the
clock. It is recognised by the header of its trace, which SDKs copy from the environment, or by the session token that
:attr:`Server.environment` has inside a handler. It is then served as if one of the handler's threads had made it.

All other requests are served one at a time, under the clock's lock, so that nothing moves time meanwhile. If a handler
holds the lock, and waits for something outside of the process, an unknown request is taken for the handler's: its
program may be one that copies neither.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pytest_lambda_esm.clock import lock
from pytest_lambda_esm.clock.waiting import Stillness
from pytest_lambda_esm.invocation.nesting import OpenInvocation
from pytest_lambda_esm.invocation.visits import HandlerEnded
from pytest_lambda_esm.moto_bridge.http.endpoint import Dropped
from pytest_lambda_esm.moto_bridge.http.wire import WireRequest
from pytest_lambda_esm.simulation.world import World

SESSION_TOKEN: Final = "lambda-esm-request-"
"""What the session token of a handler's program begins with; the rest is the id of the handler's request."""

_LOOK: Final = 0.004
"""The real seconds between two looks at a handler that holds the clock."""

_POLL: Final = 0.05
"""The real seconds after which a client that waits looks again whether there is something for it."""


class Frames:
    """Serves requests, each in its frame. ``speed`` is by how much virtual time is faster than real time, 0 if not."""

    # A freezer of the user's would replace module globals.
    _real_time = staticmethod(time.monotonic)

    def __init__(self, world: Callable[[], World], speed: float) -> None:
        self._world = world
        self._speed = speed
        self._local = threading.local()
        self.moves_time = False
        """Whether requests move time themselves, so that their clients wait in virtual time."""
        self.ended = False

    @contextmanager
    def serving(self, request: WireRequest, has_hung_up: Callable[[], bool]) -> Iterator[bool]:
        """Serve a request in its frame; the value is whether that is the test's. Raises Dropped after the end."""
        world = self._world()
        invocation = self._named(world, request) or self._enter(world, request)
        if invocation is not None:
            try:
                with world.runtime.nesting.visits.serving(invocation):
                    yield False
            except HandlerEnded as ended:
                raise Dropped("the handler that sent this request has ended") from ended
            return
        self._local.has_hung_up = has_hung_up
        world.waits.outside = self._wait
        try:
            yield True
        finally:
            del self._local.has_hung_up
            world.clock.lock.release()

    @staticmethod
    def _named(world: World, request: WireRequest) -> OpenInvocation | None:
        nesting = world.runtime.nesting
        if not nesting.open:
            return None
        token = request.headers.get("x-amz-security-token", "")
        if token.startswith(SESSION_TOKEN):
            found = nesting.of_request(token.removeprefix(SESSION_TOKEN))
            if found is not None:
                return found
        return nesting.of_trace(request.headers.get("x-amzn-trace-id", ""))

    def _enter(self, world: World, request: WireRequest) -> OpenInvocation | None:
        """Acquire the clock; or return the invocation that holds it and waits for what is outside of this process."""
        stillness, since = Stillness(), self._real_time()

        def about() -> str:
            return f"{request.method} {request.path} over HTTP"

        while not world.clock.lock.attempt(about, _LOOK):
            if self.ended:
                raise Dropped("the endpoint is closed")
            invocation = next(reversed(world.runtime.nesting.open), None)
            if invocation is not None and not stillness.look(invocation.threads, patient=True):
                return invocation
            if self._real_time() - since > lock.LONGEST_WAIT:
                raise lock.held_too_long(about(), "an event of the clock")
        if self.ended:
            world.clock.lock.release()
            raise Dropped("the endpoint is closed")
        return None

    def _wait(self, seconds: float) -> float | None:
        """Wait in real time for a client of another process; return how many seconds have passed for it.

        Return None in a thread that serves none, and where requests move time.
        """
        has_hung_up = getattr(self._local, "has_hung_up", None)
        if has_hung_up is None or self.moves_time:
            return None
        if self.ended or has_hung_up():
            raise Dropped("nobody waits for the answer any more")
        speed = self._speed or 1
        pause = min(seconds / speed, _POLL)
        self._world().clock.lock.lend(pause)
        return pause * speed
