"""A typical test, with the fake and as the same calls to plain moto, which delivers nothing.

The test has two boto3 clients, a queue, a function, a mapping and a message; with the fake, the message is delivered.
It is measured among other tests in this process, alone in a run of pytest, and by the memory that it keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Stopwatch, process_seconds, pytest_command
from benchmarks.memory import bytes_per_test
from benchmarks.moto_world import REGION, WITHOUT_DOCKER
from benchmarks.typical_calls import deliver, only_call
from pytest_lambda_esm import FakeLambda

_TEST: Final = """
from benchmarks import typical_calls

def test_it({fixture}):
    typical_calls.{body}({fixture})
"""
_CONFTEST: Final = """
import pytest

@pytest.fixture
def plain_moto():
    from moto import mock_aws
    with mock_aws():
        yield
"""


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what="a typical test",
        ours=_ours,
        against="the same calls to moto",
        other=_theirs,
        rounds=40,
        fewest=15,
        goal=Goal("ratio", 0.15),
    )
    yield Comparison(
        what="set-up and end of the fixture",
        ours=_empty_fake,
        against="an empty mock_aws",
        other=_empty_moto,
        rounds=200,
        goal=Goal("ratio", 0.5),
    )
    with TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(_CONFTEST)
        Path(folder, "test_ours.py").write_text(_TEST.format(fixture="lambda_esm", body="deliver"))
        Path(folder, "test_theirs.py").write_text(_TEST.format(fixture="plain_moto", body="only_call"))
        root = str(Path(__file__).resolve().parent.parent)
        options = ("-o", f"pythonpath={root}")
        yield Comparison(
            what="a run of this test alone",
            ours=lambda: process_seconds(pytest_command(*options, "test_ours.py"), folder),
            against="the same calls to moto",
            other=lambda: process_seconds(pytest_command(*options, "-p", "no:lambda_esm", "test_theirs.py"), folder),
            rounds=4,
            goal=Goal("ratio", 1.08),
        )
    yield Comparison(
        what="memory that a test keeps",
        ours=lambda: bytes_per_test("lambda_esm"),
        against="an empty test",
        other=lambda: bytes_per_test("nothing"),
        rounds=1,
        goal=Goal("value", 5_000),
        unit="bytes",
    )


def _ours() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION) as fake:
        deliver(fake)
    return watch.seconds


def _theirs() -> float:
    with Stopwatch() as watch, mock_aws(config=WITHOUT_DOCKER):
        only_call(None)
    return watch.seconds


def _empty_fake() -> float:
    with Stopwatch() as watch, FakeLambda(region=REGION):
        pass
    return watch.seconds


def _empty_moto() -> float:
    with Stopwatch() as watch, mock_aws():
        pass
    return watch.seconds
