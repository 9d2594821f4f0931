"""The page: one HTML file that contains its styles, its scripts and its data, and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

import jinja2
from markupsafe import Markup

from pytest_lambda_esm.timing import MICROSECONDS
from pytest_lambda_esm.wording import counted

_PACKAGE: Final = "pytest_lambda_esm.plugin.report"
_SCRIPTS: Final = ("layout.js", "picture.js", "details.js", "page.js")
_EXPANDED: Final = 10
"""How many failed tests are expanded from the beginning."""
_BAD: Final = frozenset({"failed", "error"})
_FOR_SCRIPTS: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def page(tests: Sequence[dict[str, Any]]) -> str:
    """Return the page of tests, as ``collect.py`` describes them; failed ones come first."""
    ordered = sorted(tests, key=lambda test: test["outcome"] not in _BAD)
    bad = [test["id"] for test in ordered if test["outcome"] in _BAD]
    style, script = _resource("report.css"), _script()
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(duration=duration_text, embedded=embedded, counted=counted)
    return environment.from_string(_resource("page.html.j2")).render(
        tests=ordered,
        bad=_BAD,
        expanded=min(len(bad), _EXPANDED),
        outcomes=Counter(test["outcome"] for test in ordered),
        kinds=sum((Counter(test["kinds"]) for test in ordered), Counter()),
        failed_invocations=sum(test["failed_invocations"] for test in ordered),
        style=Markup(style),
        script=Markup(script),
        style_hash=_digest(style),
        script_hash=_digest(script),
    )


def embedded(text: str) -> Markup:
    """Return JSON that may be put into a script element: nothing in it can end the element or begin another."""
    return Markup(text.translate(_FOR_SCRIPTS))


def duration_text(microseconds: int) -> str:
    """Return a time span for people: ``1 h 5 min``, ``35 s``, ``250 ms``, ``0 s``."""
    span = timedelta(microseconds=microseconds)
    if span < timedelta(seconds=1):
        return f"{microseconds / 1_000:.3g} ms" if microseconds else "0 s"
    if span < timedelta(minutes=1):
        return f"{microseconds / MICROSECONDS:.3g} s"
    seconds = round(span.total_seconds())
    sizes = {"d": seconds // 86_400, "h": seconds // 3_600 % 24, "min": seconds // 60 % 60, "s": seconds % 60}
    return " ".join(f"{size} {unit}" for unit, size in sizes.items() if size)


def _script() -> str:
    """Return the scripts as one, which leaves no names in the page."""
    return "\n".join(['"use strict";', "(() => {", *map(_resource, _SCRIPTS), "})();"])


def _resource(name: str) -> str:
    return files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return a hash for the page's policy, which allows these styles and scripts and no others."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
