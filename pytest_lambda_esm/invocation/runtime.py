"""Runs a handler as Lambda runs a function: at once, in the calling thread, start to end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from types import TracebackType
from typing import Any, Protocol, TextIO

from pytest_lambda_esm.config import MICROSECONDS
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.invocation import environment
from pytest_lambda_esm.invocation import result as results
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.context import LambdaContext, log_stream_name
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.invocation.local_time import LocalTime, TimedOut
from pytest_lambda_esm.invocation.record import Invocation, MakeEvent
from pytest_lambda_esm.mappings.mapping import Mapping


class Clock(Protocol):
    """What the runtime needs of the clock."""

    @property
    def instant(self) -> int:
        """Now, in microseconds since the epoch."""
        ...

    def show(self, instant: int) -> None:
        """Let the wall clocks show an instant."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One invocation to make: ``event()`` makes the event anew, ``depth`` is how many invocations led to it."""

    function: FunctionConfiguration
    invoked_arn: str
    event: MakeEvent
    attempt: int
    mapping: Mapping | None
    depth: int


@dataclass(frozen=True, slots=True)
class _Running:
    time: LocalTime
    depth: int


class Runtime:
    """Runs handlers. ``running`` is the invocation that is going on, since one may cause another."""

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._running: list[_Running] = []
        self._log_streams: dict[str, str] = {}

    @property
    def local_time(self) -> LocalTime | None:
        """The time of the invocation that is going on, or None outside of handlers."""
        return self._running[-1].time if self._running else None

    @property
    def depth(self) -> int:
        """How many invocations, each caused by the one before, led to what happens now."""
        return self._running[-1].depth if self._running else 0

    def run(self, request: Request, function: Function, handler: Handler) -> Invocation:
        """Run a handler to its end and tell what came of it; its virtual end may lie in the future.

        What a handler raises becomes a function error. An exception of this package, pytest's own outcomes and
        KeyboardInterrupt pass through to the line that moved the clock.
        """
        request_id = self._new_id()
        start = self.local_time.now() if self.local_time else self._clock.instant
        timeout = request.function.timeout * MICROSECONDS
        time = LocalTime(start, start + timeout, self._clock.show)
        stream = self._log_stream(request.function, start)
        context = LambdaContext(
            request.function,
            request_id=request_id,
            invoked_arn=request.invoked_arn,
            log_stream=stream,
            deadline=start + timeout,
            now=time.now,
        )
        variables = environment.variables(request.function, stream)
        running = _Running(time, request.depth + 1)
        with self._going_on(running, start), _captured() as printed, environment.in_place(variables):
            result = _call(handler, request.event(), context, timeout)
        end = max(time.furthest, start + function.declared_duration)
        if end >= start + timeout:
            end = start + timeout
            result = results.timed_out(timeout, request_id)
        return Invocation(
            function=request.function.name,
            make_event=request.event,
            context=context,
            result=result.value,
            error=result.error,
            outcome=result.outcome,
            attempt=request.attempt,
            request_id=request_id,
            start=start,
            end=end,
            mapping=request.mapping,
            log=_log(request.function, request_id, printed.getvalue(), result, end - start),
        )

    @contextmanager
    def _going_on(self, running: _Running, start: int) -> Iterator[None]:
        self._running.append(running)
        try:
            yield
        finally:
            self._running.pop()
            if running.time.furthest > start:
                self._clock.show(start)

    def _log_stream(self, function: FunctionConfiguration, start: int) -> str:
        key = f"{function.arn}:{function.version}"
        if key not in self._log_streams:
            self._log_streams[key] = log_stream_name(start, function.version, self._new_id().replace("-", ""))
        return self._log_streams[key]


def _call(handler: Handler, event: Any, context: LambdaContext, timeout: int) -> results.Result:
    request_id = context.aws_request_id
    try:
        return results.returned(handler(event, context), request_id)
    except TimedOut:
        return results.timed_out(timeout, request_id)
    except SystemExit:
        return results.exited(request_id)
    except LambdaEsmError:
        raise
    except Exception as error:
        return results.raised(error, _handlers_own(error.__traceback__), request_id)


def _handlers_own(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the handler on: what called it, this package or pytest's hooks, is not its business."""
    first = trace
    while first is not None:
        package = str(first.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in ("pytest_lambda_esm", "pluggy"):
            return first
        first = first.tb_next
    return trace


class _Tee(StringIO):
    """Keeps what a handler prints, and passes it on to where it would have gone."""

    def __init__(self, onward: TextIO) -> None:
        super().__init__()
        self._onward = onward

    def write(self, text: str) -> int:
        self._onward.write(text)
        return super().write(text)


@contextmanager
def _captured() -> Iterator[StringIO]:
    with redirect_stdout(_Tee(sys.stdout)) as printed:
        yield printed


def _log(function: FunctionConfiguration, request_id: str, printed: str, result: results.Result, lasted: int) -> str:
    lines = [f"START RequestId: {request_id} Version: {function.version}\n", printed]
    if printed and not printed.endswith("\n"):
        lines.append("\n")
    if result.error is not None and result.outcome == "error":
        trace = "".join(result.error.payload.get("stackTrace", ()))
        lines.append(f"[ERROR] {result.error}\nTraceback (most recent call last):\n{trace}")
    milliseconds = lasted / 1000
    lines.append(f"END RequestId: {request_id}\n")
    lines.append(
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {-(-lasted // 1000)} ms\t"
        f"Memory Size: {function.memory} MB\tMax Memory Used: {function.memory} MB\n"
    )
    return "".join(lines)
