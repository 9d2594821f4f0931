"""Texts of the repository that repeat statements made elsewhere."""

import configparser
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


LEFT_OUT = '-m "slow or hypothesis" --hypothesis-profile=usual'


def test_ci_runs_what_a_plain_run_leaves_out(pytestconfig):
    """The options of ``pyproject.toml`` leave out the tests marked slow, and ``conftest.py`` draws fewer examples."""
    assert pytestconfig.getini("addopts")[-2:] == ["-m", "not slow"]
    script = ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("this is not a checkout")
    text = script.read_text(encoding="utf-8")
    name, _, after = text.partition(LEFT_OUT)[0].rpartition("() {\n")
    assert after == '    "$python" -m pytest -n auto '
    assert f"\nstage slow {name.splitlines()[-1]}\n" in text
    assert LEFT_OUT in ROOT.joinpath("CONTRIBUTING.md").read_text(encoding="utf-8")


def test_tox_runs_all_tests():
    tox = configparser.RawConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    assert tox["all"]["tests"] == '-m "slow or not slow" --hypothesis-profile=usual'
    commands = [line for section in tox.sections() for line in tox[section].get("commands", "").splitlines()]
    runs = [command for command in commands if "-m pytest" in command]
    assert len(runs) >= 5
    assert all("{[all]tests}" in command for command in runs), runs


def test_the_first_command_of_the_readme_needs_no_package_of_the_tests():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pytest_lambda_esm.plugin", "docs/examples/test_orders_queue.py"],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert " passed in " in run.stdout, run.stdout + run.stderr
