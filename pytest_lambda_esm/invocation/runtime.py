"""Runs a handler as Lambda runs a function: at once, in the calling thread, start to end."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any

from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.invocation import result as results
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.context import (
    ExecutionEnvironment,
    LambdaContext,
    log_stream_name,
    trace_header,
    variables,
)
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.invocation.local_time import LocalTime, TimedOut
from pytest_lambda_esm.invocation.nesting import Nesting, OpenInvocation
from pytest_lambda_esm.invocation.record import Invocation, Request
from pytest_lambda_esm.invocation.sandbox.isolation import Isolation, encoded
from pytest_lambda_esm.invocation.sandbox.output import Output
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.timing import MICROSECONDS


class Runtime:
    """Runs handlers; one invocation may cause another."""

    def __init__(self, clock: Clock, new_id: Callable[[], str], isolation: Isolation) -> None:
        self._clock = clock
        self._show = clock.show  # One bound method for all invocations, which keep it.
        self._new_id = new_id
        self._isolation = isolation
        self._output = Output()
        self.nesting = Nesting()
        self._causing = 0
        self._environments: dict[tuple[str, str], ExecutionEnvironment] = {}

    @property
    def local_time(self) -> LocalTime | None:
        """The time of the invocation that is going on, or None outside of handlers."""
        invocation = self.nesting.current()
        return invocation.time if invocation is not None else None

    @property
    def depth(self) -> int:
        """How many invocations, each caused by the one before, led to what happens now."""
        invocation = self.nesting.current()
        return invocation.depth if invocation is not None else self._causing

    @contextmanager
    def causing(self, depth: int) -> Iterator[None]:
        """What happens meanwhile is caused by a chain of so many invocations, though none is going on."""
        before, self._causing = self._causing, depth
        try:
            yield
        finally:
            self._causing = before

    def now(self) -> int:
        """The time in the invocation that is going on, or the clock's."""
        if not self.nesting.open:
            return self._clock.instant
        invocation = self.nesting.current()
        return invocation.time.now() if invocation is not None else self._clock.instant

    def wait_until(self, instant: int) -> None:
        """Move the caller's time to an instant; inside a handler, that may be past its timeout."""
        __tracebackhide__ = True
        local = self.local_time
        if local is None:
            self._clock.wait_until(instant)
        elif instant > local.now():
            local.wait_until(instant)

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """Refuse to move time while a handler runs, except from inside that handler."""
        invocation = self.nesting.current()
        return self._clock.occupied(about) if invocation is None else invocation.lock

    def run(self, request: Request, handler: Handler, *, start: int, lasts: int, timeout: int) -> Invocation:
        """Run a handler to its end and tell what came of it; its virtual end may lie in the future.

        It begins at ``start``, which is now, and takes ``lasts`` at the least and ``timeout`` at the most, all in
        microseconds. What a handler raises becomes a function error; a handler with a method ``as_in_lambda`` says how
        the lines of its stack traces read in Lambda. An exception of this package, pytest's own outcomes and
        KeyboardInterrupt pass through to the line that moved the clock.
        """
        function, request_id = request.function, request.request_id
        time = LocalTime(start, start + timeout, self._show)
        surroundings = self._environment(function, start)
        context = LambdaContext(surroundings, request_id, request.invoked_arn, time, request.client_context)
        opened = OpenInvocation(time, request.depth + 1)
        self.nesting.push(opened)
        before = self._output.begin(request_id, function)
        changes = self._isolation.enter(surroundings.variables, trace_header(request_id, start))
        try:
            result = _call(handler, context, request, timeout)
        finally:
            time.end()
            with opened.lock:  # A thread of the handler may still be in an invocation of its own.
                self._isolation.leave(changes)
                written = self._output.end(before)
                self.nesting.pop(opened)
                furthest = time.furthest
                if furthest > start:
                    self._show(start)
        end = max(furthest, start + lasts)
        # What the handler sleeps up to its timeout is never all that it does; what a test declares is.
        if furthest >= time.deadline or end > time.deadline:
            end = time.deadline
            result = results.timed_out(timeout, request_id)
        return Invocation(request, context, result, (start, end), written or ())

    def _environment(self, function: FunctionConfiguration, start: int) -> ExecutionEnvironment:
        key = (function.arn, function.version)
        known = self._environments.get(key)
        if known is not None and known.function is function:
            return known
        if known is not None and known.function.runs_as(function):
            stream = known.log_stream
        else:
            # Each change of code or configuration is followed by a new environment, with a log stream of its own.
            stream = log_stream_name(start, function.version, self._new_id().replace("-", ""))
        fresh = ExecutionEnvironment(function, stream, encoded(variables(function, stream)))
        self._environments[key] = fresh
        return fresh


def _call(handler: Handler, context: LambdaContext, request: Request, timeout: int) -> results.Result:
    request_id = request.request_id
    try:
        return results.returned(handler(request.event(), context), request_id, request.function.runtime)
    except TimedOut:
        return results.timed_out(timeout, request_id)
    except SystemExit:
        return results.exited(request_id)
    except (CancelledError, GeneratorExit):
        return results.crashed(request_id)
    except LambdaEsmError:
        raise
    except results.InitFailed as failed:
        return results.Result("error", error=failed.error)
    except Exception as error:
        shown = getattr(handler, "as_in_lambda", str)
        return results.raised(error, _handlers_own(error.__traceback__), request_id, shown)


def _handlers_own(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the handler on: what called it, this package or pytest's hooks, is not its business."""
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in ("pytest_lambda_esm", "pluggy"):
            return trace
        trace = trace.tb_next
    return None


def timeout_of(function: FunctionConfiguration) -> int:
    """A function's timeout in microseconds."""
    return function.timeout * MICROSECONDS
