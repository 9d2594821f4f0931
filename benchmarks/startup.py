"""What the installed plugin adds to a run of pytest that uses none of its fixtures, as seconds and as a ratio.

pytest finds the plugin as it does for every user. Other installed plugins are blocked on both sides: they cost both the
same, but their noise would hide what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import Comparison, Goal, process_seconds, pytest_command

PLUGIN = "lambda_esm"


def comparisons() -> Iterator[Comparison]:
    others = {entry.name for entry in entry_points(group="pytest11")}
    if PLUGIN not in others:
        raise SystemExit("pytest does not know the plugin: install this package first (pip install --editable .)")
    blocked = [argument for name in sorted(others - {PLUGIN}) for argument in ("-p", f"no:{name}")]
    with TemporaryDirectory() as folder:
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        yield Comparison(
            what="an empty pytest run",
            ours=lambda: process_seconds(pytest_command(*blocked), folder),
            against=f"-p no:{PLUGIN}",
            other=lambda: process_seconds(pytest_command(*blocked, "-p", f"no:{PLUGIN}"), folder),
            rounds=30,
            goal=Goal("added", 0.002),
        )
