"""Whether a client's waits may be left to the timers of its loop."""

from __future__ import annotations

import asyncio
import time

from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.clock.event_loops import is_virtual


async def is_running_virtually():
    return is_virtual(asyncio.get_running_loop())


def test_loops_of_a_fake_are_virtual():
    with FakeLambda():
        assert asyncio.run(is_running_virtually())
    assert not asyncio.run(is_running_virtually())


def test_a_loop_is_virtual_as_soon_as_a_fake_begins_in_it():
    async def use_fake():
        before = await is_running_virtually()
        with FakeLambda():
            meanwhile = await is_running_virtually()
        return before, meanwhile, await is_running_virtually()

    assert asyncio.run(use_fake()) == (False, True, False)


def test_with_real_sleeps_and_loops_of_other_packages_it_is_not():
    class Loop:
        __slots__ = ()

        def time(self):
            return time.monotonic()

    with FakeLambda(sleep="real"):
        assert not asyncio.run(is_running_virtually())
    with FakeLambda():
        assert not is_virtual(Loop())
