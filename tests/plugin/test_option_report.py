import json

import pytest

from helpers.report_page import entries_of, read_page

TEST = """
def test_passes(lambda_esm):
    lambda_esm.timeline.add("fate", "a <queue>", "deleted")

def test_fails(lambda_esm_client):
    lambda_esm_client.list_event_source_mappings()
    assert False, "this is why"

def test_does_not_use_it():
    pass
"""

WORK = """
import json
import boto3

def subscribe(lambda_esm, handler, *bodies):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lambda_esm.function("orders", handler, environment={"DB_PASSWORD": "hunter2!", "STAGE": "prod"})
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
"""


def report(pytester, text, *options):
    """Run a file of tests, in other processes if xdist is asked for, and return the result and the page."""
    pytester.makepyfile(text)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "--lambda-esm-report=report.html", *options)
    return result, read_page(pytester.path / "report.html")


def report_here(run, pytester, text, *options):
    """Run a file of tests in this process, and return the result and the page."""
    result = run(text, "--lambda-esm-report=report.html", *options)
    return result, read_page(pytester.path / "report.html")


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["alone", "xdist"])
def test_it_shows_the_tests_that_used_the_fake(pytester, options):
    result, page = report(pytester, TEST, *options)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*lambda_esm report: *report.html*"])
    failed, passed = page.tests
    assert failed["id"].endswith("::test_fails")
    assert failed["open"]
    assert "AssertionError: this is why" in failed["text"]
    assert ("call", "ListEventSourceMappings", "-> 200") in entries_of(failed["picture"])
    assert not passed["open"]
    assert entries_of(passed["picture"]) == [("fate", "a <queue>", "deleted")]


def test_without_the_option_nothing_of_it_is_loaded(pytester):
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("LOADED", [name for name in sys.modules if name.startswith("pytest_lambda_esm.plugin.report")])
        """
    )
    pytester.makepyfile(TEST)
    pytester.runpytest_subprocess("-p", "no:xdist").stdout.fnmatch_lines(["LOADED []"])


def test_it_can_be_in_a_new_folder(run, pytester):
    run("def test_it(lambda_esm): pass", "--lambda-esm-report=out/deep/report.html").assert_outcomes(passed=1)
    assert len(read_page(pytester.path / "out" / "deep" / "report.html").tests) == 1


def test_a_failing_invocation_has_its_error_traceback_event_and_log(run, pytester):
    text = f"""{WORK}
def test_it(lambda_esm):
    def handler(event, context):
        print("looking")
        return json.loads(event["Records"][0]["body"])["id"]
    subscribe(lambda_esm, handler, json.dumps({{"idd": 1}}))
    lambda_esm.clock.advance(seconds=40)
    assert lambda_esm.invocations[0].outcome == "success"
"""
    _, page = report_here(run, pytester, text)
    picture = page.tests[0]["picture"]
    first, second = picture["runs"]
    of = {name: picture["texts"][first[name]] for name in ("error", "traceback", "event", "log", "request")}
    assert of["error"] == "KeyError: 'id'"
    assert "in handler" in of["traceback"]
    assert of["traceback"].splitlines()[-1] == of["error"].splitlines()[-1]  # As Python prints it.
    record = json.loads(of["event"])["Records"][0]
    assert record["body"] == '{"idd": 1}'
    assert "looking" in of["log"]
    assert of["request"] in of["log"]
    assert (first["from"], second["from"]) == (5_000_000, 35_000_000)
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert picture["items"] == [record["messageId"]]
    assert [lane[:2] for lane in picture["lanes"]][1:] == [
        ["source", "sqs:orders"],
        ["mapping", picture["lanes"][2][2][:8]],
        ["function", "orders"],
    ]
    parts = [
        (entry["kind"], entry.get("begins", entry.get("ends", entry.get("after"))))
        for entry in picture["entries"]
        if entry.get("items") or entry["kind"] in ("invocation", "result")
    ]
    assert parts == [
        (kind, None if kind == "poll" else number)
        for number in (0, 1)
        for kind in ("poll", "invocation", "result", "fate")
    ]


def test_secrets_and_the_values_of_environment_variables_are_not_in_it(run, pytester, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "key-of-this-process")
    text = f"""{WORK}
import os

def test_it(lambda_esm):
    def handler(event, context):
        print(os.environ["DB_PASSWORD"], dict(os.environ))
        raise ValueError(f"cannot log in with {{os.environ['DB_PASSWORD']}}")
    subscribe(lambda_esm, handler, json.dumps({{"user": "me", "password": "of-a-message"}}))
    lambda_esm.clock.advance(seconds=6)
    key = os.environ["MY_API_KEY"]
    assert key is None, f"{{key}} {{lambda_esm.invocations[0].log}}"
"""
    report_here(run, pytester, text)
    page = pytester.path.joinpath("report.html").read_text(encoding="utf-8")
    assert "cannot log in with [$DB_PASSWORD]" in page
    for secret in ("hunter2!", "key-of-this-process", "of-a-message"):
        assert secret not in page


def test_repetitions_are_folded_and_their_invocations_left_out(run, pytester):
    text = f"""{WORK}
def test_it(lambda_esm):
    def handler(event, context):
        raise ValueError(event["Records"][0]["body"])
    subscribe(lambda_esm, handler, "no")
    lambda_esm.clock.advance(hours=1)
"""
    _, page = report_here(run, pytester, text)
    picture = page.tests[0]["picture"]
    assert len(picture["runs"]) == 2
    assert picture["runs"][1]["attempt"] == 120
    (fold,) = [entry for entry in picture["entries"] if entry["kind"] == "fold"]
    assert (fold["period"], fold["times"]) == (4, 118)
    assert "120 failed of 120 invocations" in " ".join(page.tests[0]["text"].split())


def test_sections_of_this_package_are_shown_and_the_diagnosis_comes_first(run, pytester):
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            report.sections.append(("lambda esm weather", "foggy"))
            report.sections.append(("lambda esm diagnosis", "<b>this</b> is the cause"))
            report.sections.append(("something else", "not ours"))
            return report
        """
    )
    _, page = report_here(run, pytester, "def test_it(lambda_esm): assert False")
    text = page.tests[0]["text"]
    assert text.index("<b>this</b> is the cause") < text.index("foggy")
    assert "not ours" not in text
    assert "lambda esm timeline" not in text


def test_the_entries_that_a_hook_changed_are_shown(run, pytester):
    pytester.makeconftest("def pytest_lambda_esm_timeline(entries, fake): del entries[1:]")
    text = """
    def test_it(lambda_esm):
        lambda_esm.timeline.add("fate", "a", "kept")
        lambda_esm.timeline.add("fate", "a", "removed")
    """
    _, page = report_here(run, pytester, text)
    assert entries_of(page.tests[0]["picture"]) == [("fate", "a", "kept")]


OUTCOMES = """
import pytest

@pytest.fixture
def broken(lambda_esm_client):
    lambda_esm_client.list_event_source_mappings()
    raise ValueError("in the setup")

@pytest.fixture
def breaks(lambda_esm):
    yield
    raise ValueError("in the teardown")

def test_setup(broken): pass
def test_teardown(breaks): pass
def test_both(breaks): assert False, "in the body"
def test_skips(lambda_esm): pytest.skip("for a reason")
@pytest.mark.xfail
def test_xfails(lambda_esm): assert False
@pytest.mark.xfail
def test_xpasses(lambda_esm): pass
"""


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)], ids=["alone", "xdist"])
def test_each_test_is_shown_once_with_its_outcome(pytester, options):
    _, page = report(pytester, OUTCOMES, *options)
    tests = {test["id"].partition("::test_")[2]: test for test in page.tests}
    assert len(page.tests) == 6
    assert {name: test["classes"][1] for name, test in tests.items()} == {
        "setup": "bad",
        "teardown": "bad",
        "both": "bad",
        "skips": "skipped",
        "xfails": "xfailed",
        "xpasses": "xpassed",
    }
    assert "ValueError: in the setup" in tests["setup"]["text"]
    assert ("call", "ListEventSourceMappings", "-> 200") in entries_of(tests["setup"]["picture"])
    assert "ValueError: in the teardown" in tests["teardown"]["text"]
    assert "in the body" in tests["both"]["text"]
    assert "ValueError: in the teardown" in tests["both"]["text"]
    assert "for a reason" in tests["skips"]["text"]


def test_a_run_without_a_fake_and_a_test_without_an_event_have_a_page_too(run, pytester):
    _, page = report_here(run, pytester, "def test_it(): pass")
    assert "No test has used the fake." in "".join(page.text)
    _, page = report_here(run, pytester, "def test_it(lambda_esm): pass")
    assert page.tests[0]["picture"]["entries"] == []


def test_another_kind_of_file_is_refused(run):
    result = run(TEST, "--lambda-esm-report=report.xml")
    result.stderr.fnmatch_lines(["ERROR: --lambda-esm-report writes HTML*'report.xml'"])


HOSTILE = r"""
import pytest

MARKUP = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>"
TEXT = "\x1b[2Jcleared\x00\x9b31m\u202eright\ud800\u2028" + MARKUP

def work(lambda_esm):
    def handler(event, context):
        print(TEXT)
        raise ValueError(TEXT)
    lambda_esm.function("f", handler)
    lambda_esm.client("lambda").invoke(FunctionName="f", Payload='{"</script>": "<!--<script>"}')
    lambda_esm.timeline.add("</style><i>", "<script>subject", TEXT, (TEXT,))

@pytest.mark.parametrize("value", [1], ids=["<b>&amp;\"'"])
def test_passes(lambda_esm, value):
    work(lambda_esm)

def test_fails(lambda_esm):
    work(lambda_esm)
    raise ValueError(TEXT.replace("\ud800", ""))  # pytest-xdist cannot send pytest's own text of a lone surrogate
"""


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)], ids=["alone", "xdist"])
def test_texts_of_users_cannot_control_a_terminal_or_become_markup(pytester, options):
    result, page = report(pytester, HOSTILE, *options)
    result.assert_outcomes(passed=1, failed=1)
    shown = r"\x1b[2Jcleared\x00\x9b31m\u202eright\ud800\u2028</script><script>alert(1)</script>"
    failed, passed = page.tests
    assert "ValueError: " + shown.replace(r"\ud800", "") in failed["text"]
    assert """test_passes[<b>&amp;"']""" in passed["id"]
    for test in page.tests:
        texts = test["picture"]["texts"]
        assert any(text.startswith(f"ValueError: {shown}") for text in texts)
        assert json.dumps({"</script>": "<!--<script>"}, indent=2) in texts
        assert entries_of(test["picture"])[-1][:2] == ("</style><i>", "<script>subject")
    assert page.names.count("script") == len(page.tests) + 1
    assert not {"img", "i"} & set(page.names)
    timeline = result.stdout.str().partition("lambda esm timeline")[2]
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
