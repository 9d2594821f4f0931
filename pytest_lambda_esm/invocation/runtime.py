"""Runs a handler at once, in the calling thread, from start to end; reads and moves the caller's time."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any

from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.errors import LambdaEsmError, ends_the_run
from pytest_lambda_esm.invocation import result as results
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.context import (
    ExecutionEnvironment,
    LambdaContext,
    log_stream_name,
    trace_header,
    variables,
)
from pytest_lambda_esm.invocation.handlers import Handler, HandlerCall, translation
from pytest_lambda_esm.invocation.local_time import LocalTime, TimedOut
from pytest_lambda_esm.invocation.nesting import Nesting, OpenInvocation
from pytest_lambda_esm.invocation.power_cut import Cuts
from pytest_lambda_esm.invocation.record import Invocation, Period, Request
from pytest_lambda_esm.invocation.sandbox.isolation import Isolation, encoded
from pytest_lambda_esm.invocation.sandbox.output import Output
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.observe.causes import Causes
from pytest_lambda_esm.timing import MICROSECONDS


class Runtime:
    """Runs handlers, one inside another where a handler invokes a function, and keeps the time of each caller.

    A caller is the test's code, or a handler that is running.
    """

    def __init__(self, clock: EventClock, new_id: Callable[[], str], isolation: Isolation) -> None:
        self._clock = clock
        self._show = clock.show  # One bound method, which every invocation keeps.
        self._new_id = new_id
        self._isolation = isolation
        self.nesting = Nesting(clock.sleepers, clock)
        self.cuts = Cuts(self.nesting)
        self.output = Output(self.nesting.current)
        self.causes = Causes()
        self._causing_depth = 0
        self._causing_request = ""
        self._environments: dict[tuple[str, str], ExecutionEnvironment] = {}
        self._unused: set[tuple[str, str]] = set()  # Environments that were initialised, and have run nothing.
        self._traces: dict[str, str] = {}

    @property
    def local_time(self) -> LocalTime | None:
        """The time of the running invocation, or None outside handlers."""
        invocation = self.nesting.current()
        return invocation.time if invocation is not None else None

    @property
    def depth(self) -> int:
        """The chain of invocations, each caused by the one before, that led to the caller (:mod:`.chains`)."""
        invocation = self.nesting.current()
        return invocation.depth if invocation is not None else self._causing_depth

    @contextmanager
    def causing(self, depth: int, request_id: str) -> Iterator[None]:
        """Attribute what happens meanwhile to a chain of invocations and its last request, although none is running."""
        before = self._causing_depth, self._causing_request
        self._causing_depth, self._causing_request = depth, request_id
        try:
            yield
        finally:
            self._causing_depth, self._causing_request = before

    @property
    def cause(self) -> str:
        """The request id of the invocation that led to the caller, or an empty string if none did."""
        if not self.nesting.open:
            return self._causing_request
        invocation = self.nesting.current()
        return invocation.request_id if invocation is not None else self._causing_request

    def sent(self, source: str, record: str) -> None:
        """Note that the caller sends a record to a source, if an invocation led to the caller."""
        cause = self.cause
        if cause:
            self.causes.note(self.now(), source, record, cause, cause != self._causing_request)

    def trace(self, request_id: str, header: str) -> None:
        """Continue the trace of a header in all invocations of a request, retries included."""
        if header:
            self._traces[request_id] = header

    def now(self) -> int:
        """Return the caller's time: the running invocation's, or the clock's."""
        if not self.nesting.open:
            return self._clock.instant
        invocation = self.nesting.current()
        return invocation.time.now() if invocation is not None else self._clock.instant

    def wait_until(self, instant: int) -> None:
        """Move the caller's time to an instant. Inside a handler, raises TimedOut at the handler's deadline."""
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

    def run(self, request: Request, handler: Handler, *, start: int, duration: int, timeout: int) -> Invocation:
        """Run a handler to its end and return the invocation, whose virtual end may lie in the future.

        It starts at ``start``, which is now, and takes at least ``duration`` and at most ``timeout``, all in
        microseconds. An exception that the handler raises becomes a function error. If the handler has a method
        ``as_in_lambda``, it translates the lines of stack traces to what they read in Lambda. Exceptions of this
        package, pytest's own outcomes and KeyboardInterrupt pass through to the line that moved the clock.
        """
        function, request_id = request.function, request.request_id
        time = LocalTime(start, start + timeout, self._show, self._clock.sleepers)
        environment, is_new = self._environment(function, start)
        if self._unused:
            key = (function.arn, function.version)
            is_new = is_new or key in self._unused
            self._unused.discard(key)
        context = LambdaContext(environment, request_id, request.invoked_arn, time, request.client_context)
        if self.nesting.open and request.mapping is None:
            self.sent(function.arn, request_id)
        trace = trace_header(request_id, start, self._traces.get(request_id, ""))
        opened = OpenInvocation(time, chains.longer(request.depth), request_id, trace)
        self.nesting.push(opened)
        log = self.output.begin(opened, request_id, function, deployed=translation(handler) is not str)
        changes = self._isolation.enter(environment.variables, trace)
        try:
            result = _call(handler, context, request, timeout)
            try:  # noqa: SIM105 - suppress() takes as long as following the wall clock.
                self._clock.follow_wall()
            except TimedOut:
                pass  # The result says so below.
        finally:
            time.end()
            self.nesting.visits.end(opened)
            with opened.lock:  # A thread of the handler may still be running an invocation.
                try:
                    self._isolation.leave(changes)
                finally:
                    written = self.output.end(log)
                    self.nesting.pop(opened)
                    furthest = time.furthest
                    if furthest > start:
                        self._show(start)
        end = max(furthest, start + duration)
        if changes.exit_status is not None:
            result = results.exited(request_id, changes.exit_status)
        # A handler that sleeps up to its timeout has more to do, so it times out; a declared duration may equal it.
        if furthest >= time.deadline or end > time.deadline:
            end = time.deadline
            result = results.timed_out(timeout, request_id)
        period = Period(start, end, time.imported if is_new else None)
        return Invocation(request, context, result, period, written or ())

    def initialise(self, function: FunctionConfiguration, load: Callable[[], None]) -> None:
        """Call ``load`` in a new environment of a function, before its first invocation. It may raise.

        The first invocation in the environment still is a cold start.
        """
        key = (function.arn, function.version)
        self._environments.pop(key, None)
        environment, _ = self._environment(function, self._clock.instant)
        self._unused.add(key)
        changes = self._isolation.enter(environment.variables, "")
        try:
            load()
        finally:
            self._isolation.leave(changes)

    @contextmanager
    def restored_on_failure(self) -> Iterator[None]:
        """Have all functions go on in the environments that they have now, if an exception is raised meanwhile."""
        before = dict(self._environments), set(self._unused)
        try:
            yield
        except BaseException:
            self._environments, self._unused = before
            raise

    def _environment(self, function: FunctionConfiguration, start: int) -> tuple[ExecutionEnvironment, bool]:
        """Return the environment that runs a function, and whether it starts now."""
        key = (function.arn, function.version)
        current = self._environments.get(key)
        if current is not None and current.function is function:
            return current, False
        is_new = current is None or not current.function.runs_as(function)
        if current is not None and not is_new:
            stream = current.log_stream
        else:
            # A change of code or configuration starts a new environment, with a new log stream.
            stream = log_stream_name(start, function.version, self._new_id().replace("-", ""))
        new = ExecutionEnvironment(function, stream, encoded(variables(function, stream)))
        self._environments[key] = new
        return new, is_new


def _call(handler: Handler, context: LambdaContext, request: Request, timeout: int) -> results.Result:
    request_id = request.request_id
    try:
        return results.returned(handler(_event(request), context), request_id, request.function.runtime)
    except TimedOut:
        return results.timed_out(timeout, request_id)
    except SystemExit as error:
        return _exited(error, request_id)
    except (CancelledError, GeneratorExit):
        return results.crashed(request_id)
    except LambdaEsmError:
        raise
    except results.InitFailed as failed:
        members = results.members_of(request.function.runtime)
        return results.Result("error", error=replace(failed.error, members=members))
    except Exception as error:
        if ends_the_run(error):
            raise
        trace = _from_handler_on(error.__traceback__)
        return results.raised(error, trace, request_id, request.function.runtime, translation(handler))


def _exited(error: SystemExit, request_id: str) -> results.Result:
    """Do what Python does at ``sys.exit``: a text goes to standard error, and the status is 1."""
    if error.code is not None and not isinstance(error.code, int):
        print(error.code, file=sys.stderr)
    return results.exited(request_id, error.code)


def _event(request: Request) -> Any:
    """Return the event. Raises InitFailed for a payload that the runtime cannot read."""
    try:
        return request.event()
    except (ValueError, RecursionError) as error:
        if request.mapping is not None:
            raise  # A batch is not read from a payload.
        raise results.InitFailed(results.unreadable(error, request.request_id)) from error


def _from_handler_on(trace: TracebackType | None) -> TracebackType | None:
    """Drop the frames before the handler's: this package called it, through pytest's hooks and a test's own ones."""
    called = trace
    while called is not None and called.tb_frame.f_code is not HandlerCall.run.__code__:
        called = called.tb_next
    trace = called or trace
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in ("pytest_lambda_esm", "pluggy"):
            return trace
        trace = trace.tb_next
    return None


def timeout_of(function: FunctionConfiguration) -> int:
    """Return a function's timeout in microseconds."""
    return function.timeout * MICROSECONDS
