"""The blocks of the documentation that repeat what the code states: tables, lists and the public names.

``BLOCKS`` has a function for each name that a page may have in ``<!-- generated: name -->``.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import page_api

from pytest_lambda_esm.advice_catalogue import CATALOGUE
from pytest_lambda_esm.plugin.option_help import ALLOWED, SETTINGS

TESTS = Path(__file__).parents[1] / "tests"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table. Cells are Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def escaped(text: str) -> str:
    """Return a plain text as Markdown."""
    return "".join(f"\\{character}" if character in r"\*`_<[" else character for character in text)


def settings() -> str:
    """Return a table of all settings: name, meaning, allowed values, default."""
    from pytest_lambda_esm.config import Config

    return table(
        ("Setting", "What it is", "Allowed", "Default"),
        [
            (f"`{field.name}`", SETTINGS[field.name], page_api.markdown(ALLOWED[field.name]), _shown(field.default))
            for field in dataclasses.fields(Config)
        ],
    )


def not_simulated() -> str:
    """Return a table of what raises ``NotSimulated``."""
    from pytest_lambda_esm.api import unsupported

    return table(
        ("What", "Why not", "What to do instead"),
        [
            tuple(page_api.markdown(text) for text in (entry.thing, entry.why, entry.instead))
            for entries in (unsupported.INVOKE_MEMBERS, unsupported.CALLERS)
            for entry in entries.values()
        ],
    )


def advice() -> str:
    """Return a table of all advice, with links to the pages of the codes."""
    rows = [(f"[{code}](advice/{code}.md)", page_api.markdown(entry.title)) for code, entry in CATALOGUE.items()]
    return table(("Code", "What it is about"), rows)


def stack_types() -> str:
    """Return a table of the resource types that the package creates in stacks."""
    from pytest_lambda_esm.moto_bridge.stacks import installation

    parts: dict[str, Any] = {field.name: dict for field in dataclasses.fields(installation.Surroundings)}
    nothing = installation.Surroundings(**parts)
    rows = [(f"`{name}`", _names(kind.attribute_names)) for name, kind in sorted(installation.kinds(nothing).items())]
    return table(("Type", "`Fn::GetAtt`"), rows)


def evidence() -> str:
    """Return a list of the kinds of evidence."""
    return "\n".join(f"- **{kind}**: {page_api.markdown(text)}" for kind, text in _evidence_kinds().items())


def facts() -> str:
    """Return the number of facts by evidence, and a table of facts for each subject.

    Raises ValueError for a fact with a kind of evidence that tests/helpers/evidence.py does not list.
    """
    tables = _fact_tables()
    kinds = _evidence_kinds()
    counts = Counter(fact.evidence for _, found in tables for fact in found)
    if unknown := set(counts) - set(kinds):
        raise ValueError(f"tests/helpers/evidence.py does not list these kinds of evidence: {sorted(unknown)}")
    parts = [", ".join(f"{counts[kind]} {kind}" for kind in kinds) + f"; {counts.total()} facts."]
    for title, found in tables:
        rows = [(f"`{fact.id}`", fact.evidence, escaped(fact.text)) for fact in found]
        parts += [f"## {title}", table(("Id", "Evidence", "Fact"), rows)]
    return "\n\n".join(parts)


def _names(names: frozenset[str] | None) -> str:
    if names is None:
        return "what the function's answer has as `Data`"
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def _shown(default: object) -> str:
    if dataclasses.is_dataclass(default) and not isinstance(default, type):
        values = {field.name: getattr(default, field.name) for field in dataclasses.fields(default)}
        return ", ".join(f"`{name}={value!r}`" for name, value in values.items())
    return f"`{default.isoformat() if hasattr(default, 'isoformat') else repr(default)}`"


def _fact_tables() -> list[tuple[str, list[Any]]]:
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
        sys.path.remove(str(TESTS))


def _evidence_kinds() -> dict[str, str]:
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


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings,
    "not-simulated": not_simulated,
    "advice": advice,
    "stack-types": stack_types,
    "evidence": evidence,
    "facts": facts,
    "api": page_api.public_names,
}
