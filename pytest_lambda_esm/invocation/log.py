"""The log of one invocation, as its log stream shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lambda_esm.config import moment_of

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import FunctionError, Invocation


def render(invocation: Invocation) -> str:
    """START, what the handler printed and logged, its error, END and REPORT."""
    request_id, error, context = invocation.request_id, invocation.error, invocation.context
    printed = "".join(invocation.written)
    lines = [f"START RequestId: {request_id} Version: {context.function_version}\n", printed]
    if printed and not printed.endswith("\n"):
        lines.append("\n")
    lines += [*_error(error, request_id, invocation.end), f"END RequestId: {request_id}\n"]
    lasted, memory = invocation.end - invocation.start, context.memory_limit_in_mb
    status = "\tStatus: timeout" if error is not None and error.type == "Sandbox.Timedout" else ""
    lines.append(
        f"REPORT RequestId: {request_id}\tDuration: {lasted / 1000:.2f} ms\tBilled Duration: {-(-lasted // 1000)} ms\t"
        f"Memory Size: {memory} MB\tMax Memory Used: {memory} MB{status}\n"
    )
    return "".join(lines)


def _error(error: FunctionError | None, request_id: str, end: int) -> list[str]:
    if error is None:
        return []
    if error.type == "Sandbox.Timedout":
        moment = moment_of(end)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        return [f"{stamp} {request_id} {error.message.partition('Error: ')[2]}\n"]
    if error.type == "Runtime.ExitError":
        return [f"{error.message}\n{error.type}\n"]
    trace = error.payload.get("stackTrace")
    if not trace:
        return [f"[ERROR] {error}\n"]
    return [f"[ERROR] {error}\nTraceback (most recent call last):\n{''.join(trace)}"]
