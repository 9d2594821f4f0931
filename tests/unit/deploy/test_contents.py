"""The hash of a source folder: what changes it, and what does not."""

from pathlib import Path

import pytest

from pytest_lambda_esm.deploy.contents import Contents


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "app.py").write_text("one")
    (tmp_path / "lib" / "names.py").write_text("two")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"), [("app.py", "ONE"), ("lib/names.py", "three"), ("lib/more.json", "{}"), (".env", "A=1")]
)
def test_a_file_counts(folder, name, text):
    before = Contents().digest(folder)
    (folder / name).write_text(text)
    assert Contents().digest(folder) != before


@pytest.mark.parametrize("name", [".git/index", "lib/.cache/x", "__pycache__/app.cpython-312.pyc", "lib/names.pyc"])
def test_what_a_test_run_writes_does_not_count(folder, name):
    before = Contents().digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    assert Contents().digest(folder) == before


def test_a_renamed_file_counts(folder):
    before = Contents().digest(folder)
    (folder / "app.py").rename(folder / "main.py")
    assert Contents().digest(folder) != before


def test_links_are_followed_and_end(folder):
    (folder / "lib" / "around").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "nothing")
    before = Contents().digest(folder)
    assert Contents().digest(folder) == before


def test_a_deployment_reads_a_folder_once(folder, monkeypatch):
    opened = []
    original = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *args: opened.append(self) or original(self, *args))
    contents = Contents()
    assert contents.digest(folder) == contents.digest(folder)
    assert len(opened) == 2
