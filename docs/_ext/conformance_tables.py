"""A directive that reads the conformance tables of the tests, so that the page on fidelity says what they check.

``conformance-facts`` lists every fact with its id and evidence, one table a group of facts, after a summary.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TESTS = Path(__file__).parents[2] / "tests"
EVIDENCE = ("recorded", "framework", "documented", "reported", "chosen")


def fact_tables() -> list[tuple[str, list[Any]]]:
    """The titles and the facts of the conformance tests, in the order of the files' names."""
    sys.path.insert(0, str(TESTS))
    try:
        tables: list[tuple[str, list[Any]]] = []
        for path in sorted((TESTS / "conformance").glob("test_*.py")):
            source = path.read_text(encoding="utf-8")
            if "\nFACTS = " not in source and "\nFACT_TITLE = " not in source:
                continue
            spec = importlib.util.spec_from_file_location(f"conformance_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module  # dataclasses look their module up
            spec.loader.exec_module(module)
            if hasattr(module, "FACTS"):
                tables.append((module.FACTS.title, list(module.FACTS)))
            else:
                tables.append((module.FACT_TITLE, list(module.ROWS)))
        return tables
    finally:
        sys.path.pop(0)


class ConformanceFacts(SphinxDirective):
    """All facts, by table. To be used inside ``eval-rst``."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        tables = fact_tables()
        counted = Counter(fact.evidence for _, facts in tables for fact in facts)
        lines = [", ".join(f"{counted[kind]} {kind}" for kind in EVIDENCE) + f"; {counted.total()} facts.", ""]
        for title, facts in tables:
            lines += [f".. rubric:: {title}", ""]
            lines += [".. list-table::", "   :header-rows: 1", "   :widths: 25 12 63", ""]
            rows = [(f"``{fact.id}``", fact.evidence, _escaped(fact.text)) for fact in facts]
            for row in [("Id", "Evidence", "Fact"), *rows]:
                lines += [f"   {'* -' if number == 0 else '  -'} {cell}" for number, cell in enumerate(row)]
            lines.append("")
        return self.parse_text_to_nodes(StringList(lines, source="tests/conformance"))


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in r"\*`_|" else character for character in text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("conformance-facts", ConformanceFacts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
