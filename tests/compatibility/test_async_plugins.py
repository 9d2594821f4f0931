"""Asynchronous tests and fixtures of pytest-asyncio, anyio and unittest, in virtual time."""

import pytest

MODES = {"strict": ("@pytest.mark.asyncio", "@pytest_asyncio.fixture"), "auto": ("", "@pytest.fixture")}

PYTEST_ASYNCIO = """
    import asyncio
    import time
    from asyncio import sleep

    import pytest
    import pytest_asyncio

    beats = []

    async def beat():
        while True:
            await sleep(60)
            beats.append(time.time())

    @pytest_asyncio.fixture(loop_scope="session", scope="session")
    async def heart():
        beating = asyncio.create_task(beat())
        await sleep(0)
        yield
        beating.cancel()

    FIXTURE
    async def later(lambda_esm):
        await sleep(2)
        yield lambda_esm.clock.now.second
        await sleep(3)
        assert lambda_esm.clock.now.second == 8

    MARK
    async def test_with_a_fixture(lambda_esm, later):
        assert later == 2
        await asyncio.wait_for(sleep(3), 5)
        assert lambda_esm.clock.now.second == 5

    @pytest.mark.asyncio(loop_scope="session")
    @pytest.mark.parametrize("number", [1, 2])
    async def test_a_loop_from_before(heart, lambda_esm, number):
        known = len(beats)
        await asyncio.sleep(600)
        assert 9 <= len(beats) - known <= 10
        assert lambda_esm.clock.now.minute == 10

    MARK
    async def test_that_fails(lambda_esm):
        asyncio.get_running_loop().call_later(60, print)
        left = asyncio.ensure_future(sleep(3600))
        await sleep(1)
        assert lambda_esm.clock.now.minute == 1

    def test_afterwards():
        loop = asyncio.new_event_loop()
        assert abs(loop.time() - time.monotonic()) < 60
        loop.close()
"""


@pytest.mark.parametrize("mode", MODES)
def test_pytest_asyncio(pytester, monkeypatch, mode):
    pytest.importorskip("pytest_asyncio")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    mark, fixture = MODES[mode]
    text = PYTEST_ASYNCIO.replace("FIXTURE", fixture).replace("MARK", mark)
    ini = f"asyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error"
    pytester.makeini(f"[pytest]\n{ini}")
    pytester.makepyfile(text)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*test_that_fails - *assert 0 == 1*"])


def test_anyio(run):
    pytest.importorskip("anyio")
    run(
        """
        import threading
        import time

        import anyio
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def later(anyio_backend, lambda_esm):
            await anyio.sleep(1)
            yield lambda_esm.clock
            await anyio.sleep(1)

        @pytest.mark.anyio
        async def test_sleeps_and_scopes(later):
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 3)
                group.start_soon(anyio.sleep, 2)
            assert later.now.second == 4
            with pytest.raises(TimeoutError):
                with anyio.fail_after(5):
                    await anyio.sleep(10)
            with anyio.move_on_after(1) as scope:
                await anyio.Event().wait()
            assert (later.now.second, scope.cancelled_caught) == (10, True)
            await anyio.to_thread.run_sync(time.sleep, 4)
            assert later.now.second == 14

        @pytest.mark.anyio
        async def test_a_limit_of_a_real_wait_is_real(later):
            done = threading.Event()
            with anyio.move_on_after(30) as scope:
                timer = threading.Timer(0.1, done.set)
                timer.start()
                await anyio.to_thread.run_sync(lambda: (sum(range(300_000)), timer.join()))
            assert not scope.cancelled_caught
            assert later.now.second == 1
        """,
        ini="filterwarnings = error",
    ).assert_outcomes(passed=2)


def test_unittest(run):
    run(
        """
        import asyncio
        import unittest

        import pytest

        class TestIt(unittest.IsolatedAsyncioTestCase):
            @pytest.fixture(autouse=True)
            def fake(self, lambda_esm):
                self.clock = lambda_esm.clock

            async def asyncSetUp(self):
                await asyncio.sleep(2)

            async def test_it(self):
                await asyncio.wait_for(asyncio.gather(asyncio.sleep(3), asyncio.sleep(1)), 5)
                self.assertEqual(self.clock.now.second, 5)

            async def asyncTearDown(self):
                await asyncio.sleep(2)
                self.assertEqual(self.clock.now.second, 7)
        """
    ).assert_outcomes(passed=1)
