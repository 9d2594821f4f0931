"""The log of one invocation, as its log stream shows it: what Lambda itself writes, around what the handler wrote."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.invocation.log_format import JSON, stamp

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import FunctionError, Invocation

_INDENTATION: Final = re.compile(r"^ +", re.MULTILINE)


def render(invocation: Invocation) -> str:
    """The whole log as text."""
    return "".join(message for message, _ in entries(invocation))


def entries(invocation: Invocation) -> list[tuple[str, int]]:
    """The log's messages, each with its instant in microseconds."""
    printed = "".join(invocation.written)
    lines = [(line, invocation.start) for line in printed.splitlines(keepends=True)]
    if printed and not printed.endswith("\n"):
        lines[-1] = (f"{lines[-1][0]}\n", invocation.start)
    platform = _json_lines if invocation.request.function.log_format == JSON else _text_lines
    before, after = platform(invocation)
    return [(before, invocation.start), *lines, *((line, invocation.end) for line in after)]


def _text_lines(invocation: Invocation) -> tuple[str, list[str]]:
    request_id, error, context = invocation.request_id, invocation.error, invocation.context
    lasted, memory = invocation.end - invocation.start, context.memory_limit_in_mb
    status = "\tStatus: timeout" if invocation.outcome == "timeout" else ""
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {lasted / 1000:.2f} ms\tBilled Duration: {-(-lasted // 1000)} ms\t"
        f"Memory Size: {memory} MB\tMax Memory Used: {memory} MB{status}\n"
    )
    failure = [_text_error(error, request_id, invocation.end)] if error is not None else []
    start = f"START RequestId: {request_id} Version: {context.function_version}\n"
    return start, [*failure, f"END RequestId: {request_id}\n", report]


def _text_error(error: FunctionError, request_id: str, end: int) -> str:
    if error.type == "Sandbox.Timedout":
        return f"{stamp(end)} {request_id} {error.message.partition('Error: ')[2]}\n"
    trace = error.payload.get("stackTrace")
    if trace is None:  # The sandbox tells of it, not the runtime.
        return f"{error.message}\n{error.type}\n"
    # The runtime indents with no-break spaces, so that the log keeps the indentation.
    lines = _INDENTATION.sub(lambda match: "\u00a0" * len(match[0]), "".join(trace))
    return f"[ERROR] {error}\nTraceback (most recent call last):\n{lines}"


def _json_lines(invocation: Invocation) -> tuple[str, list[str]]:
    request_id, error, context = invocation.request_id, invocation.error, invocation.context
    lasted, memory = invocation.end - invocation.start, int(context.memory_limit_in_mb)
    status = {"success": "success", "timeout": "timeout"}.get(invocation.outcome, "error")
    metrics = {
        "durationMs": lasted / 1000,
        "billedDurationMs": -(-lasted // 1000),
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
