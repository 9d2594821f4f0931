"""``--lambda-esm-report=FILE.html``: the timelines of a whole run, in one file.

A test's rows travel with its report, so that they reach the process that writes the file, also under pytest-xdist.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_lambda_esm.observe.page import Chapter, render_page

ROWS: Final = "lambda_esm_rows"
"""The attribute of a report that holds the rows of its test's timeline."""


class ReportFile:
    """Collects timelines, and writes the file when the run ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chapters: list[Chapter] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the timeline of a test that has ended, or has failed in its set-up."""
        rows = getattr(report, ROWS, None)
        if rows is not None:
            self._chapters.append(Chapter(report.nodeid, report.outcome, rows))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the file and say so."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(render_page(self._chapters), encoding="utf-8")
        terminalreporter.write_sep("-", f"lambda_esm timelines: {self._path}")
