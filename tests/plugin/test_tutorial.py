"""The tutorial: its steps, one after the other, end and report as the page says."""

import re
from pathlib import Path

import pytest

STEPS = Path(__file__).parents[2] / "docs" / "examples" / "tutorial"


def _until(pytester, step):
    """Put the files into the test's folder that a reader of the tutorial has after a step."""
    for number in range(1, step + 1):
        for path in sorted(STEPS.joinpath(f"step-{number}").glob("*.py")):
            lines = path.read_text(encoding="utf-8").splitlines()
            code = [line for line in lines if not re.fullmatch(r"# \[/?[^\]]+\]", line)]
            pytester.path.joinpath(path.name).write_text("\n".join(code) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("step", "outcomes"),
    [(1, {"passed": 1}), (2, {"passed": 1, "failed": 1}), (3, {"passed": 1, "failed": 1}), (4, {"passed": 2})],
)
def test_each_step_of_the_tutorial_ends_and_reports_as_the_page_says(pytester, step, outcomes):
    _until(pytester, step)
    result = pytester.runpytest("-p", "no:randomly", "-p", "no:xdist", "-W", "default", "--disable-warnings")
    result.assert_outcomes(**outcomes)
    if "failed" in outcomes:
        report = STEPS.joinpath(f"step-{step}", "report.txt").read_text(encoding="utf-8")
        assert _explanation(report) in result.stdout.str()


def _explanation(report):
    """The part of a report that this package writes; the rest depends on the version of pytest."""
    return report[re.search(r"^-+ lambda esm diagnosis", report, re.M).start() :].strip()
