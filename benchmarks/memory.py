"""The memory that a test keeps after it has ended: bytes for each further test of a run.

``python -m benchmarks.memory`` runs pytest for each way in which a test may end, with ``lambda_esm`` and with a test
that does nothing: pytest keeps its items and reports until the run ends. ``tracemalloc`` counts, after a garbage
collection.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

WARM_UP: Final = 25
"""The number of tests before the first measurement: they import modules and fill caches, including those of moto."""
_MEASURED: Final = 25
"""The number of tests after that."""

_CONFTEST: Final = """
import gc, tracemalloc

import boto3, moto.awslambda.models, moto.iam.models, moto.sqs.models
import pytest
import pytest_lambda_esm.simulation.installation  # Modules stay anyway, and tracing makes their imports slow.

count = 0
sizes = []

def pytest_configure():
    tracemalloc.start()

def pytest_runtest_logfinish():
    global count
    count += 1
    if count in {measured}:
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])

def pytest_unconfigure():
    first, last = {measured}
    print(f"bytes per test: {{(sizes[1] - sizes[0]) / (last - first):.0f}}")

@pytest.fixture
def nothing():
    yield
"""

_TEST: Final = """
import pytest

BODY = "x" * 30_000

def work():
    import boto3

    sqs = boto3.client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=BODY)
    sqs.receive_message(QueueUrl=url)
    boto3.client("lambda", region_name="us-east-1").list_event_source_mappings()

@pytest.mark.parametrize("number", range({tests}))
def test(number, {fixture}):
    {body}
    {ending}
"""

ENDINGS: Final = {
    "passed": "pass",
    "failed": "assert False",
    "skipped": "pytest.skip('enough')",
}


def main() -> None:
    print(f"{'what stays of a test':<24} {'ours':>10} {'an empty test':>14}")
    for ending, statement in ENDINGS.items():
        ours, theirs = (bytes_per_test(fixture, statement) for fixture in ("lambda_esm", "nothing"))
        print(f"{ending:<24} {ours:>8,.0f} B {theirs:>12,.0f} B", flush=True)


def bytes_per_test(fixture: str, ending: str = "pass") -> float:
    """Return the memory that each test of a run adds to the process."""
    tests = WARM_UP + _MEASURED
    body = "work()" if fixture == "lambda_esm" else "pass"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(_CONFTEST.format(measured=(WARM_UP, tests)))
        Path(folder, "test_it.py").write_text(_TEST.format(tests=tests, fixture=fixture, body=body, ending=ending))
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:randomly", "-p", "no:cacheprovider"]
        run = subprocess.run([*command, folder], capture_output=True, text=True, cwd=folder, check=False)
    for line in run.stdout.splitlines():
        if line.startswith("bytes per test: "):
            return float(line.removeprefix("bytes per test: "))
    raise SystemExit(f"the tests did not run:\n{run.stdout}{run.stderr}")


if __name__ == "__main__":
    main()
