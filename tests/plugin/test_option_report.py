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
