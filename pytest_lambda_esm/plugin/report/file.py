"""A pytest plugin that gathers what was collected of all tests, and writes the page when the run ends."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import pytest

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.plugin.report.collect import ATTRIBUTE
from pytest_lambda_esm.plugin.report.page import page


class ReportFile:
    """Runs in the main process.

    The previous file is replaced as a whole, and only by a complete new one. Raises OSError at once where the file
    cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self._tests: list[dict[str, Any]] = []
        self._outcome = ""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if S_ISDIR(self._path.stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        self._temporary.touch()
        self._temporary.unlink()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what was collected of a test, and add the failure of its teardown."""
        shown = getattr(report, ATTRIBUTE, None)
        if shown is None:
            return
        if report.when != "teardown":
            self._tests.append(shown)
            return
        test = next(test for test in reversed(self._tests) if test["id"] == shown["id"])
        if test["message"]:
            test["sections"].append(["teardown", shown["failure"] or shown["message"]])
        else:
            test.update(shown, outcome="error")

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        try:
            self._temporary.write_text(page(self._tests), encoding="utf-8")
            self._temporary.replace(self._path)
            self._outcome = f"lambda_esm report: {self._path}"
        except OSError as error:
            self._outcome = cannot_write(self._path, error)
        finally:
            self._temporary.unlink(missing_ok=True)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the path of the file, or why there is none."""
        terminalreporter.write_sep("-", printable(self._outcome))

    @property
    def _temporary(self) -> Path:
        return self._path.with_name(f".lambda-esm-{os.getpid()}.tmp")


def cannot_write(path: object, error: OSError) -> str:
    """Return the line that says why the report cannot be written."""
    return f"--lambda-esm-report cannot write {str(path)!r}: {error.strerror or error}"
