"""Which call is in progress, for the code that runs inside of it."""

from __future__ import annotations

import asyncio
import threading

from pytest_lambda_esm.moto_bridge.client_calls import ClientCalls


def test_the_innermost_call_of_a_thread():
    calls = ClientCalls()
    assert calls.current is None
    with calls.carried("outer"):
        with calls.carried("inner"):
            assert calls.current == "inner"
        assert calls.current == "outer"
    assert calls.current is None


def test_each_thread_has_its_own():
    calls, seen = ClientCalls(), []
    with calls.carried("test's"):
        thread = threading.Thread(target=lambda: seen.append(calls.current))
        thread.start()
        thread.join()
    assert seen == [None]


def test_each_task_has_its_own():
    calls, seen = ClientCalls(), []

    async def call(name):
        with calls.carried(name):
            await asyncio.sleep(0)
            seen.append((name, calls.current))
            await asyncio.sleep(0)
        assert calls.current is None

    async def both():
        await asyncio.gather(call("first"), call("second"))

    asyncio.run(both())
    assert seen == [("first", "first"), ("second", "second")]
