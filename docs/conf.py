"""Sphinx configuration. Warnings are errors: ``python -m sphinx -W -b html docs docs/_build/html``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "pytest-lambda-esm"
author = "The pytest-lambda-esm authors"
copyright = "2026, The pytest-lambda-esm authors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "conformance_tables", "package_tables"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = project

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "__new__, __init__"}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
