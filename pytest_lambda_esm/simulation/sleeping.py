"""Installs virtual sleep: ``time.sleep``, botocore's pauses, and the timers of asyncio's loops."""

from __future__ import annotations

from collections.abc import Callable

from pytest_lambda_esm.clock.event_loops import LoopTime, VirtualLoops
from pytest_lambda_esm.clock.sleep import VirtualSleep
from pytest_lambda_esm.clock.sleepers import SharedTime
from pytest_lambda_esm.errors import ClockLimitExceeded
from pytest_lambda_esm.moto_bridge import waits
from pytest_lambda_esm.moto_bridge.aio import loading as aiobotocore
from pytest_lambda_esm.moto_bridge.botocore_retries import BackoffPatch
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.simulation.world import World

OnError = Callable[[BaseException], None]
"""Called with each exception of this package that a patch raises into code under test."""


def install(patches: Patches, world: Callable[[], World], kind: str, on_error: OnError) -> None:
    """Make code under test and botocore sleep in the time of a world; with the kind ``"real"``, in real time.

    ``on_error`` is called once with each exception that stops an endless sleep.
    """
    reported: list[BaseException] = []

    def report(error: BaseException) -> None:
        if isinstance(error, ClockLimitExceeded) and error not in reported:
            reported.append(error)
            on_error(error)

    def reporting_sleep(seconds: float) -> None:
        __tracebackhide__ = True
        try:
            world().sleep(seconds)
        except ClockLimitExceeded as error:
            report(error)
            raise

    virtual = VirtualSleep(reporting_sleep)
    if kind == "virtual":
        virtual.install(patches)
        time = LoopTime(
            now=lambda: world().runtime.now(),
            is_endless=lambda: world().runtime.local_time is None,
            to_move=lambda: _to_move(world()),
            slept=lambda seconds: _note(world(), seconds),
            failed=report,
        )
        VirtualLoops(lambda: world().clock.sleepers, time).install(patches)
    backoff = BackoffPatch(reporting_sleep if kind == "virtual" else virtual.real_sleep)
    backoff.install(patches)
    aiobotocore.install_pauses(patches, backoff, reporting_sleep if kind == "virtual" else None)


def _to_move(world: World) -> SharedTime:
    local = world.runtime.local_time
    if local is None:
        return world.clock
    local.check()
    return local


def _note(world: World, seconds: float) -> None:
    if waits.is_waiting():
        return  # For a response: it is not a sleep of code under test.
    world.timeline.add("sleep", "asyncio.sleep", f"{seconds:g} s")
    world.clock.record_sleep(seconds)
