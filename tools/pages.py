"""Write the code and the tables that the pages of the documentation repeat, so that they read in any viewer.

Run ``python tools/pages.py`` after changing an example, a setting, a docstring, advice or a fact. Tests fail while a
page differs. Two kinds of blocks are written, each between two comments that no viewer shows::

    <!-- example: ../examples/test_queues.py [partial] -->
    the lines between "# [partial]" and "# [/partial]" of that file; without a name in brackets, all of it
    <!-- /example -->

    <!-- generated: settings -->
    what BLOCKS of tools/page_tables.py has under this name
    <!-- /generated -->
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LANGUAGES = {
    ".js": "javascript",
    ".sh": "sh",
    ".py": "python",
    ".yaml": "yaml",
    ".toml": "toml",
    ".txt": "text",
    ".ini": "ini",
    ".html": "html",
}
_EXAMPLE = re.compile(
    r"^(?P<begin><!-- example: (?P<path>\S+)(?: \[(?P<part>[^\]]+)\])? -->)\n.*?^<!-- /example -->$", re.M | re.S
)
_GENERATED = re.compile(r"^(?P<begin><!-- generated: (?P<name>\S+) -->)\n.*?^<!-- /generated -->$", re.M | re.S)
_OPENED = re.compile(r"^<!-- (example|generated): ", re.M)


def pages() -> list[Path]:
    """Return the README and the pages of the documentation."""
    found = ROOT.joinpath("docs").rglob("*.md")
    return [ROOT / "README.md", *sorted(page for page in found if "_build" not in page.parts)]


def with_examples(page: Path, text: str) -> str:
    """Return the text of the page, with the code of its examples. Raises ValueError for a part that does not exist."""
    _check_ends(page, text)
    return _EXAMPLE.sub(lambda match: f"{match['begin']}\n{_code(page, match)}\n<!-- /example -->", text)


def with_generated(text: str) -> str:
    """Return the text of a page, with its generated blocks."""
    return _GENERATED.sub(lambda match: f"{match['begin']}\n{_block(match['name'])}\n<!-- /generated -->", text)


def _check_ends(page: Path, text: str) -> None:
    blocks = [*_EXAMPLE.finditer(text), *_GENERATED.finditer(text)]
    if len(_OPENED.findall(text)) != len(blocks) or any(len(_OPENED.findall(block[0])) != 1 for block in blocks):
        raise ValueError(f"{page}: each <!-- example: … --> and <!-- generated: … --> needs its own closing comment")


def _code(page: Path, match: re.Match[str]) -> str:
    path = page.parent / match["path"]
    lines = path.read_text(encoding="utf-8").splitlines()
    if match["part"]:
        begin, end = f"# [{match['part']}]", f"# [/{match['part']}]"
        if lines.count(begin) != 1 or lines.count(end) != 1:
            raise ValueError(f"{page}: {path} has no lines {begin!r} and {end!r}, or several")
        lines = lines[lines.index(begin) + 1 : lines.index(end)]
    code = "\n".join(line for line in lines if not re.fullmatch(r"# \[/?[^\]]+\]", line)).strip("\n")
    return f"```{_LANGUAGES[path.suffix]}\n{code}\n```"


@cache
def _block(name: str) -> str:
    import page_tables  # Imported here, since examples need nothing of the package.

    return str(page_tables.BLOCKS[name]()).strip("\n")


def main() -> None:
    """Write all pages that differ, and print their paths."""
    sys.path.insert(0, str(ROOT))
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = with_generated(with_examples(page, before))
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
