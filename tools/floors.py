"""Write CONTRIBUTING's table of floors from the layers contract in pyproject.toml.

Run ``python tools/floors.py`` after changing the contract, or the first line of a folder's or root module's docstring.
A test fails while the table differs.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # a dependency of pytest on Python 3.10

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_lambda_esm"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
BEGIN = "<!-- floors: written by tools/floors.py -->"
END = "<!-- /floors -->"


def table() -> str:
    """Return the table: one row per floor, the top floor first."""
    floors = _floors()
    rows = ["| Floor | Contents |", "|---|---|"]
    rows += [f"| {len(floors) - 1 - place} | {_cell(floor)} |" for place, floor in enumerate(floors)]
    return "\n".join(rows)


def with_table(text: str) -> str:
    """Return the text with the table between the two markers."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"CONTRIBUTING.md has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _floors() -> list[list[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [re.split(r"\s*[|:]\s*", layer) for layer in layers]


def _cell(names: list[str]) -> str:
    return "<br>".join(f"{_title(name)}: {_first_line(name)}" for name in names)


def _title(name: str) -> str:
    return f"`{name}/`" if (PACKAGE / name).is_dir() else f"`{name}.py`"


def _first_line(name: str) -> str:
    path = PACKAGE / name / "__init__.py" if (PACKAGE / name).is_dir() else PACKAGE / f"{name}.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        raise ValueError(f"{path} has no docstring")
    return docstring.splitlines()[0].replace("``", "`").replace("|", r"\|")


if __name__ == "__main__":
    CONTRIBUTING.write_text(with_table(CONTRIBUTING.read_text(encoding="utf-8")), encoding="utf-8")
