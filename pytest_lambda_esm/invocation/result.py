"""What came of a handler's run, in the words of Lambda's Python runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any

from pytest_lambda_esm.config import MICROSECONDS
from pytest_lambda_esm.invocation.record import FunctionError
from pytest_lambda_esm.invocation.stack_trace import stack_trace


@dataclass(frozen=True, slots=True)
class Result:
    """``outcome`` is ``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``; ``value`` what the JSON answer reads."""

    outcome: str
    value: Any = None
    error: FunctionError | None = None


def returned(value: Any, request_id: str) -> Result:
    """A handler returned: its value as JSON, or Runtime.MarshalError where it has none."""
    try:
        text = json.dumps(value, default=_number)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        payload = {
            "errorMessage": message,
            "errorType": "Runtime.MarshalError",
            "requestId": request_id,
            "stackTrace": [],
        }
        return Result("error", error=FunctionError("Runtime.MarshalError", message, payload, error))
    return Result("success", value=json.loads(text))


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def raised(error: BaseException, frames: TracebackType | None, request_id: str) -> Result:
    """A handler raised; ``frames`` begins with the handler's own frame. Keys in the recorded order.

    The exception is kept without its traceback, which would keep all that its frames hold: in a test with a poison
    record there are thousands of them.
    """
    kind = type(error).__name__
    payload = {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": stack_trace(frames),
    }
    return Result("error", error=FunctionError(kind, str(error), payload, error.with_traceback(None)))


def timed_out(timeout: int, request_id: str) -> Result:
    """The function's timeout passed: Sandbox.Timedout, as recorded since late 2025. ``timeout`` in microseconds."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout / MICROSECONDS:.2f} seconds"
    return Result("timeout", error=_sandbox_error("Sandbox.Timedout", message))


def exited(request_id: str) -> Result:
    """The handler ended its process: Runtime.ExitError, as recorded."""
    message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    return Result("exit", error=_sandbox_error("Runtime.ExitError", message))


def _sandbox_error(kind: str, message: str) -> FunctionError:
    return FunctionError(kind, message, {"errorType": kind, "errorMessage": message})
