"""What a person sees and does on the page, in a headless Chromium; skipped where there is none."""

import json

import pytest

from helpers.report_page import look_at
from pytest_lambda_esm.plugin.report.page import page

TEST = r"""
import json
import boto3

def subscribe(lambda_esm, handler, *bodies):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lambda_esm.function("orders", handler)
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)

def test_fails(lambda_esm):
    def handler(event, context):
        return json.loads(event["Records"][0]["body"])["id"]
    subscribe(lambda_esm, handler, '{"idd": "</script><img src=x onerror=document.title=1>\\u2028"}')
    lambda_esm.clock.advance(seconds=40)
    assert False, "<b>a message</b>"

def test_hours_of_nothing(lambda_esm):
    lambda_esm.faults.add("CreateEventSourceMapping", "TooManyRequestsException")
    subscribe(lambda_esm, lambda event, context: None, "fine")
    lambda_esm.clock.advance(seconds=10)
    lambda_esm.clock.advance(hours=5)
    lambda_esm.client("lambda").list_event_source_mappings()

def test_repeats(lambda_esm):
    for kind in ("fold", "constructor", "__proto__", "<i>\ud800"):
        lambda_esm.timeline.add(kind, "a kind of a plugin", "text")
    def handler(event, context):
        raise ValueError("no")
    subscribe(lambda_esm, handler, "never")
    lambda_esm.clock.advance(hours=1)
"""


@pytest.fixture
def report(run, pytester):
    run(TEST, "--lambda-esm-report=report.html").assert_outcomes(passed=2, failed=1)
    return pytester.path / "report.html"


@pytest.mark.slow
def test_the_pages_own_policy_allows_its_script_and_its_styles(report):
    dom, _ = look_at(report)
    assert dom.count('<svg width="') == 1
    assert "orders: KeyError: 'id'</h3>" in dom


SEEN = """
const first = document.querySelector("article");
const all = (selector) => [...first.querySelectorAll(selector)].map((each) => each.textContent);
return {
  labels: all(".label"),
  states: all(".state"),
  times: all(".time"),
  runs: first.querySelectorAll(".mark.run.tone-bad").length,
  arrows: first.querySelectorAll(".arrow").length,
  retries: first.querySelectorAll(".arrow.retry").length,
  heading: all(".panel h3"),
  blocks: all(".panel .block summary"),
  event: all(".panel pre")[1],
  drawn: document.querySelectorAll("svg[role]").length,
  images: document.images.length,
  title: document.title,
  wide: document.documentElement.scrollWidth > innerWidth,
};
"""


@pytest.mark.parametrize("width", [1280, pytest.param(500, marks=pytest.mark.slow)])
def test_a_failure_shows_its_cause_without_a_click(report, width):
    _, seen = look_at(report, SEEN, width)
    assert seen["labels"] == ["testcalls and sleeps", "sourcesqs:orders", seen["labels"][2], "functionorders"]
    assert seen["states"][-1] == "Enabled"
    assert seen["times"][:3] == ["0 s", "5 s", "35 s"]
    assert seen["runs"] == 2
    assert (seen["arrows"], seen["retries"]) == (5, 1)
    assert seen["heading"] == ["orders: KeyError: 'id'"]
    assert seen["blocks"] == ["Traceback", "Event", "Log"]
    assert "</script><img src=x" in seen["event"]
    assert seen["drawn"] == 1, "pictures of collapsed tests are drawn when they are opened"
    assert seen["images"] == 0
    assert seen["title"] == "lambda_esm: 3 tests"
    assert not seen["wide"]


@pytest.mark.slow
def test_the_keyboard_reaches_every_mark_and_follows_a_record(report):
    _, seen = look_at(
        report,
        """
        const first = document.querySelector("article");
        const label = () => document.activeElement.getAttribute("aria-label").split(": ").slice(1).join(": ");
        const tabbable = first.querySelectorAll('.mark[tabindex="0"]');
        tabbable[0].focus();
        const answer = { tabbable: tabbable.length, labels: [] };
        const goTo = (kind) => {
          for (let steps = 0; steps < 50 && !label().startsWith(kind); steps++) press("ArrowRight");
          answer.labels.push(label());
        };
        press("Home"); goTo("call,");
        goTo("poll,");
        press("ArrowDown"); answer.labels.push(label());
        press("ArrowUp"); answer.labels.push(label());
        press("f");
        answer.followed = first.querySelectorAll(".mark.on").length;
        answer.way = first.querySelectorAll(".journey li").length;
        answer.choice = first.querySelector("select").selectedOptions[0].textContent;
        press("Escape");
        answer.after = first.querySelectorAll(".mark.on, .journey").length;
        const width = first.querySelector("svg[role]").clientWidth;
        press("+"); press("+"); press("+");
        answer.wider = first.querySelector("svg[role]").clientWidth > width;
        answer.kept = label();
        press("End"); answer.labels.push(label());
        return answer;
        """,
    )
    assert seen["tabbable"] == 1
    assert seen["labels"][0].startswith("call, CreateEventSourceMapping: orders -> 202")
    assert seen["labels"][1] == "poll, sqs:orders: received 1, receive count up to 1"
    assert "Enabled" in seen["labels"][2]
    assert seen["labels"][3] == seen["kept"] == seen["labels"][1]
    assert seen["labels"][4].startswith("fate, sqs:orders: 1 message stays")
    assert (seen["followed"], seen["way"], seen["after"]) == (6, 6, 0)
    assert len(seen["choice"]) == 8
    assert seen["wider"]


@pytest.mark.slow
def test_filters_and_the_search(report):
    _, seen = look_at(
        report,
        """
        const visible = () =>
          [...document.querySelectorAll("article:not([hidden])")].map((each) => each.dataset.id.split("::")[1]);
        const find = async (words) => {
          search.value = words;
          search.dispatchEvent(new Event("input"));
          await settled();
          return visible();
        };
        const search = document.querySelector("#search");
        const answer = { event: await find("<IMG SRC=X"), name: await find("hours_of"), none: await find("not there") };
        answer.status = document.querySelector("#shown").textContent;
        answer.all = await find("");
        document.querySelector('[data-only="failed"]').click();
        answer.failed = visible();
        const polls = () => document.querySelectorAll(".mark.poll").length;
        const before = polls();
        document.querySelector('.kind[data-kind="poll"]').click();
        answer.polls = [before, polls()];
        document.querySelector('.kind[data-kind="invocation"]').click();
        answer.runs = document.querySelectorAll(".mark.run, .mark.result").length;
        document.querySelector('.kind[data-kind="poll"]').click();
        answer.again = polls();
        return answer;
        """,
    )
    tests = ["test_fails", "test_hours_of_nothing", "test_repeats"]
    assert seen == {
        "event": ["test_fails"],
        "name": ["test_hours_of_nothing"],
        "none": [],
        "status": "0 of 3 tests",
        "all": tests,
        "failed": ["test_fails"],
        "polls": [2, 0],
        "runs": 0,
        "again": 2,
    }


@pytest.mark.slow
def test_idle_hours_are_short_repeats_are_folded_and_faults_stand_out(report):
    _, seen = look_at(
        report,
        """
        const open = async (name) => {
          const test = document.querySelector(`[data-id$="${name}"]`);
          test.querySelector("details").open = true;
          test.scrollIntoView();
          await until(() => test.querySelector(".list"));
          return test;
        };
        const hours = await open("test_hours_of_nothing");
        const repeats = await open("test_repeats");
        const list = repeats.querySelector("details.list");
        list.open = true;
        await until(() => list.querySelector("table"));
        const texts = (test, selector) => [...test.querySelectorAll(selector)].map((each) => each.textContent);
        repeats.querySelector(".mark:has(.fold-text)").dispatchEvent(new MouseEvent("click", { bubbles: true }));
        return {
          idle: texts(hours, ".idle-text"),
          width: hours.querySelector("svg[role]").clientWidth,
          faults: hours.querySelectorAll(".mark.fault.tone-fault").length,
          others: repeats.querySelectorAll('.mark.tone-info[aria-label*="plugin"]').length,
          fold: texts(repeats, ".fold-text"),
          about: texts(repeats, ".panel h3"),
          rows: list.querySelectorAll("tbody tr").length,
          entries: repeats.querySelector(".list summary").textContent,
        };
        """,
    )
    assert any(text.startswith(("4 h 59 min", "5 h")) for text in seen["idle"])
    assert seen["width"] < 1500
    assert seen["faults"] == 1
    assert seen["others"] == 4
    assert seen["fold"] == ["\N{MULTIPLICATION SIGN} 118", "the same"]
    assert seen["about"] == ["the 4 entries before, 118 times more, until 59 min 5 s"]
    assert seen["entries"] == f"All entries as a list ({seen['rows']})"


@pytest.mark.slow
def test_a_thousand_tests_open_in_two_seconds(report, tmp_path):
    from helpers.report_page import read_page

    shown = read_page(report).tests
    tests = [
        {
            "id": f"test_a.py::test_it[{number}]",
            "outcome": "failed" if number < 50 else "passed",
            "message": "assert False",
            "where": "test_a.py:1",
            "failure": "assert False",
            "seconds": 0.1,
            "sections": [],
            "kinds": {"invocation": 2},
            "failed_invocations": 2,
            "virtual": 1,
            "picture": json.dumps(shown[number % 3]["picture"]),
        }
        for number in range(1_000)
    ]
    path = tmp_path / "many.html"
    path.write_text(page(tests), encoding="utf-8")
    _, seen = look_at(
        path,
        """
        const { domContentLoadedEventEnd } = performance.getEntriesByType("navigation")[0];
        return { took: domContentLoadedEventEnd, tests: document.querySelectorAll("article").length };
        """,
    )
    assert seen["tests"] == 1_000
    assert seen["took"] < 10_000, "two seconds on an idle machine; a machine that runs tests in parallel is not idle"
