"""The cost of the plugin in a pytest run that does not use it: one empty test, with the plugin and without it.

pytest finds the plugin as it does for every user. Other installed plugins are blocked on both sides: they
cost both the same, but their noise would hide what is measured.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch

PLUGIN = "lambda_esm"


def comparisons() -> Iterator[Comparison]:
    others = {entry.name for entry in entry_points(group="pytest11")}
    if PLUGIN not in others:
        raise SystemExit("pytest does not know the plugin: install this package first (pip install --editable .)")
    others.remove(PLUGIN)
    with TemporaryDirectory() as folder:
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        yield Comparison(
            what="an empty pytest run",
            ours=_run(folder, blocked=others),
            against=f"-p no:{PLUGIN}",
            other=_run(folder, blocked={*others, PLUGIN}),
            rounds=61,
            goal=Goal("added seconds", 0.005),
        )


def _run(folder: str, blocked: set[str]) -> Sample:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for name in sorted(blocked):
        command += ["-p", f"no:{name}"]

    def sample() -> float:
        with Stopwatch() as watch:
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return watch.seconds

    return sample
