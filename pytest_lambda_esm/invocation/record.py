"""The request for an invocation, the record that a test reads, and the log that Lambda writes about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.sandbox.output import JSON, stamp
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.timing import moment_of

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.invocation.result import FunctionError, Result

MakeEvent: TypeAlias = Callable[[], Any]
"""Makes an event: a new object each time, so that a handler's changes to it do not leak."""


class Request(NamedTuple):
    """A request to invoke a function.

    ``function`` is the version to run, ``invoked_arn`` the ARN in the request. ``event()`` makes the event. ``attempt``
    counts from 1. ``depth`` is the length of the chain of invocations that led to this request.
    """

    function: FunctionConfiguration
    invoked_arn: str
    event: MakeEvent
    request_id: str
    attempt: int = 1
    depth: int = 0
    mapping: Mapping | None = None
    client_context: ReadOnly[str, Any] | None = None


class Invocation:
    """One run of a function. A throttled request does not reach the function, so it is not an invocation.

    An invocation is read-only. It is not a frozen dataclass, because creating one would take several times as long, and
    each batch creates one.
    """

    __slots__ = ("_answer", "_context", "_end", "_request", "_start", "_written")

    def __init__(
        self, request: Request, context: LambdaContext, answer: Result, period: tuple[int, int], written: Sequence[str]
    ) -> None:
        self._request = request
        self._context = context
        self._answer = answer
        self._start, self._end = period
        self._written = written

    @property
    def request(self) -> Request:
        """The request; other properties show its parts."""
        return self._request

    @property
    def context(self) -> LambdaContext:
        """The context object that the handler received."""
        return self._context

    @property
    def answer(self) -> Result:
        """The result; other properties show its parts."""
        return self._answer

    @property
    def start(self) -> int:
        """The start, in microseconds since the epoch."""
        return self._start

    @property
    def end(self) -> int:
        """The end, in microseconds since the epoch."""
        return self._end

    @property
    def written(self) -> Sequence[str]:
        """What the handler printed and logged, in pieces."""
        return self._written

    @property
    def function(self) -> str:
        """The function's name."""
        return self._request.function.name

    @property
    def event(self) -> Any:
        """The event as the handler received it: a new copy each time."""
        return self._request.event()

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1; for SQS, the highest receive count in the batch."""
        return self._request.attempt

    @property
    def request_id(self) -> str:
        """The id of the request; all attempts at an asynchronous event share one."""
        return self._request.request_id

    @property
    def mapping(self) -> Mapping | None:
        """The mapping that polled the batch, or None if no mapping did."""
        return self._request.mapping

    @property
    def outcome(self) -> str:
        """``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``."""
        return self._answer.outcome

    @property
    def error(self) -> FunctionError | None:
        """The error, or None if the invocation succeeded."""
        return self._answer.error

    @property
    def result(self) -> Any:
        """The handler's return value, read back from its JSON; None if the invocation failed."""
        return self._answer.value

    @property
    def payload(self) -> str:
        """The response payload as JSON: the return value or the error."""
        answer = self._answer
        return answer.text if answer.error is None else json.dumps(answer.error.payload)

    @property
    def log(self) -> str:
        """This invocation's part of the function's log stream."""
        return "".join(message for message, _ in entries(self))

    @property
    def started(self) -> datetime:
        """The start, as an aware datetime in UTC."""
        return moment_of(self._start)

    @property
    def finished(self) -> datetime:
        """The end, as an aware datetime in UTC."""
        return moment_of(self._end)

    @property
    def duration(self) -> timedelta:
        """The duration in virtual time."""
        return timedelta(microseconds=self._end - self._start)

    def __repr__(self) -> str:
        return f"<Invocation of {self.function} attempt {self.attempt} {self.outcome} {self.request_id}>"


_INDENTATION: Final = re.compile(r"^ +", re.MULTILINE)


def entries(invocation: Invocation) -> list[tuple[str, int]]:
    """Return the messages of an invocation's log, each with its instant in microseconds since the epoch."""
    written = "".join(invocation.written)
    lines = [(line, invocation.start) for line in written.splitlines(keepends=True)]
    if written and not written.endswith("\n"):
        lines[-1] = (f"{lines[-1][0]}\n", invocation.start)
    platform_lines = _json_lines if invocation.request.function.log_format == JSON else _text_lines
    before, after = platform_lines(invocation)
    return [(before, invocation.start), *lines, *((line, invocation.end) for line in after)]


def _text_lines(invocation: Invocation) -> tuple[str, list[str]]:
    request_id, error, context = invocation.request_id, invocation.error, invocation.context
    duration, memory = invocation.end - invocation.start, context.memory_limit_in_mb
    status = "\tStatus: timeout" if invocation.outcome == "timeout" else ""
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {duration / 1000:.2f} ms\t"
        f"Billed Duration: {-(-duration // 1000)} ms\tMemory Size: {memory} MB\tMax Memory Used: {memory} MB{status}\n"
    )
    failure = [_text_error(error, request_id, invocation.end)] if error is not None else []
    start = f"START RequestId: {request_id} Version: {context.function_version}\n"
    return start, [*failure, f"END RequestId: {request_id}\n", report]


def _text_error(error: FunctionError, request_id: str, end: int) -> str:
    if error.type == "Sandbox.Timedout":
        return f"{stamp(end)} {request_id} {error.message.partition('Error: ')[2]}\n"
    trace = error.payload.get("stackTrace")
    if trace is None:  # Reported by the sandbox, not by the runtime.
        return f"{error.message}\n{error.type}\n"
    # The runtime replaces indentation with no-break spaces, so that the log keeps it.
    lines = _INDENTATION.sub(lambda match: "\u00a0" * len(match[0]), "".join(trace))
    return f"[ERROR] {error.type}: {error.message}\nTraceback (most recent call last):\n{lines}"


def _json_lines(invocation: Invocation) -> tuple[str, list[str]]:
    request_id, error, context = invocation.request_id, invocation.error, invocation.context
    duration, memory = invocation.end - invocation.start, int(context.memory_limit_in_mb)
    status = {"success": "success", "timeout": "timeout"}.get(invocation.outcome, "error")
    metrics = {
        "durationMs": duration / 1000,
        "billedDurationMs": -(-duration // 1000),
        "memorySizeMB": memory,
        "maxMemoryUsedMB": memory,
    }
    failure = []
    if error is not None and "stackTrace" in error.payload:
        failure = [_line({"timestamp": stamp(invocation.end)[:-5], "level": "ERROR", **error.payload})]
    record = {"requestId": request_id, "version": context.function_version}
    report = {"requestId": request_id, "metrics": metrics, "status": status}
    start = _line({"time": stamp(invocation.start), "type": "platform.start", "record": record})
    return start, [*failure, _line({"time": stamp(invocation.end), "type": "platform.report", "record": report})]


def _line(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False) + "\n"
