"""What a handler sees of its surroundings, and that its changes to them do not remain."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import logging.config
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from pytest_lambda_esm import FakeLambda

REGION = "us-east-1"
OWN_LOGGER = logging.getLogger(__name__)


def invoke(name: str, event: Any = None, **params: Any) -> Any:
    answer = boto3.client("lambda", region_name=REGION).invoke(
        FunctionName=name, Payload=json.dumps(event if event is not None else {}), **params
    )
    return json.loads(answer["Payload"].read())


# --- what stays out of the test ------------------------------------------------------------------------------


def _environment(event: Any, context: Any) -> None:
    os.environ["LEFT_BEHIND"] = "yes"
    del os.environ["PATH"]


def _directory(event: Any, context: Any) -> None:
    os.chdir("/")


def _import_path(event: Any, context: Any) -> None:
    sys.path.insert(0, "/left/behind")


def _signal(event: Any, context: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _logging(event: Any, context: Any) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().handlers.clear()


def _output(event: Any, context: Any) -> None:
    sys.stdout = sys.stderr


def _other_environment(event: Any, context: Any) -> None:
    os.environ = {"LEFT_BEHIND": "yes"}  # type: ignore[assignment]  # noqa: B003


def _open_directory(event: Any, context: Any) -> None:
    folder = os.open("/", os.O_RDONLY)
    os.fchdir(folder)
    os.close(folder)


def _alarm(event: Any, context: Any) -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(60)


def _timer(event: Any, context: Any) -> None:
    signal.setitimer(signal.ITIMER_REAL, 60, 60)


def _no_logging(event: Any, context: Any) -> None:
    logging.disable(logging.CRITICAL)


def _loggers_anew(event: Any, context: Any) -> None:
    logging.config.dictConfig({"version": 1, "root": {"level": "ERROR", "handlers": []}})
    logging.shutdown()


def _failing(event: Any, context: Any) -> None:
    _environment(event, context)
    _directory(event, context)
    raise ValueError("after the changes")


def environment_of_a_child() -> str:
    return subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout


def surroundings() -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "path": list(sys.path),
        "environ": os.environ,
        "signals": [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)],
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "no logging": logging.root.manager.disable,
        "logger": (OWN_LOGGER.disabled, OWN_LOGGER.handlers[:], logging._handlers.get("own")),
        "level": logging.getLogger().level,
        "handlers": list(logging.getLogger().handlers),
        "stdout": sys.stdout,
        "child": sorted(environment_of_a_child().splitlines()),
    }


@pytest.fixture
def no_timer() -> Iterator[None]:
    """Stop the timer of pytest-timeout meanwhile, whose rest changes all the time."""
    before = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.setitimer(signal.ITIMER_REAL, *before)


@pytest.mark.usefixtures("no_timer")
@pytest.mark.parametrize(
    "handler",
    [
        _environment,
        _other_environment,
        _directory,
        _open_directory,
        _import_path,
        _signal,
        _alarm,
        _timer,
        _logging,
        _no_logging,
        _loggers_anew,
        _output,
        _failing,
    ],
    ids=lambda one: one.__name__,
)
def test_what_a_handler_changes_is_put_back(lambda_esm: FakeLambda, handler: Callable[[Any, Any], Any]) -> None:
    seen = []

    def looking(event: Any, context: Any) -> None:
        variables = {name: value for name, value in os.environ.items() if name != "_X_AMZN_TRACE_ID"}
        seen.append((variables, os.getcwd(), list(sys.path), logging.getLogger().level))
        handler(event, context)

    own = logging.StreamHandler(io.StringIO())
    own.set_name("own")
    OWN_LOGGER.handlers = [own]
    before = surroundings()
    lambda_esm.function("f", looking)
    invoke("f")
    assert surroundings() == before
    invoke("f")
    assert seen[0] == seen[1]


def test_a_timer_of_the_test_goes_on(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: signal.alarm(0))
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 600)
    try:
        invoke("f")
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 500
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_test_that_has_another_environment(lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {**os.environ, "OF_THE_TEST": "yes"}
    monkeypatch.setattr(os, "environ", dict(variables))

    def handler(event: Any, context: Any) -> list[str]:
        os.environ["LEFT_BEHIND"] = "yes"
        return [os.environ[name] for name in ("OF_THE_TEST", "TABLE")]

    lambda_esm.function("f", handler, environment={"TABLE": "orders"})
    assert [invoke("f") for _ in range(2)] == [["yes", "orders"]] * 2
    assert os.environ == variables


def _through_bytes(name: str) -> None:
    os.environb[name.encode()] = b"changed"


@pytest.mark.parametrize(
    "change",
    [
        lambda name: os.environ.__setitem__(name, "changed"),
        lambda name: os.environ.update({name: "changed"}),
        lambda name: os.environ.pop(name),
        pytest.param(_through_bytes, marks=pytest.mark.skipif(not os.supports_bytes_environ, reason="has no bytes")),
    ],
    ids=["set", "updated", "removed", "set as bytes"],
)
def test_a_handler_sees_the_tests_variables_as_they_are_now(
    lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], Any]
) -> None:
    monkeypatch.setenv("OF_THE_TEST", "before")
    lambda_esm.function("f", lambda event, context: [os.environ.get("OF_THE_TEST"), os.environ["TABLE"]])
    lambda_esm.function("g", lambda event, context: invoke("f"), environment={"TABLE": "of g"})
    monkeypatch.setenv("TABLE", "of the test")
    seen = [invoke("f"), invoke("g"), invoke("f")]
    change("OF_THE_TEST")
    monkeypatch.setenv("TABLE", "another")
    now = os.environ.get("OF_THE_TEST")
    assert seen == [["before", "of the test"], ["before", "of g"], ["before", "of the test"]]
    assert [invoke("f"), invoke("g"), invoke("f")] == [[now, "another"], [now, "of g"], [now, "another"]]


def test_handlers_of_the_test_stay_open(lambda_esm: FakeLambda, tmp_path: Path) -> None:
    file = logging.FileHandler(tmp_path / "log", mode="w")
    OWN_LOGGER.handlers = [file]
    lambda_esm.function("f", _loggers_anew)
    try:
        invoke("f")
        OWN_LOGGER.warning("after")
    finally:
        file.close()
        OWN_LOGGER.handlers = []
    assert (tmp_path / "log").read_text() == "after\n"


def test_a_handler_runs_its_own_event_loop_in_an_asynchronous_test(lambda_esm: FakeLambda) -> None:
    async def doubled(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    def inner(event: Any, context: Any) -> Any:
        return asyncio.run(doubled(event))

    def outer(event: Any, context: Any) -> Any:
        async def nested() -> Any:
            return json.load(boto3.client("lambda").invoke(FunctionName="inner", Payload=str(event))["Payload"])

        return asyncio.run(nested())

    async def test() -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        answer = boto3.client("lambda").invoke(FunctionName="outer", Payload="21")
        await asyncio.sleep(0)
        assert (asyncio.current_task(), asyncio.get_running_loop()) == (task, loop)
        return json.load(answer["Payload"])

    lambda_esm.function("inner", inner)
    lambda_esm.function("outer", outer)
    assert asyncio.run(test()) == 42


def test_what_a_handler_changes_in_the_event_stays_there(lambda_esm: FakeLambda) -> None:
    from pytest_lambda_esm import raises, runs

    def handler(event: Any, context: Any) -> Any:
        event["list"].append(1)
        return event

    function = lambda_esm.function("f", handler)
    function.script(runs(), raises(ValueError), runs())
    assert invoke("f", {"list": []}) == {"list": [1]}
    assert function.invocations[0].event == {"list": []}


def test_child_processes_see_the_functions_variables(lambda_esm: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> str:
        return environment_of_a_child()

    lambda_esm.function("f", handler, environment={"TABLE": "orders"})
    assert {"TABLE=orders", "AWS_LAMBDA_FUNCTION_NAME=f"} <= set(invoke("f").splitlines())


def test_variables_that_lambda_sets(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: dict(os.environ), memory=256, environment={"TABLE": "orders"})
    seen = invoke("f")
    assert seen["TABLE"] == "orders"
    for name, value in (
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_REGION", REGION),
        ("_HANDLER", "lambda_function.lambda_handler"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("TZ", ":UTC"),
    ):
        assert seen[name] == value
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert seen["AWS_LAMBDA_LOG_STREAM_NAME"].startswith("2026/01/01/[$LATEST]")
    assert "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


# --- the context ---------------------------------------------------------------------------------------------


def test_client_context(lambda_esm: FakeLambda) -> None:

    def handler(event: Any, context: Any) -> Any:
        given = context.client_context
        return [given.client.app_title, given.custom, given.env, context.identity.cognito_identity_id]

    lambda_esm.function("f", handler)
    sent = {"client": {"app_title": "shop"}, "custom": {"a": 1}, "env": {"b": "2"}}
    assert invoke("f", ClientContext=base64.b64encode(json.dumps(sent).encode()).decode()) == [
        "shop",
        {"a": 1},
        {"b": "2"},
        None,
    ]
    lambda_esm.function("f", lambda event, context: context.client_context)
    assert invoke("f") is None


def test_the_largest_client_context(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: len(context.client_context.custom["a"]))
    sent = base64.b64encode(json.dumps({"custom": {"a": "x" * 2_664}}).encode()).decode()
    assert len(sent) == 3_580  # Base64 has whole groups of four.
    assert invoke("f", ClientContext=sent) == 2_664


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("WzFd", "Client context must be a valid Base64-encoded JSON object."),
        ("bm90IGpzb24=", "Client context must be a valid Base64-encoded JSON object."),
        ("???", "Client context must be a valid Base64-encoded JSON object."),
        ("A" * 3584, "Client context must be no more than 3583 bytes."),
    ],
)
def test_client_contexts_that_are_refused(lambda_esm: FakeLambda, text: str, message: str) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    aws_lambda = lambda_esm.client("lambda")
    with pytest.raises(aws_lambda.exceptions.InvalidRequestContentException) as caught:
        aws_lambda.invoke(FunctionName="f", ClientContext=text)
    assert caught.value.response["Error"]["Message"] == message
    assert function.invocations == []


# --- what a handler returns ----------------------------------------------------------------------------------

VALUES = (
    (None, b"null"),
    ({"a": [1, 2.5, True]}, b'{"a": [1, 2.5, true]}'),
    ("é", '"é"'.encode()),
    (Decimal("1.10"), b"1.10"),
    (Decimal("3"), b"3"),
    (b"\x00raw\xff", b"\x00raw\xff"),
    ((1, 2), b"[1, 2]"),
    (float("nan"), b"NaN"),
)


@pytest.mark.parametrize(("value", "payload"), VALUES, ids=lambda value: repr(value)[:20])
def test_values_as_json(lambda_esm: FakeLambda, value: Any, payload: bytes) -> None:
    lambda_esm.function("f", lambda event, context: value)
    assert lambda_esm.client("lambda").invoke(FunctionName="f")["Payload"].read() == payload


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (lambda: datetime.now(), "datetime"),
        (lambda: date.today(), "date"),
        (lambda: {1}, "set"),
        (object, "object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_have_no_json(lambda_esm: FakeLambda, value: Callable[[], Any], kind: str) -> None:
    lambda_esm.function("f", lambda event, context: value())
    error = invoke("f")
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"] == f"Unable to marshal response: Object of type {kind} is not JSON serializable"
    assert error["stackTrace"] == []


# --- what a handler raises -----------------------------------------------------------------------------------


def test_traces_are_the_handlers(lambda_esm: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> None:
        boto3.client("sqs", region_name=REGION).get_queue_url(QueueName="unknown")

    lambda_esm.function("f", handler)
    trace = invoke("f")["stackTrace"]
    assert ", in handler\n" in trace[0]
    assert "botocore" in trace[-1]
    assert not [line for line in trace if "pytest_lambda_esm" in line]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("error", [Unspeakable(), asyncio.CancelledError(), GeneratorExit()], ids=repr)
def test_what_the_runtime_cannot_tell_ends_it(lambda_esm: FakeLambda, error: BaseException) -> None:
    def handler(event: Any, context: Any) -> None:
        raise error

    function = lambda_esm.function("f", handler)
    answer = invoke("f")
    [invocation] = function.invocations
    assert invocation.outcome == "exit"
    assert answer == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {invocation.request_id} Error: Runtime exited with error: exit status 1",
    }


# --- what a handler writes -----------------------------------------------------------------------------------


def test_bytes_that_are_written(lambda_esm: FakeLambda, capsys: pytest.CaptureFixture[str]) -> None:
    def handler(event: Any, context: Any) -> None:
        sys.stdout.buffer.write("é\n".encode())
        sys.stdout.buffer.flush()

    function = lambda_esm.function("f", handler)
    invoke("f")
    assert function.invocations[0].log.splitlines()[1] == "é"
    assert capsys.readouterr().out == "é\n"


def test_a_logger_that_keeps_the_output_of_an_invocation(
    lambda_esm: FakeLambda, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("kept.by.a.handler")

    def handler(event: Any, context: Any) -> None:
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler(sys.stdout))
        logger.warning("in %s", event)

    function = lambda_esm.function("f", handler)
    try:
        invoke("f", 1)
        logger.warning("outside")
        invoke("f", 2)
    finally:
        logger.handlers.clear()
    assert "outside" not in "".join(invocation.log for invocation in function.invocations)
    assert "in 2\n" in function.invocations[1].log
    captured = capsys.readouterr()
    assert captured.out == "in 1\noutside\nin 2\n"
    assert "Logging error" not in captured.err


def test_logs_reach_the_invocation_cloudwatch_and_the_test(
    lambda_esm: FakeLambda, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(event: Any, context: Any) -> None:
        print("printed")
        print("an error", file=sys.stderr)
        logging.getLogger("shop").warning("logged %s", 1)
        raise ValueError("failed")

    function = lambda_esm.function("f", handler)
    invoke("f")
    [invocation] = function.invocations
    lines = invocation.log.splitlines()
    request = invocation.request_id
    assert lines[:4] == [
        f"START RequestId: {request} Version: $LATEST",
        "printed",
        "an error",
        f"[WARNING]\t2026-01-01T00:00:00.000Z\t{request}\tlogged 1",
    ]
    assert lines[4:6] == ["[ERROR] ValueError: failed", "Traceback (most recent call last):"]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("printed\n", "an error\n")
    logs = lambda_esm.client("logs")
    [stream] = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
    assert stream["logStreamName"] == invocation.context.log_stream_name
    events = logs.get_log_events(logGroupName="/aws/lambda/f", logStreamName=stream["logStreamName"])["events"]
    assert events[0]["message"].startswith("INIT_START Runtime Version: python:3.12")
    assert "".join(event["message"] for event in events[1:]) == invocation.log


def test_the_ends_that_a_log_tells(lambda_esm: FakeLambda) -> None:
    from pytest_lambda_esm import exits, raises, times_out

    function = lambda_esm.function("f", lambda event, context: sys.stdout.writelines(["no line end"]))
    function.script(times_out(), exits(), raises(ValueError("no")))
    for _ in range(4):
        invoke("f")
    timed_out, exited, raised, printed = [
        entry.log.replace(entry.request_id, "<id>").splitlines()[1:-1] for entry in function.invocations
    ]
    assert timed_out == ["2026-01-01T00:00:03.000Z <id> Task timed out after 3.00 seconds", "END RequestId: <id>"]
    assert exited == [
        "RequestId: <id> Error: Runtime exited without providing a reason",
        "Runtime.ExitError",
        "END RequestId: <id>",
    ]
    assert raised == ["[ERROR] ValueError: no", "Traceback (most recent call last):", "END RequestId: <id>"]
    assert printed == ["no line end", "END RequestId: <id>"]
    assert function.invocations[0].log.endswith("\tStatus: timeout\n")


def test_logs_as_json(lambda_esm: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> None:
        logger = logging.getLogger("shop")
        logger.debug("too low")
        logger.info("sold %s", "lamp", extra={"count": 2})
        try:
            raise KeyError("k")
        except KeyError:
            logger.exception("caught")
        print("plain")
        raise ValueError("failed")

    function = lambda_esm.function("f", handler)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.update_function_configuration(FunctionName="f", LoggingConfig={"LogFormat": "JSON"})
    level = logging.getLogger().level
    invoke("f")
    assert logging.getLogger().level == level
    [invocation] = function.invocations
    start, sold, caught, plain, failed, report = invocation.log.splitlines()
    now, request = "2026-01-01T00:00:00.000Z", invocation.request_id
    assert json.loads(start) == {
        "time": now,
        "type": "platform.start",
        "record": {"requestId": request, "version": "$LATEST"},
    }
    assert json.loads(sold) == {
        "timestamp": now,
        "level": "INFO",
        "message": "sold lamp",
        "logger": "shop",
        "requestId": request,
        "count": 2,
    }
    assert list(json.loads(caught)) == [
        "timestamp",
        "level",
        "message",
        "logger",
        "stackTrace",
        "errorType",
        "errorMessage",
        "requestId",
        "location",
    ]
    assert plain == "plain"
    assert {**json.loads(failed), "stackTrace": []} == {
        "timestamp": "2026-01-01T00:00:00",
        "level": "ERROR",
        "errorMessage": "failed",
        "errorType": "ValueError",
        "requestId": request,
        "stackTrace": [],
    }
    assert json.loads(report)["record"]["status"] == "error"
    aws_lambda.update_function_configuration(
        FunctionName="f", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}
    )
    invoke("f")
    assert "sold lamp" not in function.invocations[-1].log
    assert "caught" in function.invocations[-1].log


def test_a_log_group_of_its_own(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: context.log_group_name)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.update_function_configuration(FunctionName="f", LoggingConfig={"LogGroup": "/shop/f"})
    assert invoke("f") == "/shop/f"
    groups = lambda_esm.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/shop/f"]


def test_log_handlers_that_the_test_drops_meanwhile_are_not_put_back(lambda_esm: FakeLambda) -> None:
    kept, dropped = logging.StreamHandler(io.StringIO()), [logging.StreamHandler(io.StringIO())]
    kept.name, dropped[0].name = "kept", "dropped"

    def handler(event: Any, context: Any) -> None:
        logging.config.dictConfig({"version": 1})  # forgets all handlers
        dropped.clear()

    lambda_esm.function("f", handler)
    invoke("f")
    alive = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    assert None not in alive
    assert kept in alive
    assert "kept" in logging._handlers  # type: ignore[attr-defined]
    assert "dropped" not in logging._handlers  # type: ignore[attr-defined]


def test_signals_that_the_test_handles_while_a_handler_runs_in_another_thread(lambda_esm):
    """``asyncio.run`` does so in the main thread, for Ctrl+C."""
    began, set_ = threading.Event(), threading.Event()
    function = lambda_esm.function("f", lambda event, context: began.set() or set_.wait(10))
    calling = threading.Thread(target=boto3.client("lambda").invoke, kwargs={"FunctionName": "f"})
    calling.start()
    began.wait(10)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        set_.set()
        calling.join()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        assert function.invocations[0].result is True
    finally:
        signal.signal(signal.SIGTERM, before)
