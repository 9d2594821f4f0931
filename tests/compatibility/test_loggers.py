"""Logging libraries whose loggers are created when a module is imported: each line is in the function's log, once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_lambda_esm import FakeLambda

STDOUT, STDERR = sys.stdout, sys.stderr


def one_line(lambda_esm: FakeLambda, speak: Callable[[], Any]) -> bool:
    """Return whether what a handler says is in its log once."""
    function = lambda_esm.function("f", lambda event, context: speak() and None)
    lambda_esm.client("lambda").invoke(FunctionName="f")
    return function.invocations[-1].log.count("hello there") == 1


@pytest.fixture
def loguru() -> Iterator[Any]:
    logger = pytest.importorskip("loguru").logger
    logger.remove()
    yield logger
    logger.remove()
    logger.add(sys.__stderr__)


@pytest.mark.parametrize(
    "sink", [STDOUT, STDERR, lambda message: STDOUT.write(message)], ids=["out", "err", "function"]
)
def test_loguru(lambda_esm: FakeLambda, loguru: Any, sink: Any) -> None:
    loguru.add(sink, format="{message}", enqueue=False)
    assert one_line(lambda_esm, lambda: loguru.info("hello there"))


@pytest.mark.parametrize("kind", ["PrintLogger", "WriteLogger", "BytesLogger"])
def test_structlog(lambda_esm: FakeLambda, kind: str) -> None:
    structlog = pytest.importorskip("structlog")
    renderer: list[Any] = [structlog.processors.JSONRenderer()]
    kept = getattr(structlog, kind)(STDOUT.buffer if kind == "BytesLogger" else STDOUT)
    if kind == "BytesLogger":
        renderer.append(lambda logger, method, line: line.encode())
    logger = structlog.wrap_logger(kept, processors=renderer)
    assert one_line(lambda_esm, lambda: logger.info("hello there"))


def test_structlog_through_the_standard_library(lambda_esm: FakeLambda) -> None:
    structlog = pytest.importorskip("structlog")
    logger = structlog.wrap_logger(
        structlog.stdlib.LoggerFactory()("shop"), processors=[structlog.processors.JSONRenderer()]
    )
    assert one_line(lambda_esm, lambda: logger.warning("hello there"))
