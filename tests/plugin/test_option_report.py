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


def test_a_run_without_a_fake_and_a_test_without_an_event_have_a_page_too(run, pytester):
    run("def test_it(): pass", "--lambda-esm-report=none.html").assert_outcomes(passed=1)
    assert "<p>No test has used the fake.</p>" in pytester.path.joinpath("none.html").read_text(encoding="utf-8")
    run("def test_it(lambda_esm): pass", "--lambda-esm-report=nothing.html").assert_outcomes(passed=1)
    page = pytester.path.joinpath("nothing.html").read_text(encoding="utf-8")
    assert "test_it: passed</summary><p>Nothing happened.</p>" in page


def test_a_test_whose_setup_failed_is_in_the_terminal_and_in_the_file_once(run, pytester):
    text = """
    import pytest

    @pytest.fixture
    def broken(lambda_esm_client):
        lambda_esm_client.list_event_source_mappings()
        raise ValueError("no")

    def test_it(broken): pass
    """
    result = run(text, "--lambda-esm-report=report.html")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*- lambda esm timeline -*", "*call  *ListEventSourceMappings: -> 200"])
    page = pytester.path.joinpath("report.html").read_text(encoding="utf-8")
    assert page.count("<details") == page.count('<details class="failed" open>') == 1
    assert "<td>ListEventSourceMappings</td><td>-&gt; 200</td>" in page
    assert "Virtual time starts at 2026-01-01 00:00:00 UTC" in page


def test_times_in_the_file_count_from_the_first_entry(run, pytester):
    text = """
    import time

    def test_it(lambda_esm):
        time.sleep(1.5)
        time.sleep(2)
    """
    run(text, "--lambda-esm-report=report.html").assert_outcomes(passed=1)
    page = pytester.path.joinpath("report.html").read_text(encoding="utf-8")
    assert "<tr><td>0.000</td><td class='kind'>sleep</td>" in page
    assert "<tr><td>1.500</td><td class='kind'>sleep</td>" in page


def test_another_kind_of_file_is_refused(run):
    result = run(TEST, "--lambda-esm-report=report.xml")
    result.stderr.fnmatch_lines(["ERROR: --lambda-esm-report writes HTML*'report.xml'"])


HOSTILE = r"""
TEXT = "\x1b[2Jcleared\x00\x9b31m\u202eright\ud800"

def work(lambda_esm):
    def handler(event, context):
        raise ValueError(TEXT)
    lambda_esm.function("f", handler)
    lambda_esm.client("lambda").invoke(FunctionName="f")

def test_passes(lambda_esm):
    work(lambda_esm)

def test_fails(lambda_esm):
    work(lambda_esm)
    assert False
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_texts_of_users_cannot_control_a_terminal_or_spoil_the_file(pytester, options):
    pytester.makepyfile(HOSTILE)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--lambda-esm-report=report.html", *options)
    result.assert_outcomes(passed=1, failed=1)
    shown = r"ValueError: \x1b[2Jcleared\x00\x9b31m\u202eright\ud800"
    assert shown in pytester.path.joinpath("report.html").read_text(encoding="utf-8")
    timeline = result.stdout.str().partition("lambda esm timeline")[2]
    assert shown in timeline
    assert not {"\x1b", "\x00", "\x9b", "\u202e"} & set(timeline)


@pytest.mark.parametrize("path", ["file/report.html", "folder.html", f"{'n' * 300}.html"])
def test_a_path_that_cannot_be_written_is_refused_at_once(run, pytester, path):
    pytester.path.joinpath("file").touch()
    pytester.path.joinpath("folder.html").mkdir()
    result = run(TEST, f"--lambda-esm-report={path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --lambda-esm-report cannot write '{path}': ?*"])
    result.stdout.no_fnmatch_line("*test_passes*")


def test_a_failed_write_keeps_the_old_file(run, pytester):
    report = pytester.path / "report.html"
    report.write_text("the old one")
    pytester.makeconftest(
        "from pathlib import Path\n"
        "def pytest_collection_finish(session):\n"
        "    def write_text(path, *args, **kwargs):\n"
        "        path.write_bytes(b'half of it')\n"
        "        raise OSError(28, 'No space left on device')\n"
        "    session.config.add_cleanup(lambda: setattr(Path, 'write_text', original))\n"
        "    original, Path.write_text = Path.write_text, write_text\n"
    )
    result = run("def test(lambda_esm): pass", "--lambda-esm-report=report.html")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*--lambda-esm-report cannot write *report.html*: No space left on device*"])
    assert report.read_text() == "the old one"
    assert not [path.name for path in pytester.path.iterdir() if path.suffix == ".tmp"]
