"""Write the reports of the tutorial's failing tests, as pytest prints them, into docs/examples/tutorial.

Run ``python tools/reports.py`` after changing the tutorial's files or what a report says, and then
``python tools/pages.py``. A test runs the same steps and fails while a report differs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
STEPS = ROOT / "docs" / "examples" / "tutorial"
_OPTIONS = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist")
_FAILURE = re.compile(r"^> +assert .*?(?=^=+ )", re.M | re.S)


def files(step: int) -> dict[str, str]:
    """Return the files by name that a reader of the tutorial has after a step, without the marks of their parts."""
    found: dict[str, str] = {}
    for number in range(1, step + 1):
        for path in sorted(STEPS.joinpath(f"step-{number}").glob("*.py")):
            lines = path.read_text(encoding="utf-8").splitlines()
            code = [line for line in lines if not re.fullmatch(r"# \[/?[^\]]+\]", line)]
            found[path.name] = "\n".join(code).rstrip() + "\n"
    return found


def report(step: int) -> str:
    """Return the report of the test that fails in a step, from the assertion on."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files(step).items():
            Path(folder, name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", *_OPTIONS]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    failure = _FAILURE.search(run.stdout)
    if failure is None:
        raise ValueError(f"no test failed in step {step} of the tutorial:\n{run.stdout}{run.stderr}")
    return "\n".join(line.rstrip() for line in failure[0].splitlines()) + "\n"


def main() -> None:
    """Write the report of each step that has one."""
    for path in sorted(STEPS.glob("step-*/report.txt")):
        path.write_text(report(int(path.parent.name.removeprefix("step-"))), encoding="utf-8")


if __name__ == "__main__":
    main()
