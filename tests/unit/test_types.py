"""The public types: they agree with what is checked at run time, find typos, and accept every documented example.

The fixtures of examples get annotations first. mypy uses the settings and the cache of the project, so it takes a few
seconds where ``mypy`` has run before.
"""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from pytest_lambda_esm import Config, ConfigurationError, TransitionTimes, Weather, vocabulary
from pytest_lambda_esm.observe import fates
from pytest_lambda_esm.setting_types import Rates, Settings, Times

ROOT = Path(__file__).parents[2]
TYPED = ROOT / "tests" / "typing"
PAGES = [ROOT / "README.md", *sorted(ROOT.joinpath("docs").rglob("*.md"))]
PAGES = [page for page in PAGES if page.name != "api.md"]  # Signatures, which are no examples.
EXAMPLES = sorted(ROOT.joinpath("docs", "examples").rglob("*.py"))
BLOCK = re.compile(r"^( *)```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FIXTURES = {
    "lambda_esm": "pytest_lambda_esm.FakeLambda",
    "lambda_esm_clock": "pytest_lambda_esm.VirtualClock",
    "fake": "pytest_lambda_esm.FakeLambda",
}
HEAD = (
    "# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators\n"
    "# mypy: check-untyped-defs, strict-equality, ignore-missing-imports, no-warn-unreachable\n"
    "# mypy: no-warn-return-any, allow-any-generics, allow-subclassing-any\n"
    '# mypy: disable-error-code="var-annotated,import-not-found"\n'  # An empty list needs no annotation in an example.
)
# A page shows the interesting part of a test, so names are missing there.
IN_PAGES = (
    '# mypy: disable-error-code="name-defined,var-annotated,import-not-found,import-untyped"\n'
    "import pytest_lambda_esm\n"
    "lambda_esm = pytest_lambda_esm.FakeLambda()\n"
)
PARAMETER = re.compile(rf"(?<=[(,])(\s*)({'|'.join(FIXTURES)})(?=\s*[,)])")


def test_the_typed_dictionaries_have_the_names_of_what_they_describe():
    for typed, described in ((Settings, Config), (Times, TransitionTimes), (Rates, Weather)):
        assert list(typed.__annotations__) == [field.name for field in dataclasses.fields(described)]


WORDS = {name: get_args(hint) for name, hint in get_type_hints(Settings).items() if get_origin(hint) is Literal}


@pytest.mark.parametrize("name", WORDS)
def test_a_setting_takes_the_words_of_its_type_and_no_others(name):
    for word in WORDS[name]:
        assert getattr(Config.from_layers([("test", {name: word})]), name) == word
    with pytest.raises(ConfigurationError) as refused:
        Config.from_layers([("test", {name: "no such word"})])
    assert re.findall(r"'([\w-]+)'", str(refused.value).partition("expected one of")[2]) == list(WORDS[name])


def test_the_names_of_fates_are_those_of_their_type():
    words = {value for name, value in vars(fates).items() if name.isupper() and isinstance(value, str)}
    assert words == set(get_args(vocabulary.FateName))


def annotated(code):
    """Return the code of an example, with the types of fixtures, on the same lines."""
    lines = []
    for line in code.splitlines():
        if line.lstrip().startswith("def "):
            line = PARAMETER.sub(lambda found: f'{found[1]}{found[2]}: "{FIXTURES[found[2]]}"', line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def example_files(folder):
    for number, path in enumerate(EXAMPLES):
        place = folder / f"example_{number}_{path.stem}.py"
        place.write_text(f"{HEAD}import pytest_lambda_esm\n{annotated(path.read_text(encoding='utf-8'))}", "utf-8")
        yield place, path
    for page in PAGES:
        for number, (indent, code) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            place = folder / f"page_{page.stem.replace('-', '_')}_{number}.py"
            lines = (line.removeprefix(indent) for line in code.splitlines())
            place.write_text(f"{HEAD}{IN_PAGES}{annotated(chr(10).join(lines))}", "utf-8")
            yield place, page


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    return folder, dict(example_files(folder))


def test_there_are_examples_with_fixtures_that_have_types(examples):
    _, files = examples
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert len(files) > 60
    assert sum('lambda_esm: "pytest_lambda_esm.FakeLambda"' in text for text in texts) > 10


@pytest.mark.slow
def test_mypy_accepts_every_example(examples):
    pytest.importorskip("mypy")
    _, files = examples
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_pyright_finds_every_mistake_and_accepts_every_example(examples):
    program = shutil.which("pyright")
    if program is None:
        pytest.skip("pyright is not installed (npm install --global pyright)")
    folder, _ = examples
    settings = {
        "include": ["."],
        "strict": ["project/mistakes.py"],
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.10",
        "useLibraryCodeForTypes": False,  # boto3 has no types of its own.
        "reportMissingModuleSource": False,
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
        "reportUndefinedVariable": False,
        "reportMissingImports": False,
        "reportOptionalMemberAccess": False,
    }
    folder.joinpath("project").mkdir()
    for name in ("api.py", "mistakes.py"):
        shutil.copy(TYPED / name, folder / "project" / name)
    folder.joinpath("pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    command = [program, "--project", str(folder), "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
