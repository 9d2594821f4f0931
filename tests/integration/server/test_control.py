"""The control API: what a test in another language does with the fake."""

import json

import boto3
import pytest

from helpers.http import send
from pytest_lambda_esm import ConfigurationError

CONTROL = "/_lambda_esm"


@pytest.fixture
def control(lambda_esm):
    """Return a function that sends a request to the control API, and returns the status and the answer."""
    with lambda_esm.serve(control=True) as server:

        def control(method, path, members=None):
            answer = send(server, method, f"{CONTROL}/{path}", members)
            return answer.status, json.loads(answer.body)

        yield control


def test_it_is_off_unless_asked_for(lambda_esm_server):
    answer = send(lambda_esm_server, "POST", f"{CONTROL}/advance", {"seconds": 5})
    assert answer.status == 404
    assert b"serve(control=True)" in answer.body


def test_it_is_for_this_machine_only(lambda_esm):
    with pytest.raises(ConfigurationError, match="for this machine only"):
        lambda_esm.serve(host="0.0.0.0", allow_remote=True, control=True).__enter__()


def test_advance(lambda_esm, control):
    assert control("POST", "advance", {"seconds": 90}) == (200, {"now": "2026-01-01T00:01:30+00:00"})
    assert lambda_esm.clock.now.isoformat() == "2026-01-01T00:01:30+00:00"
    assert control("POST", "advance") == (200, {"now": "2026-01-01T00:01:30+00:00"})


def test_run_until_idle(lambda_esm, control, connect):
    setup = connect(lambda_esm)
    setup.send("a", "b")
    status, answer = control("POST", "run-until-idle")
    assert (status, answer["now"]) == (200, lambda_esm.clock.now.isoformat())
    assert sorted(body for each in setup.function.invocations for body in each.bodies) == ["a", "b"]


def test_the_timeline(lambda_esm, control):
    boto3.client("lambda").list_functions()
    status, answer = control("GET", "timeline")
    entry = {"at": "2026-01-01T00:00:00+00:00", "kind": "call", "subject": "ListFunctions", "text": "-> 200"}
    assert (status, answer["timeline"]) == (200, [entry])
    assert control("GET", "timeline?since=1")[1]["timeline"] == []
    assert control("GET", "timeline?kind=fate")[1]["timeline"] == []


def test_explain(lambda_esm, control, connect):
    setup = connect(lambda_esm)
    setup.send("a")
    assert control("GET", "explain")[1]["text"] == lambda_esm.explain()
    assert control("GET", f"explain?subject={setup.uuid}")[1]["text"] == lambda_esm.explain(setup.uuid)


def test_faults(lambda_esm, control):
    fault = {"operation": "ListFunctions", "error": "TooManyRequestsException", "times": 2}
    assert control("POST", "faults", fault)[0] == 200
    assert control("POST", "faults", {"operation": "sqs.ListQueues", "error": "lost_response", "optional": True})
    assert "ListFunctions" in control("GET", "faults")[1]["unused"]
    aws_lambda = boto3.client("lambda")
    assert aws_lambda.list_functions()["ResponseMetadata"]["RetryAttempts"] == 2
    assert control("GET", "faults")[1]["unused"] == ""


def test_a_latency(lambda_esm, control):
    control("POST", "faults", {"operation": "ListFunctions", "error": "latency", "seconds": 2})
    before = lambda_esm.clock.now
    boto3.client("lambda").list_functions()
    assert (lambda_esm.clock.now - before).total_seconds() == 2


def test_the_overview(control):
    status, answer = control("GET", "")
    assert (status, answer["next"]) == (200, None)
    assert "POST /_lambda_esm/advance" in answer["operations"]


@pytest.mark.parametrize(
    ("method", "path", "members", "status", "error", "text"),
    [
        ("GET", "advance", None, 404, "NotFound", "POST /_lambda_esm/advance"),
        ("POST", "nothing", None, 404, "NotFound", "Known are"),
        ("POST", "advance", "{", 400, "BadRequest", "not JSON"),
        ("POST", "advance", "[]", 400, "BadRequest", "not a JSON object"),
        ("POST", "advance", {"second": 1}, 400, "BadRequest", "no member second; known are: seconds"),
        ("POST", "advance", {"seconds": "x"}, 400, "BadRequest", "no number"),
        ("GET", "timeline?since=nan", None, 400, "BadRequest", "no number of entries"),
        ("GET", "timeline?since=-1", None, 400, "BadRequest", "no number of entries"),
        ("POST", "advance", {"seconds": -1}, 400, "ClockError", "advance"),
        ("GET", "explain?subject=nobody", None, 400, "LambdaEsmError", "nobody"),
        ("POST", "faults", {"operation": "ListFunctions"}, 400, "BadRequest", "error"),
        ("POST", "faults", {"operation": "ListFunction", "error": "x"}, 400, "FaultError", "ListFunctions"),
        ("POST", "faults", {"operation": "ListFunctions", "error": "x", "times": -1}, 400, "FaultError", ""),
    ],
)
def test_a_request_that_cannot_be_carried_out(control, method, path, members, status, error, text):
    answered, answer = control(method, path, members)
    assert (answered, answer["error"]) == (status, error)
    assert text in answer["message"]


def test_moving_time_from_a_handler_is_refused(lambda_esm):
    with lambda_esm.serve(control=True) as server:

        def handler(event, context):
            return json.loads(send(server, "POST", f"{CONTROL}/advance", {"seconds": 1}).body)["error"]

        lambda_esm.function("f", handler, timeout=10)
        assert boto3.client("lambda").invoke(FunctionName="f")["Payload"].read() == b'"ClockError"'
