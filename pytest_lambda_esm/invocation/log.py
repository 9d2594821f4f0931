"""The log that Lambda writes about an invocation: its own lines, and what the handler wrote."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.invocation.configuration import IMAGE
from pytest_lambda_esm.invocation.sandbox.output import JSON, Record, stamp

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import Invocation
    from pytest_lambda_esm.invocation.result import FunctionError

_INDENTATION: Final = re.compile(r"^ +", re.MULTILINE)


def text(invocation: Invocation) -> str:
    """Return an invocation's log, from START on."""
    before, after = _platform_lines(invocation)
    written = "".join(invocation._written).encode("utf-8", "replace").decode()
    return "".join([before, written, "\n" if written and not written.endswith("\n") else "", *after])


def events(invocation: Invocation) -> list[tuple[str, int]]:
    """Return the log events of an invocation, each with its instant in microseconds since the epoch.

    The first one of an execution environment says that it starts. Printed lines end at ``\\n`` only, and an empty one
    is not an event (recorded). A record of a logger is one event, as the runtime sends it.
    """
    before, after = _platform_lines(invocation)
    beginning = [before] if invocation._init is None else [*_environment_start(invocation), before]
    return [
        *((line, invocation._start) for line in (*beginning, *_written_events(invocation._written))),
        *((line, invocation._end) for line in after),
    ]


def _written_events(written: Sequence[str]) -> list[str]:
    found: list[str] = []
    unfinished = ""
    for piece in written:
        if isinstance(piece, Record):
            found.append(piece)
            continue
        *lines, unfinished = (unfinished + piece).split("\n")
        found += [f"{line}\n" for line in lines if line]
    if unfinished:
        found.append(f"{unfinished}\n")
    return [message.encode("utf-8", "replace").decode() for message in found]


def _platform_lines(invocation: Invocation) -> tuple[str, list[str]]:
    is_json = invocation._request.function.log_format == JSON
    return _json_lines(invocation) if is_json else _text_lines(invocation)


def _environment_start(invocation: Invocation) -> list[str]:
    """Return the event with which the log stream of an environment starts. Containers of images have none."""
    function = invocation._request.function
    if function.runtime == IMAGE:
        return []
    name = re.sub(r"(?<=[a-z])(?=\d)", ":", function.runtime, count=1)
    version = f"{name}.v1"  # Which of the many versions of the runtime is chosen, and so is its digest.
    digest = hashlib.sha256(version.encode()).hexdigest()
    arn = f"arn:{partition_of(function.region)}:lambda:{function.region}::runtime:{digest}"
    if function.log_format != JSON:
        return [f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\n"]
    record = {"initializationType": "on-demand", "phase": "init", "runtimeVersion": version, "runtimeVersionArn": arn}
    return [_line({"time": stamp(invocation._start), "type": "platform.initStart", "record": record})]


class _Times(NamedTuple):
    """The milliseconds in a report: of the invocation without the start of its environment, billed, and of the start.

    ``init`` is None if the environment was warm.
    """

    duration: float
    billed: int
    init: float | None

    @classmethod
    def of(cls, invocation: Invocation) -> _Times:
        """Return the times of an invocation. The start of an environment is billed as well (documented)."""
        whole, init = invocation._end - invocation._start, invocation._init
        return cls((whole - (init or 0)) / 1000, -(-whole // 1000), None if init is None else init / 1000)


def _text_lines(invocation: Invocation) -> tuple[str, list[str]]:
    request_id, error, context = invocation.request_id, invocation.error, invocation.context
    times, memory = _Times.of(invocation), context.memory_limit_in_mb
    init = "" if times.init is None else f"Init Duration: {times.init:.2f} ms\t"
    status = "Status: timeout" if invocation.outcome == "timeout" else ""
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {times.duration:.2f} ms\tBilled Duration: {times.billed} ms\t"
        f"Memory Size: {memory} MB\tMax Memory Used: {memory} MB\t{init}{status}\n"
    )
    failure = [_text_error(error, request_id, invocation._end)] if error is not None else []
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
    times, memory = _Times.of(invocation), int(context.memory_limit_in_mb)
    status = {"success": "success", "timeout": "timeout"}.get(invocation.outcome, "error")
    metrics = {
        "durationMs": times.duration,
        "billedDurationMs": times.billed,
        "memorySizeMB": memory,
        "maxMemoryUsedMB": memory,
        **({} if times.init is None else {"initDurationMs": times.init}),
    }
    failure = []
    if error is not None and "stackTrace" in error.payload:
        failure = [_line({"timestamp": stamp(invocation._end)[:-5], "level": "ERROR", **error.payload})]
    record = {"requestId": request_id, "version": context.function_version}
    report = {"requestId": request_id, "metrics": metrics, "status": status}
    start = _line({"time": stamp(invocation._start), "type": "platform.start", "record": record})
    return start, [*failure, _line({"time": stamp(invocation._end), "type": "platform.report", "record": report})]


def _line(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False) + "\n"
