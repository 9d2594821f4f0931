"""A pytest plugin that adds what the page shows of a test to its report, as plain values.

pytest-xdist can send them from its workers to the main process.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.plugin.report.picture import picture_of
from pytest_lambda_esm.plugin.report.texts import Mask

if TYPE_CHECKING:
    from pytest_lambda_esm.fake import FakeLambda

ATTRIBUTE: Final = "lambda_esm_page"
"""The attribute of a pytest report that holds what the page shows of its test."""

TakeShown: TypeAlias = Callable[[pytest.Item], "tuple[FakeLambda, Sequence[Entry]] | None"]
"""Returns the fake and the entries that the report of a test shows, once."""

_TITLE: Final = "lambda esm "
_DRAWN: Final = f"{_TITLE}timeline"
_FIRST: Final = f"{_TITLE}diagnosis"
_LONGEST_MESSAGE: Final = 4_000
_LONGEST_FAILURE: Final = 12_000
_BUDGET: Final = 40_000
_BUDGET_OF_FAILED: Final = 160_000
"""Characters of texts in one test's picture: 1,000 tests must fit into one page."""


class Collector:
    """Runs in each process that runs tests. ``take`` returns what the report of a test should show."""

    def __init__(self, take: TakeShown) -> None:
        self._take = take
        self._masks: dict[str, Mask] = {}

    # Outside of all other wrappers, which may still add sections to the report.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the picture of a test whose body has ended, and the failure of a teardown."""
        report = yield
        shown = self._take(item)
        if shown is not None:
            mask = self._masks[item.nodeid] = _mask(*shown)
            setattr(report, ATTRIBUTE, _page_of(report, mask, *shown))
        elif report.when == "teardown":
            found = self._masks.pop(item.nodeid, None)
            if found is not None and report.failed:
                setattr(report, ATTRIBUTE, _failure(report, found))
        return report


def _mask(fake: FakeLambda, entries: Sequence[Entry]) -> Mask:
    invocations = fake._recorded_world.invocations
    configurations = {id(each._request.function): each._request.function for each in invocations}
    environments = [configuration.environment for configuration in configurations.values()]
    return Mask(environments, [entry.subject for entry in entries])


def _page_of(report: pytest.TestReport, mask: Mask, fake: FakeLambda, entries: Sequence[Entry]) -> dict[str, Any]:
    world = fake._recorded_world
    picture = picture_of(world, entries, mask, _BUDGET_OF_FAILED if report.failed else _BUDGET)
    sections = [(title, text) for title, text in report.sections if title.startswith(_TITLE) and title != _DRAWN]
    sections.sort(key=lambda section: section[0] != _FIRST)
    return {
        **_failure(report, mask),
        "outcome": outcome_of(report),
        "seconds": report.duration,
        "sections": [[title.removeprefix(_TITLE), mask.cut(text, _LONGEST_MESSAGE)] for title, text in sections],
        "kinds": dict(Counter(printable(entry.kind) for entry in entries)),
        "failed_invocations": sum(each.error is not None for each in world.invocations),
        "virtual": picture["end"],
        "picture": json.dumps(picture, ensure_ascii=False, separators=(",", ":")),
    }


def _failure(report: pytest.TestReport, mask: Mask) -> dict[str, Any]:
    """Return the id of a test, and the message of its failure, its place, and pytest's text; empty if it passed."""
    name = mask(report.nodeid)
    if report.passed or report.longrepr is None:
        return {"id": name, "message": "", "where": "", "failure": ""}
    if isinstance(report.longrepr, tuple):  # skipped
        path, line, reason = report.longrepr
        message = mask.cut(reason, _LONGEST_MESSAGE)
        return {"id": name, "message": message, "where": mask(f"{_short(path)}:{line}"), "failure": ""}
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr)
    return {
        "id": name,
        "message": mask.cut(crash.message if crash is not None else text, _LONGEST_MESSAGE),
        "where": mask(f"{_short(crash.path)}:{crash.lineno}") if crash is not None else "",
        "failure": mask.cut(text, _LONGEST_FAILURE) if crash is not None else "",
    }


def _short(path: str) -> str:
    """Return a path as seen from the current folder, if it is in there."""
    with suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def outcome_of(report: pytest.TestReport) -> str:
    """Return the outcome as pytest's summary names it: passed, failed, error, skipped, xfailed, xpassed or rerun."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return "error"
    return str(report.outcome)
