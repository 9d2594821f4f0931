import json

import pytest

from helpers.report_page import read_page
from pytest_lambda_esm.plugin.report.page import duration_text, embedded, page


def a_test(name="test_a.py::test_it", outcome="passed", **changes):
    picture = {"start": 0, "end": 0, "lanes": [], "entries": [], "runs": [], "items": [], "texts": ["</script>"]}
    return {
        "id": name,
        "outcome": outcome,
        "message": "",
        "where": "",
        "failure": "",
        "seconds": 0.5,
        "sections": [],
        "kinds": {"invocation": 2, "result": 2, "fault": 1},
        "failed_invocations": 1,
        "virtual": 5_000_000,
        "picture": json.dumps(picture),
        **changes,
    }


def read(tmp_path, *tests):
    path = tmp_path / "report.html"
    path.write_text(page(tests), encoding="utf-8")
    return read_page(path)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0 s"),
        (250_000, "250 ms"),
        (12, "0.012 ms"),
        (5_250_000, "5.25 s"),
        (60_000_000, "1 min"),
        (3_665_000_000, "1 h 1 min 5 s"),
        (90_000_000_000, "1 d 1 h"),
    ],
)
def test_durations_are_for_people(microseconds, text):
    assert duration_text(microseconds) == text


@pytest.mark.parametrize("text", ["</script><script>", "<!--<script>", "&lt;", "\u2028\u2029", "a'\"b"])
def test_nothing_in_the_data_can_end_its_element(text):
    inside = embedded(json.dumps({"text": text}, ensure_ascii=False))
    assert not set("<>&\u2028\u2029") & set(inside)
    assert json.loads(inside) == {"text": text}


def test_the_summary_counts_everything(tmp_path):
    text = " ".join("".join(read(tmp_path, a_test(), a_test(), a_test(outcome="failed")).text).split())
    for part in (
        "1 failed",
        "2 passed",
        "6 invocations",
        "3 of them failed",
        "3 faults",
        "15 s of virtual time",
        "1.5 s of real",
    ):
        assert part in text


def test_failed_tests_come_first_and_the_first_ten_are_expanded(tmp_path):
    tests = [a_test("passed"), *(a_test(f"failed {number}", "failed") for number in range(12))]
    shown = read(tmp_path, *tests).tests
    assert [test["id"] for test in shown] == [*(f"failed {number}" for number in range(12)), "passed"]
    assert [test["open"] for test in shown] == [True] * 10 + [False] * 3


def test_markup_in_texts_is_text(tmp_path):
    hostile = "<b onclick='x'>&amp;\"</script>"
    test = a_test(hostile, message=hostile, where=hostile, failure=hostile, sections=[[hostile, hostile]])
    read_back = read(tmp_path, test)
    assert read_back.tests[0]["text"].count(hostile) == 6
    assert read_back.tests[0]["id"] == hostile
    assert "<b onclick" not in tmp_path.joinpath("report.html").read_text(encoding="utf-8")


def test_the_page_loads_nothing_and_allows_no_other_script():
    text = page([a_test()])
    policy = text.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "src=" not in text
    assert "href=" not in text
    assert "url(http" not in text
    assert "@import" not in text


def test_a_thousand_tests_stay_small():
    """A page of 1,000 tests whose pictures are empty: what each test costs beyond its own data."""
    text = page([a_test(f"test_a.py::test_it[{number}]") for number in range(1_000)])
    assert len(text) < 1_800_000
