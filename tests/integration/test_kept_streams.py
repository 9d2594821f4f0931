"""Loggers and streams that a module kept when it was imported, before there was a fake: their lines are in the log."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import logging.config
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from pytest_lambda_esm import FakeLambda

STDOUT, STDERR, BUFFER = sys.stdout, sys.stderr, sys.stdout.buffer
WRITE = sys.stdout.write


class OwnHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        STDOUT.write(self.format(record) + "\n")


def _own_logger(name: str, handler: logging.Handler, *, propagate: bool = False) -> logging.Logger:
    logger = logging.getLogger(f"kept.{name}")
    logger.addHandler(handler)
    logger.propagate = propagate
    return logger


TO_STDOUT = _own_logger("stdout", logging.StreamHandler(STDOUT))
TO_STDERR = _own_logger("stderr", logging.StreamHandler(STDERR))
TO_PROCESS = _own_logger("process", logging.StreamHandler(sys.__stdout__))
TO_BOTH = _own_logger("both", logging.StreamHandler(STDOUT), propagate=True)
OWN = _own_logger("own", OwnHandler())
TO_TEXT = _own_logger("text", logging.StreamHandler(io.StringIO()))
POWERTOOLS = Logger(service="kept.powertools")
CHILD = Logger(service="kept.powertools", child=True)
logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "configured %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "plain"}},
        "loggers": {"kept.configured": {"handlers": ["console"], "propagate": False}},
    }
)


def _warn() -> None:
    warnings.warn(" ".join(("hello", "there")), stacklevel=1)  # The log also has this line.


def _in_a_thread() -> None:
    thread = threading.Thread(target=lambda: TO_STDOUT.warning("hello there"))
    thread.start()
    thread.join()


WAYS: dict[str, Callable[[], Any]] = {
    "handler of stdout": lambda: TO_STDOUT.warning("hello there"),
    "handler of stderr": lambda: TO_STDERR.warning("hello there"),
    "handler of the process": lambda: TO_PROCESS.warning("hello there"),
    "handler of its own class": lambda: OWN.warning("hello there"),
    "handler by dictConfig": lambda: logging.getLogger("kept.configured").warning("hello there"),
    "Powertools": lambda: POWERTOOLS.info("hello there"),
    "Powertools, child": lambda: CHILD.info("hello there"),
    "print": lambda: print("hello there", file=STDOUT),
    "write": lambda: WRITE("hello there\n"),
    "lines": lambda: STDERR.writelines(["hello there\n"]),
    "buffer": lambda: BUFFER.write(b"hello there\n"),
    "descriptor": lambda: os.write(1, b"hello there\n"),
    "warning": _warn,
    "thread": _in_a_thread,
    "print to sys.stdout": lambda: print("hello there"),
    "logger of the runtime": lambda: logging.getLogger("shop").warning("hello there"),
}


@pytest.fixture
def log_of(lambda_esm: FakeLambda) -> Callable[[Callable[[], Any]], str]:
    """The log of an invocation whose handler calls the function; it is the same in all three places."""

    def invoke(speak: Callable[[], Any]) -> str:
        function = lambda_esm.function("f", lambda event, context: [speak(), None][1])
        answer = lambda_esm.client("lambda").invoke(FunctionName="f", LogType="Tail")
        assert "FunctionError" not in answer
        invocation = function.invocations[-1]
        logs, stream = lambda_esm.client("logs"), invocation.context.log_stream_name
        events = logs.get_log_events(logGroupName="/aws/lambda/f", logStreamName=stream)["events"]
        assert "".join(event["message"] for event in events[1:]) == invocation.log  # The first one is INIT_START.
        assert base64.b64decode(answer["LogResult"]).decode() == invocation.log
        return invocation.log

    return invoke


@pytest.fixture
def collected_warnings() -> Iterator[None]:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("default")
        yield


@pytest.mark.usefixtures("collected_warnings")
@pytest.mark.parametrize("way", WAYS)
def test_it_is_in_the_log_once(log_of: Callable[[Callable[[], Any]], str], way: str) -> None:
    assert log_of(WAYS[way]).count("hello there") == 1


@pytest.mark.usefixtures("collected_warnings")
@pytest.mark.parametrize("way", WAYS)
def test_also_with_capsys(
    capsys: pytest.CaptureFixture[str], log_of: Callable[[Callable[[], Any]], str], way: str
) -> None:
    assert log_of(WAYS[way]).count("hello there") == 1


def test_only_the_json_of_powertools(log_of: Callable[[Callable[[], Any]], str]) -> None:
    lines = log_of(lambda: POWERTOOLS.info("hello there", extra={"amount": 3})).split("\n")[1:-3]
    assert [json.loads(line)["amount"] for line in lines] == [3]


def test_powertools_without_its_filter(
    log_of: Callable[[Callable[[], Any]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_DEDUPLICATION_DISABLED", "true")
    log = log_of(lambda: POWERTOOLS.info("hello there"))
    assert [line[:2] for line in log.split("\n") if "hello there" in line] == ['{"', "[I"]


def test_a_logger_that_propagates_writes_twice_as_in_lambda(log_of: Callable[[Callable[[], Any]], str]) -> None:
    log = log_of(lambda: TO_BOTH.warning("hello there"))
    assert [line[:9] for line in log.split("\n") if "hello there" in line] == ["hello the", "[WARNING]"]


def test_streams_of_the_test_are_not_the_functions(log_of: Callable[[Callable[[], Any]], str]) -> None:
    assert "hello there" not in log_of(lambda: TO_TEXT.warning("hello there"))


def test_a_stream_that_the_test_replaced(log_of: Callable[[Callable[[], Any]], str]) -> None:
    """What a logger keeps of a stream that stands for standard output during the invocation."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        handler = logging.StreamHandler(sys.stdout)
        logger = _own_logger("redirected", handler)
        try:
            assert log_of(lambda: logger.warning("hello there")).count("hello there") == 1
            logger.warning("outside")
        finally:
            logger.removeHandler(handler)
    assert text.getvalue() == "hello there\noutside\n"


def test_what_capturing_sees_is_the_same(lambda_esm: FakeLambda, capfd: pytest.CaptureFixture[str]) -> None:
    def handler(event: Any, context: Any) -> None:
        print("printed")
        print("an error", file=sys.stderr)
        os.write(1, b"a byte\n")
        sys.stdout.buffer.write("é\n".encode())

    function = lambda_esm.function("f", handler)
    os.write(1, b"before\n")
    lambda_esm.client("lambda").invoke(FunctionName="f")
    assert capfd.readouterr() == ("before\nprinted\na byte\né\n", "an error\n")
    assert function.invocations[0].log.split("\n")[1:5] == ["printed", "an error", "a byte", "é"]


def test_nothing_else_is_recorded(lambda_esm: FakeLambda) -> None:
    """Neither what the test writes, nor a thread of the test, nor what a handler of the test run's root logger does."""
    go_on, written = threading.Event(), threading.Event()

    def writes() -> None:
        go_on.wait(10)
        print("of the test's thread", file=STDOUT)
        written.set()

    thread = threading.Thread(target=writes)
    thread.start()

    def handler(event: Any, context: Any) -> None:
        go_on.set()
        written.wait(10)
        logging.getLogger("shop").warning("hello there")

    function = lambda_esm.function("f", handler)
    of_the_suite = logging.StreamHandler(STDOUT)
    logging.getLogger().addHandler(of_the_suite)
    try:
        print("before", file=STDOUT)
        lambda_esm.client("lambda").invoke(FunctionName="f")
        print("after", file=STDOUT)
    finally:
        logging.getLogger().removeHandler(of_the_suite)
        thread.join()
    log = function.invocations[0].log
    assert log.count("hello there") == 1
    assert not [text for text in ("before", "after", "of the test's thread") if text in log]


def test_nested_invocations_have_their_own(lambda_esm: FakeLambda) -> None:
    def outer(event: Any, context: Any) -> None:
        TO_STDOUT.warning("outer begins")
        lambda_esm.client("lambda").invoke(FunctionName="inner")
        TO_STDOUT.warning("outer ends")

    of_outer = lambda_esm.function("outer", outer)
    of_inner = lambda_esm.function("inner", lambda event, context: TO_STDOUT.warning("inner"))
    lambda_esm.client("lambda").invoke(FunctionName="outer")
    assert of_outer.invocations[0].log.split("\n")[1:3] == ["outer begins", "outer ends"]
    assert of_inner.invocations[0].log.split("\n")[1:2] == ["inner"]


def test_a_handler_that_wraps_its_output_and_invokes_another(lambda_esm: FakeLambda) -> None:
    class Unbuffered:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def write(self, text: str) -> None:
            self.stream.write(text)
            self.stream.flush()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    def outer(event: Any, context: Any) -> None:
        sys.stdout = Unbuffered(sys.stdout)  # type: ignore[assignment]  # It has what code uses.
        print("outer begins")
        lambda_esm.client("lambda").invoke(FunctionName="inner")
        print("outer ends")

    of_outer = lambda_esm.function("outer", outer)
    of_inner = lambda_esm.function("inner", lambda event, context: print("inner"))
    for _ in range(2):
        lambda_esm.client("lambda").invoke(FunctionName="outer")
    for invocation in of_outer.invocations:
        assert invocation.log.split("\n")[1:3] == ["outer begins", "outer ends"]
    for invocation in of_inner.invocations:
        assert invocation.log.split("\n")[1:-3] == ["inner"]


def test_a_thread_writes_to_the_log_of_its_own_handler(lambda_esm: FakeLambda) -> None:
    in_inner, written = threading.Event(), threading.Event()

    def writes() -> None:
        in_inner.wait(10)
        TO_STDOUT.warning("of outer's thread")
        written.set()

    def outer(event: Any, context: Any) -> None:
        thread = threading.Thread(target=writes)
        thread.start()
        lambda_esm.client("lambda").invoke(FunctionName="inner")
        thread.join()

    def inner(event: Any, context: Any) -> None:
        in_inner.set()
        written.wait(10)
        TO_STDOUT.warning("of inner")

    of_outer, of_inner = lambda_esm.function("outer", outer), lambda_esm.function("inner", inner)
    lambda_esm.client("lambda").invoke(FunctionName="outer")
    assert of_outer.invocations[0].log.split("\n")[1] == "of outer's thread"
    assert of_inner.invocations[0].log.split("\n")[1] == "of inner"


@pytest.fixture
def attributes() -> Iterator[None]:
    """The streams have the same attributes as before, after the fake has ended."""
    streams: list[Any] = [STDOUT, STDERR, BUFFER, sys.__stdout__, sys.__stderr__]
    before = [set(vars(stream)) for stream in streams]
    write, modes = os.write, [getattr(stream, "write_through", None) for stream in streams]
    yield
    assert [set(vars(stream)) for stream in streams] == before
    assert [getattr(stream, "write_through", None) for stream in streams] == modes
    assert os.write is write


def test_streams_are_restored(attributes: None, request: pytest.FixtureRequest) -> None:
    fake = request.getfixturevalue("lambda_esm")
    fake.function("f", lambda event, context: TO_STDOUT.warning("hello there"))
    fake.client("lambda").invoke(FunctionName="f")


def test_warnings_that_python_does_not_show(log_of: Callable[[Callable[[], Any]], str]) -> None:
    def speak() -> None:
        with warnings.catch_warnings(record=True):
            warnings.warn("recorded by the handler", stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        log = log_of(speak)
    assert [str(warning.message) for warning in caught] == ["old"]
    assert "old" not in log
    assert "recorded" not in log


def test_the_formats_of_the_function(lambda_esm: FakeLambda, log_of: Callable[[Callable[[], Any]], str]) -> None:
    lambda_esm.function("f", lambda event, context: None)
    lambda_esm.client("lambda").update_function_configuration(
        FunctionName="f", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}
    )

    def speak() -> None:
        TO_STDOUT.warning("hello there")
        logging.getLogger("shop").warning("a record")
        logging.getLogger("shop").info("too low")

    lines = [line for line in log_of(speak).split("\n") if "platform" not in line]
    assert lines[0] == "hello there"
    assert json.loads(lines[1])["message"] == "a record"
    assert lines[2:] == [""]
