"""Texts of the repository that repeat statements made elsewhere."""

import importlib.util
from pathlib import Path

from pytest_lambda_esm.advice_catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]


def test_the_template_in_the_readme_is_a_part_of_the_file_that_it_comes_from():
    shown = ROOT.joinpath("README.md").read_text(encoding="utf-8").split("```yaml\n")[-1].partition("```")[0]
    assert shown in ROOT.joinpath("docs/examples/shop/template.yaml").read_text(encoding="utf-8")


def test_the_table_of_floors_is_the_layers_contract():
    spec = importlib.util.spec_from_file_location("floors", ROOT / "tools" / "floors.py")
    floors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(floors)
    text = floors.CONTRIBUTING.read_text(encoding="utf-8")
    assert floors.with_table(text) == text, "run: python tools/floors.py"


def test_each_code_of_advice_has_a_page():
    pages = ROOT / "docs" / "reference" / "advice"
    assert sorted(page.stem for page in pages.glob("*.md")) == sorted(CATALOGUE)
    for code, entry in CATALOGUE.items():
        text = (ROOT / entry.page).read_text(encoding="utf-8")
        assert text.startswith(f"# {code}: {entry.title}\n")
        sections = [line for line in text.splitlines() if line.startswith("## ")]
        where = "in production" if code < "ESM2" else "in Lambda"
        assert sections == [f"## What happens {where}", "## What to do", "## When it is given", "## Source"]
        assert "```python\n" in text
        assert all(source.lower() in text.lower() for source in entry.sources)
