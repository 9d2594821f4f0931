import textwrap
from importlib.util import find_spec

import pytest

if find_spec("samtranslator") is None:  # AWS's translator, of the extra "deploy".
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def project(tmp_path):
    """Return a function that writes a project's files, and returns the path of its template."""

    def write(template, **files):
        (tmp_path / "template.yaml").write_text(textwrap.dedent(template), encoding="utf-8")
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path / "template.yaml"

    return write
