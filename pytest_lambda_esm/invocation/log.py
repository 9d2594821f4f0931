"""The log of one invocation, as its log stream shows it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.record import FunctionError


def render(
    function: FunctionConfiguration,
    request_id: str,
    written: Sequence[str],
    error: FunctionError | None,
    start: int,
    end: int,
) -> str:
    """START, what the handler printed and logged, its error, END and REPORT; instants in microseconds."""
    printed = "".join(written)
    lines = [f"START RequestId: {request_id} Version: {function.version}\n", printed]
    if printed and not printed.endswith("\n"):
        lines.append("\n")
    lines += [*_error(error, request_id, end), f"END RequestId: {request_id}\n"]
    lasted = end - start
    status = "\tStatus: timeout" if error is not None and error.type == "Sandbox.Timedout" else ""
    lines.append(
        f"REPORT RequestId: {request_id}\tDuration: {lasted / 1000:.2f} ms\tBilled Duration: {-(-lasted // 1000)} ms\t"
        f"Memory Size: {function.memory} MB\tMax Memory Used: {function.memory} MB{status}\n"
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
