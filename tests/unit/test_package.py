"""The package as an index and pip see it: what the wheel holds, its metadata, and ``python -m pytest_lambda_esm``."""

import io
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest

from pytest_lambda_esm.__main__ import report

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pytest_lambda_esm"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    [file] = folder.glob("*.whl")
    return zipfile.ZipFile(io.BytesIO(file.read_bytes()))


def information(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode("utf-8"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert held == {path.relative_to(ROOT).as_posix() for path in files}
    assert "pytest_lambda_esm/py.typed" in held


def test_the_wheel_has_the_license_and_the_entry_point(wheel):
    extra = {name.partition("/")[2] for name in wheel.namelist() if ".dist-info/" in name}
    assert extra == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    [name] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert wheel.read(name).decode().split() == ["[pytest11]", "lambda_esm", "=", "pytest_lambda_esm.plugin"]


def test_an_index_can_sort_and_show_it(wheel):
    found = information(wheel)
    classifiers = found.get_all("Classifier")
    assert {"Framework :: Pytest", "Typing :: Typed", "Programming Language :: Python :: 3.10"} <= set(classifiers)
    assert found["License-Expression"] == "MIT"
    assert found["Requires-Python"] == ">=3.10"
    assert "pytest" in found["Keywords"].split(",")
    assert found.get_all("Project-URL")
    assert found.get_payload().startswith("# pytest-lambda-esm\n")


def test_every_extra_requires_something(wheel):
    found = information(wheel)
    requires = found.get_all("Requires-Dist")
    for extra in found.get_all("Provides-Extra"):
        assert any(f"extra == '{extra}'" in each for each in requires), extra


def test_an_index_can_render_the_readme(wheel):
    markdown = pytest.importorskip("readme_renderer.markdown")
    html = markdown.render(information(wheel).get_payload(), variant="GFM")
    assert html is not None
    assert html.count("<pre") == ROOT.joinpath("README.md").read_text(encoding="utf-8").count("```") / 2


def test_the_report_for_bugs_has_versions_and_surroundings(monkeypatch):
    monkeypatch.setenv("MOTO_ALLOW_NONEXISTENT_REGION", "true")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    text = report()
    assert f"moto {metadata.version('moto')}" in text
    assert f"pytest {pytest.__version__}" in text
    assert "MOTO_ALLOW_NONEXISTENT_REGION=true" in text
    assert "pytest_lambda_esm.fake can be imported" in text
    assert "a secret" not in text


@pytest.mark.parametrize("state", ["broken", "missing"])
def test_the_report_for_bugs_works_without_moto(tmp_path, state):
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text(
        "raise RuntimeError('moto is broken')" if state == "broken" else "raise ModuleNotFoundError('no moto')"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest_lambda_esm"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "the fake cannot be imported:" in done.stdout
    assert ("moto is broken" if state == "broken" else "no moto") in done.stdout
