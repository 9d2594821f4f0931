"""The Python code of the pages that is not from a tested example: it can be parsed, and its tests pass."""

import ast
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
_WRITTEN = re.compile(r"<!-- (example|generated): [^\n]*-->\n.*?<!-- /\1 -->", re.S)
_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.M | re.S)
_TEMPLATE = "Parameters:\n  Stage: {Type: String, Default: a}\nResources:\n  Orders:\n    Type: AWS::SQS::Queue\n"


def _blocks():
    pages = [page for page in sorted(ROOT.joinpath("docs").rglob("*.md")) if "_build" not in page.parts]
    for page in [ROOT / "README.md", *pages]:
        text = _WRITTEN.sub("", page.read_text(encoding="utf-8"))
        for match in _BLOCK.finditer(text):
            yield page.stem, textwrap.dedent(match[2])


def test_the_code_in_the_pages_can_be_parsed():
    for _, code in _blocks():
        ast.parse(code)


def test_the_tests_in_the_pages_pass(pytester):
    pytester.path.joinpath("template.yaml").write_text(_TEMPLATE, encoding="utf-8")
    folder = pytester.mkdir("tests")
    for number, (page, code) in enumerate(_blocks()):
        # Asynchronous tests need plugins of which each of them has one: tests/plugin has such tests.
        if "def test_" in code and ": ..." not in code and "async def test_" not in code:
            folder.joinpath(f"test_{page.replace('-', '_')}_{number}.py").write_text(code, encoding="utf-8")
    result = pytester.runpytest("--import-mode=importlib", "-W", "default")
    assert set(result.parseoutcomes()) <= {"passed", "warning", "warnings"}
