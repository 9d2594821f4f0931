import pytest

TEST = """
def test_passes(lambda_esm):
    lambda_esm.timeline.add("fate", "a <queue>", "deleted")

def test_fails(lambda_esm_client):
    lambda_esm_client.list_event_source_mappings()
    assert False

def test_does_not_use_it():
    pass
"""


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_it_writes_the_timelines_of_the_tests_that_used_the_fake(pytester, options):
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--lambda-esm-report=out/report.html", *options)
    result.assert_outcomes(passed=2, failed=1)
    page = pytester.path.joinpath("out", "report.html").read_text()
    assert page.count("<details") == 2
    assert '<details class="failed" open><summary>' in page
    assert "a &lt;queue&gt;</td><td>deleted" in page
    assert "test_does_not_use_it" not in page
    result.stdout.fnmatch_lines(["*lambda_esm timelines: *report.html*"])


def test_markup_in_ids_and_entries_is_shown_as_text(run, pytester):
    text = """
    import pytest

    @pytest.mark.parametrize("value", [1], ids=["<b>&amp;"])
    def test_it(lambda_esm, value):
        lambda_esm.timeline.add("<i>", "<script>subject", "<script>text & more")
    """
    run(text, "--lambda-esm-report=report.html").assert_outcomes(passed=1)
    page = pytester.path.joinpath("report.html").read_text(encoding="utf-8")
    assert "test_it[&lt;b&gt;&amp;amp;]: passed</summary>" in page
    row = "&lt;i&gt;</td><td>&lt;script&gt;subject</td><td>&lt;script&gt;text &amp; more</td>"
    assert row in page
    for markup in ("<b>", "<i>", "<script>"):
        assert markup not in page


def test_another_kind_of_file_is_refused(run):
    result = run(TEST, "--lambda-esm-report=report.xml")
    result.stderr.fnmatch_lines(["ERROR: --lambda-esm-report writes HTML*'report.xml'"])
