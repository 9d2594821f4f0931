"""The logs of functions: Lambda's own lines, and how what a handler writes becomes log events."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from helpers.conformance import Facts, client
from pytest_lambda_esm import FakeLambda, times_out

FACT_TITLE = "Logs of functions"
FACTS = Facts(FACT_TITLE)
RUNTIME = (
    r"INIT_START Runtime Version: python:3\.12\.v\d+\t"
    r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:\w{64}\n"
)


def invoke(fake: FakeLambda, handler: Callable[[], Any], times: int = 1, **settings: Any) -> list[str]:
    """Invoke a function, and return all events of its log."""
    function = fake.function("fn", lambda event, context: handler(), **settings)
    for _ in range(times):
        client("lambda").invoke(FunctionName="fn")
    stream = function.invocations[-1].context.log_stream_name
    events = client("logs").get_log_events(logGroupName="/aws/lambda/fn", logStreamName=stream)["events"]
    return [event["message"] for event in events]


def written(fake: FakeLambda, handler: Callable[[], Any]) -> list[str]:
    """Return the events between START and END."""
    messages = invoke(fake, handler)
    return messages[2:-2]


@FACTS("e7-init-start", "recorded", "The first event of a log stream is INIT_START with the runtime's version.")
def test_init_start(lambda_esm: FakeLambda) -> None:
    messages = invoke(lambda_esm, lambda: None, times=2)
    assert re.fullmatch(RUNTIME, messages[0])
    assert [message.partition(" ")[0] for message in messages] == ["INIT_START", *["START", "END", "REPORT"] * 2]


@FACTS("e7-init-duration", "recorded", "REPORT of the first invocation ends with Init Duration, a tab and a line end.")
def test_first_report(lambda_esm: FakeLambda) -> None:
    *_, report = invoke(lambda_esm, lambda: None)
    assert re.search(r"\tMax Memory Used: 128 MB\tInit Duration: \d+\.\d\d ms\t\n$", report)


@FACTS("e7-warm-report", "recorded", "REPORT of a warm invocation ends with MB, a tab and a line end.")
def test_warm_report(lambda_esm: FakeLambda) -> None:
    *_, report = invoke(lambda_esm, lambda: None, times=2)
    assert report.endswith("\tMax Memory Used: 128 MB\t\n")


@FACTS("e7-status", "reported", "REPORT of a timeout ends with Status: timeout.")
def test_report_of_a_timeout(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("fn", lambda event, context: None).script(times_out())
    *_, report = invoke(lambda_esm, lambda: None)
    assert report.endswith(" MB\tInit Duration: 0.00 ms\tStatus: timeout\n")


@FACTS("e7-line-ends", "recorded", "Printed text is split into events at \\n only.")
def test_line_ends(lambda_esm: FakeLambda) -> None:
    text = "a\rb\x0bc\x1cd\x85e\u2028f"
    assert written(lambda_esm, lambda: print(f"{text}\nsecond")) == [f"{text}\n", "second\n"]


@FACTS("e7-empty-line", "recorded", "An empty line is no event.")
def test_empty_lines(lambda_esm: FakeLambda) -> None:
    assert written(lambda_esm, lambda: print("\n\nfirst\n\n\nsecond\n\n")) == ["first\n", "second\n"]


@FACTS("e7-record", "runtime", "A record of a logger is one event, however many lines it has.")
def test_a_record_is_one_event(lambda_esm: FakeLambda) -> None:
    def handler() -> None:
        print("be", end="")
        logging.getLogger("shop").warning("first\nsecond")
        print("gun")

    record, printed = written(lambda_esm, handler)
    assert re.fullmatch(r"\[WARNING\]\t\S+Z\t\S+\tfirst\nsecond\n", record)
    assert printed == "begun\n"


@FACTS("e7-json-dictionary", "runtime", "In JSON, a dictionary that is logged is an object.")
def test_a_dictionary_in_json(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("fn", lambda event, context: None)
    client("lambda").update_function_configuration(FunctionName="fn", LoggingConfig={"LogFormat": "JSON"})
    messages = [json.loads(message) for message in invoke(lambda_esm, lambda: logging.warning({"a": 1}))]
    assert [message.get("type") for message in messages] == [
        "platform.initStart",
        "platform.start",
        None,
        "platform.report",
    ]
    assert messages[2]["message"] == {"a": 1}
    assert messages[3]["record"]["metrics"]["initDurationMs"] == 0


@FACTS("e8-no-log-format", "recorded", "AWS_LAMBDA_LOG_FORMAT is not set for logs that are text.")
@pytest.mark.parametrize(("config", "seen"), [({"LogFormat": "Text"}, None), ({"LogFormat": "JSON"}, "JSON")])
def test_variable_of_the_log_format(lambda_esm: FakeLambda, config: dict[str, str], seen: str | None) -> None:
    function = lambda_esm.function("fn", lambda event, context: os.environ.get("AWS_LAMBDA_LOG_FORMAT"))
    client("lambda").invoke(FunctionName="fn")
    client("lambda").update_function_configuration(FunctionName="fn", LoggingConfig=config)
    client("lambda").invoke(FunctionName="fn")
    assert [invocation.result for invocation in function.invocations] == [None, seen]


@FACTS("e8-xray", "recorded", "The variables of X-Ray's daemon are set.")
def test_variables_of_xray(lambda_esm: FakeLambda) -> None:
    names = ("_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "AWS_XRAY_DAEMON_ADDRESS")
    function = lambda_esm.function("fn", lambda event, context: [os.environ[name] for name in names])
    client("lambda").invoke(FunctionName="fn")
    host, port, address = function.invocations[0].result
    assert address == f"{host}:{port}"
