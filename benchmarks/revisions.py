"""Runs the benchmarks against two revisions of the package, in turns, and prints both.

Both are measured by the benchmarks of this working copy. The other revision is checked out in a temporary folder, with
``git worktree``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.harness import Measured, quantity

TURNS: Final = 2
_HERE: Final = Path(__file__).resolve().parent
_COLUMNS: Final = "{:<38} {:>9} {:>9} {:>8}  {:<26} {:>9} {:>9}"


def compare(revision: str, groups: Sequence[str]) -> None:
    """Print what this working copy and another revision need, by row, and the ratio of each to what it is against."""
    print(_COLUMNS.format("what", "now", revision[:9], "ratio", "against", "ratio now", "then"), flush=True)
    with _checked_out(revision) as other:
        for group in groups:
            found: list[dict[str, Measured]] = [{}, {}]
            for _ in range(TURNS):
                for rows, tree in zip(found, (_HERE.parent, other), strict=True):
                    _merge(rows, _run(tree, group))
            for what, now in found[0].items():
                print(_row(now, found[1].get(what)), flush=True)


def _row(now: Measured, then: Measured | None) -> str:
    values = [quantity(now.ours, now.unit), "-", "-", now.against, f"{now.ratio:.2f} x", "-"]
    if then is not None:
        ratio = now.ours / then.ours if then.ours else float("inf")
        values[1:3] = [quantity(then.ours, then.unit), f"{ratio:.2f} x"]
        values[5] = f"{then.ratio:.2f} x"
    return _COLUMNS.format(now.what, *values)


def _merge(rows: dict[str, Measured], others: list[Measured]) -> None:
    for other in others:
        key = f"{other.what} / {other.against}"
        known = rows.get(key, other)
        rows[key] = replace(
            other, ours=min(known.ours, other.ours), theirs=min(known.theirs, other.theirs), what=other.what
        )


def _run(tree: Path, group: str) -> list[Measured]:
    """Return the rows of a group for the package in a folder; none if this revision cannot run it."""
    with TemporaryDirectory() as folder:
        shutil.copytree(_HERE, Path(folder, "benchmarks"), ignore=shutil.ignore_patterns("__pycache__"))
        path = os.pathsep.join([folder, str(tree)])
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks", "--json", group],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode:
        print(f"({group} ended early for {tree}: {(run.stderr.strip() or 'no reason given').splitlines()[-1]})")
    return [Measured.from_json(json.loads(line)) for line in lines]


@contextmanager
def _checked_out(revision: str) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        git = ["git", "-C", str(_HERE.parent), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
