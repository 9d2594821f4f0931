"""Directives that read the tests' conformance tables, so that the pages on fidelity say what the tests check.

``conformance-facts`` counts the facts by evidence and lists each one, in one table per group. ``evidence-kinds`` lists
the kinds of evidence. Use both inside ``eval-rst``.
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


class ConformanceFacts(SphinxDirective):
    """All facts, by table."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        tables = fact_tables()
        counts = Counter(fact.evidence for _, facts in tables for fact in facts)
        kinds = evidence_kinds()
        if unknown := set(counts) - set(kinds):
            raise self.error(f"tests/helpers/evidence.py does not list these kinds of evidence: {sorted(unknown)}")
        lines = [", ".join(f"{counts[kind]} {kind}" for kind in kinds) + f"; {counts.total()} facts.", ""]
        for title, facts in tables:
            lines += [f".. rubric:: {title}", ""]
            lines += [".. list-table::", "   :header-rows: 1", "   :widths: 25 12 63", ""]
            rows = [(f"``{fact.id}``", fact.evidence, _escaped(fact.text)) for fact in facts]
            for row in [("Id", "Evidence", "Fact"), *rows]:
                lines += [f"   {'* -' if number == 0 else '  -'} {cell}" for number, cell in enumerate(row)]
            lines.append("")
        return self.parse_text_to_nodes(StringList(lines, source="tests/conformance"))


class EvidenceKinds(SphinxDirective):
    """A definition list of the kinds of evidence."""

    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        lines = [line for kind, text in evidence_kinds().items() for line in (kind, f"   {text}", "")]
        return self.parse_text_to_nodes(StringList(lines, source="tests/helpers/evidence.py"))


def fact_tables() -> list[tuple[str, list[Any]]]:
    """Return the titles and facts of the conformance tests, ordered by file name."""
    sys.path.insert(0, str(TESTS))
    try:
        tables: list[tuple[str, list[Any]]] = []
        for path in sorted((TESTS / "conformance").glob("test_*.py")):
            source = path.read_text(encoding="utf-8")
            if "\nFACTS = " not in source and "\nFACT_TITLE = " not in source:
                continue
            module = _load(f"conformance_{path.stem}", path)
            if hasattr(module, "FACTS"):
                tables.append((module.FACTS.title, list(module.FACTS)))
            else:
                tables.append((module.FACT_TITLE, list(module.ROWS)))
        return tables
    finally:
        sys.path.pop(0)


def evidence_kinds() -> dict[str, str]:
    """Return the kinds of evidence with their descriptions."""
    kinds: dict[str, str] = _load("conformance_evidence", TESTS / "helpers" / "evidence.py").EVIDENCE
    return kinds


def _load(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in r"\*`_|" else character for character in text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("conformance-facts", ConformanceFacts)
    app.add_directive("evidence-kinds", EvidenceKinds)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
