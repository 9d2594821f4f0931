"""gevent's monkey patching, in a process of its own. ``time.sleep`` is then ``gevent.sleep``."""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("gevent")


def run(code):
    """Run code in a process that gevent has patched, within a fake."""
    start = """
        from gevent import monkey
        monkey.patch_all()
        import concurrent.futures, threading, time
        import boto3, gevent
        from pytest_lambda_esm import FakeLambda
        real = time.perf_counter()
    """
    end = """
        assert time.perf_counter() - real < 20
    """
    program = "\n".join(textwrap.dedent(part) for part in (start, code, end))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_pools_and_locks_of_greenlets():
    run("""
        with FakeLambda():
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                assert list(pool.map(str, range(3))) == ["0", "1", "2"]
    """)


def test_sleep_takes_the_arguments_of_gevent():
    run("""
        with FakeLambda() as fake:
            before = fake.clock.now
            time.sleep()
            time.sleep(seconds=1800)
            time.sleep(1800, ref=False)
            assert (fake.clock.now - before).total_seconds() == 3600
            assert fake.clock.slept == [0, 1800, 1800]
    """)


def test_another_greenlet_runs_while_one_sleeps():
    run("""
        with FakeLambda() as fake:
            done = []
            gevent.spawn(done.append, 1)
            while not done:
                time.sleep(1)
            assert fake.clock.slept == [1]
    """)


def test_calls_and_handlers():
    run("""
        with FakeLambda() as fake:
            fake.function("f", lambda event, context: time.sleep(2))
            boto3.client("lambda", "us-east-1").invoke(FunctionName="f")
            assert fake.invocations[0].duration.total_seconds() == 2
    """)
