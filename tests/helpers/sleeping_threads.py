"""Threads and event loops that sleep on their own clock, inside a handler and outside, without moto."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from pytest_lambda_esm.clock.event_loops import LoopTime, VirtualLoops
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.record import Invocation, Request
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.invocation.sandbox.isolation import Isolation
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.timing import MICROSECONDS

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


class SleepingThreads:
    """A clock whose threads sleep in parallel; ``sleep`` is what ``time.sleep`` would be.

    A thread that sleeps in a loop stops when ``ended`` is true.
    """

    def __init__(self) -> None:
        self.clock = EventClock(START)
        self.runtime = Runtime(self.clock, lambda: "an-environment", Isolation())
        self.clock.sleepers.groups = self.runtime.nesting
        self.ended = False
        self.failures: list[BaseException] = []
        self.log: list[tuple[object, float]] = []

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time."""
        local = self.runtime.local_time
        if local is not None:
            local.sleep(seconds)
        else:
            self.clock.sleep(seconds)

    def loops(self) -> VirtualLoops:
        """Return what makes asyncio's loops sleep in the same time."""

        def to_move():
            local = self.runtime.local_time
            if local is None:
                return self.clock
            local.check()
            return local

        time = LoopTime(
            now=self.runtime.now,
            is_endless=lambda: self.runtime.local_time is None,
            to_move=to_move,
            slept=self.clock.record_sleep,
            failed=self.failures.append,
        )
        return VirtualLoops(lambda: self.clock.sleepers, time)

    def note(self, what: object) -> None:
        """Record something, with the virtual seconds that have passed."""
        self.log.append((what, self.passed))

    @property
    def passed(self) -> float:
        """The virtual seconds since the start, as the calling thread sees them."""
        return (self.runtime.now() - int(START.timestamp() * MICROSECONDS)) / MICROSECONDS

    def start(self, target, *args, daemon: bool = True) -> threading.Thread:
        """Start a thread."""
        thread = threading.Thread(target=target, args=args, daemon=daemon)
        thread.start()
        return thread

    def run(self, handler, timeout: int = 900) -> Invocation:
        """Run ``handler()`` as a function's handler, now."""
        configuration = FunctionConfiguration(
            account_id="123456789012",
            region="us-east-1",
            name="f",
            arn=ARN,
            version="$LATEST",
            timeout=timeout,
            memory=128,
            handler="app.handler",
            runtime="python3.12",
            environment={},
            log_group="/aws/lambda/f",
        )
        request = Request(
            function=configuration, invoked_arn=ARN, event=dict, mapping=None, depth=0, request_id="a-request-id"
        )
        with self.runtime.occupied(lambda: "f"):
            return self.runtime.run(
                request,
                lambda event, context: handler(),
                start=self.runtime.now(),
                duration=0,
                timeout=timeout * MICROSECONDS,
            )


@contextmanager
def sleeping_threads() -> Iterator[SleepingThreads]:
    """Install ``SleepingThreads`` for a ``with`` block, and end every thread that still sleeps after it."""
    threads, patches = SleepingThreads(), Patches()
    threads.runtime.nesting.install(patches)
    threads.loops().install(patches)
    try:
        yield threads
    finally:
        threads.ended = True
        threads.clock.stop()
        patches.undo()
