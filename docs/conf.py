"""Sphinx configuration. Warnings are errors: ``python -m sphinx -W -b html docs docs/_build/html``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "pytest-lambda-esm"
author = "The pytest-lambda-esm authors"
copyright = "2026, The pytest-lambda-esm authors"

extensions = ["myst_parser"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["pages.css"]

myst_heading_anchors = 4


def add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Make a toctree of a page's comment ``<!-- contents: a b c -->``, which other viewers do not show."""
    source[0] = re.sub(
        r"<!-- contents: (.*?) -->",
        lambda match: "\n".join(["```{toctree}", ":hidden:", ":glob:", "", *match[1].split(), "```"]),
        source[0],
    )


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
