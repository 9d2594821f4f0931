"""``--lambda-esm-report``: the timelines of all tests as one self-contained HTML page."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from stat import S_ISDIR
from typing import Final, TypeAlias

import pytest

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.observe.timeline import Entry, shortened
from pytest_lambda_esm.timing import MICROSECONDS, moment_of

ROWS: Final = "lambda_esm_rows"
"""The attribute of a pytest report that holds the rows of its test's timeline."""

Row: TypeAlias = tuple[int, str, str, str]
"""Instant, kind, subject and text of an entry: plain values, which pytest-xdist can send between processes."""

_STYLE: Final = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24 }
details { border: 1px solid #d0d7de; border-radius: 6px; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer; font-family: ui-monospace, monospace }
.failed > summary { color: #b3261e }
table { border-collapse: collapse; width: 100%; margin-top: .5rem }
td { padding: .1rem .75rem .1rem 0; vertical-align: top; font-family: ui-monospace, monospace; font-size: 13px }
td:first-child { text-align: right; color: #57606a; white-space: nowrap }
.kind { white-space: nowrap; color: #0550ae }
@media (prefers-color-scheme: dark) {
  body { background: #0d1117; color: #e6edf3 } details { border-color: #30363d }
  .kind { color: #79c0ff } .failed > summary { color: #ff7b72 } td:first-child { color: #8b949e }
}
"""


class ReportFile:
    """A pytest plugin that collects timelines and writes the file when the run ends.

    The previous file is replaced as a whole, and only by a complete new one. Raises OSError at once where the file
    cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self._tests: list[_ReportedTest] = []
        self._outcome = ""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if S_ISDIR(self._path.stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        self._temporary.touch()
        self._temporary.unlink()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the timeline of a test whose call has ended, or whose setup has failed."""
        rows = getattr(report, ROWS, None)
        if rows is not None:
            self._tests.append(_ReportedTest(report.nodeid, report.outcome, rows))

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        try:
            self._temporary.write_text(_page(self._tests), encoding="utf-8")
            self._temporary.replace(self._path)
            self._outcome = f"lambda_esm timelines: {self._path}"
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


def rows_of(entries: Sequence[Entry]) -> list[Row]:
    """Return the rows of a timeline."""
    return [(entry.instant, entry.kind, shortened(entry.subject), shortened(entry.text)) for entry in entries]


@dataclass(frozen=True, slots=True)
class _ReportedTest:
    """A test: its node id, its outcome (``"passed"``, ``"failed"`` ...) and the rows of its timeline."""

    node_id: str
    outcome: str
    rows: Sequence[Row]


def _page(tests: Sequence[_ReportedTest]) -> str:
    body = "\n".join(_section(test) for test in tests) or "<p>No test has used the fake.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>lambda_esm timelines</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>lambda_esm timelines</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(test: _ReportedTest) -> str:
    """Return the section of a test, which is expanded if the test failed."""
    expanded = " open" if test.outcome == "failed" else ""
    head = f"<summary>{escape(printable(test.node_id))}: {escape(test.outcome)}</summary>"
    return f'<details class="{escape(test.outcome)}"{expanded}>{head}{_table(test.rows)}</details>'


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>Nothing happened.</p>"
    first = rows[0][0]
    lines = [
        f"<tr><td>{(instant - first) / MICROSECONDS:.3f}</td><td class='kind'>{escape(kind)}</td>"
        f"<td>{escape(subject)}</td><td>{escape(text)}</td></tr>"
        for instant, kind, subject, text in rows
    ]
    start = f"<p>Virtual time starts at {moment_of(first):%Y-%m-%d %H:%M:%S} UTC; times in seconds since then.</p>"
    return f"{start}<table>{''.join(lines)}</table>"
