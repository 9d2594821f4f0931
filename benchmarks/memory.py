"""The memory that a test keeps after it has ended: bytes per test, against the same calls with plain moto.

``python -m benchmarks.memory [TESTS]`` runs pytest twice for each way in which a test may end, once with ``lambda_esm``
and once with ``mock_aws``, and prints what each further test adds to the size of the process. Most of that is pytest's
own: it keeps its items and reports until the run ends. It needs Linux, which tells a process its size.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

WARM_UP: Final = 200
"""The number of tests before the first measurement: they import modules and fill caches, including those of moto."""

_CONFTEST: Final = """
import gc, os

sizes = []
count = 0

def pytest_runtest_logfinish():
    global count
    count += 1
    if count in {measured}:
        gc.collect()
        pages = int(open("/proc/self/statm").read().split()[1])
        sizes.append(pages * os.sysconf("SC_PAGE_SIZE"))

def pytest_unconfigure():
    first, last = {measured}
    if len(sizes) == 2:
        print(f"bytes per test: {{(sizes[1] - sizes[0]) / (last - first):.0f}}")
"""

_TEST: Final = """
import boto3, pytest
from moto import mock_aws

BODY = "x" * 10_000

def work():
    sqs = boto3.client("sqs", region_name="us-east-1")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    for _ in range(10):
        sqs.send_message(QueueUrl=url, MessageBody=BODY)
    sqs.receive_message(QueueUrl=url)
    boto3.client("lambda", region_name="us-east-1").list_event_source_mappings()

@pytest.fixture
def plain_moto():
    with mock_aws():
        yield

@pytest.mark.parametrize("number", range({tests}))
def test(number, {fixture}):
    work()
    {ending}
"""

ENDINGS: Final = {
    "passed": "pass",
    "failed": "assert False",
    "skipped": "pytest.skip('enough')",
}


def main() -> None:
    tests = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(f"{'what stays of a test':<24} {'ours':>10} {'plain moto':>12}")
    for ending, statement in ENDINGS.items():
        ours, theirs = (bytes_per_test(tests, fixture, statement) for fixture in ("lambda_esm", "plain_moto"))
        print(f"{ending:<24} {ours:>8,} B {theirs:>10,} B", flush=True)


def bytes_per_test(tests: int, fixture: str, ending: str) -> int:
    """Return the memory that each test of a run adds to the process."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(_CONFTEST.format(measured=(WARM_UP, WARM_UP + tests)))
        Path(folder, "test_it.py").write_text(_TEST.format(tests=WARM_UP + tests, fixture=fixture, ending=ending))
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:randomly", "-p", "no:cacheprovider"]
        run = subprocess.run([*command, folder], capture_output=True, text=True, cwd=folder, check=False)
    for line in run.stdout.splitlines():
        if line.startswith("bytes per test: "):
            return int(line.removeprefix("bytes per test: "))
    raise SystemExit(f"the tests did not run:\n{run.stdout}{run.stderr}")


if __name__ == "__main__":
    main()
