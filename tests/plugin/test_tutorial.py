"""The tutorial: its steps, one after the other, end and report as the page says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = ROOT / "docs" / "examples" / "tutorial"


@pytest.fixture(scope="module")
def reports():
    """The module tools/reports.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        import reports

        return reports


@pytest.mark.parametrize(
    ("step", "outcomes"),
    [(1, {"passed": 1}), (2, {"passed": 1, "failed": 1}), (3, {"passed": 1, "failed": 1}), (4, {"passed": 2})],
)
def test_each_step_of_the_tutorial_ends_and_reports_as_the_page_says(pytester, reports, step, outcomes):
    for name, text in reports.files(step).items():
        pytester.path.joinpath(name).write_text(text, encoding="utf-8")
    result = pytester.runpytest("-p", "no:randomly", "-p", "no:xdist", "-W", "default", "--disable-warnings")
    result.assert_outcomes(**outcomes)
    if "failed" in outcomes:
        shown = STEPS.joinpath(f"step-{step}", "report.txt").read_text(encoding="utf-8")
        assert _explanation(shown) in result.stdout.str(), "run: python tools/reports.py; python tools/pages.py"


def _explanation(report):
    """The part of a report that this package writes; the rest depends on the version of pytest."""
    return report[re.search(r"^-+ lambda esm diagnosis", report, re.M).start() :].strip()
