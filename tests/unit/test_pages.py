"""The README and the documentation: pages show the tested code, read in any viewer, and link to what exists."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.M | re.S)


@pytest.fixture(scope="module")
def pages():
    """The module tools/pages.py."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        import pages

        yield pages
    for name in set(sys.modules) - before:
        if name.startswith(("page", "conformance_")):
            del sys.modules[name]


def _documents():
    found = [*ROOT.glob("*.md"), *ROOT.joinpath("docs").rglob("*.md")]
    return sorted(page for page in found if "_build" not in page.parts)


def _text(page):
    return page.read_text(encoding="utf-8")


def _prose(page):
    """The text of a page without blocks of code and without code in lines."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", _text(page)))


def test_pages_have_the_code_of_the_tested_examples(pages):
    differing = [page for page in pages.pages() if pages.with_examples(page, _text(page)) != _text(page)]
    assert differing == [], "run: python tools/pages.py"


def test_pages_have_the_tables_and_names_that_the_code_states(pages):
    differing = [page for page in pages.pages() if pages.with_generated(_text(page)) != _text(page)]
    assert differing == [], "run: python tools/pages.py"


def test_a_block_without_an_end_and_a_part_that_does_not_exist_are_errors(pages):
    page = ROOT / "docs" / "tutorial.md"
    with pytest.raises(ValueError, match="needs its own closing comment"):
        pages.with_examples(page, "<!-- example: a.py -->\n")
    with pytest.raises(ValueError, match="has no lines"):
        pages.with_examples(page, "<!-- example: conf.py [lamp] -->\n<!-- /example -->")


def test_pages_need_nothing_that_only_sphinx_reads():
    only_sphinx = re.compile(r"^ *(```\{|:::)|^: |\{(ref|doc|term|class|func)\}`", re.M)
    assert [page for page in _documents() if only_sphinx.search(_text(page))] == []


def test_each_page_is_in_the_contents():
    docs = ROOT / "docs"
    listed = set()
    for page in docs.rglob("*.md"):
        for names in re.findall(r"<!-- contents: (.*?) -->", _text(page)):
            listed |= {path for name in names.split() for path in page.parent.glob(f"{name}.md")}
    assert {*docs.rglob("*.md")} - listed == {docs / "index.md"}


def _anchors(page):
    """The anchors of a page's headings, as GitHub and MyST make them."""
    anchors = set()
    for heading in re.findall(r"^#+ +(.*?) *$", _FENCE.sub("", _text(page)), re.M):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while (f"{anchor}-{number}" if number else anchor) in anchors:
            number += 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return anchors


def _broken_links(page):
    for target in re.findall(r"\]\(<?([^)\s>]+)", _prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in _anchors(linked)):
            yield f"{page.relative_to(ROOT)}: {target}"


def test_links_within_the_repository_lead_somewhere():
    assert [link for page in _documents() for link in _broken_links(page)] == []
