"""The result of a handler's run: the response or the error, with its stack trace, as Lambda's runtime builds them."""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pytest_lambda_esm.printable import printable
from pytest_lambda_esm.timing import MICROSECONDS

OF_RUNTIME: Final = ("errorMessage", "errorType", "requestId", "stackTrace")
"""The members of an error that the function's runtime reports."""
LARGEST_RESPONSE: Final = 6_291_556
"""Bytes of a response: 6 MiB and 100 bytes, as recorded."""
_ESCAPES_UNICODE: Final = re.compile(r"python(3\.([0-9]|1[01]))?$")
"""Runtimes before Python 3.12 escape all non-ASCII characters in the response."""
_THIS_PACKAGE: Final = f"{Path(__file__).parent.parent}{os.sep}"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an invocation.

    ``outcome`` is ``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``; ``text`` is the JSON of the return value.
    """

    outcome: str
    text: str = "null"
    error: FunctionError | None = None

    @property
    def value(self) -> Any:
        """The return value, read back from its JSON; None if the invocation failed."""
        return None if self.error is not None or self.text == "null" else json.loads(self.text)

    def __str__(self) -> str:
        return self.outcome if self.error is None else f"{self.outcome}, {self.error}"


@dataclass(frozen=True, slots=True)
class FunctionError:
    """Why an invocation failed.

    ``type`` and ``message`` are AWS's errorType and errorMessage, ``payload`` is the whole error object of the
    response, and ``exception`` is what the handler raised, or None for a timeout or an exit.

    ``members`` names the payload's members in their order; ``request_id`` and ``stack`` are the values of two of them.
    """

    type: str
    message: str
    members: tuple[str, ...]
    request_id: str = ""
    stack: tuple[str, ...] = ()
    exception: BaseException | None = None

    @property
    def payload(self) -> ReadOnly[str, Any]:
        """The error object. It is built on demand, because a test with a poison record keeps thousands of errors."""
        values = {
            "errorMessage": self.message,
            "errorType": self.type,
            "requestId": self.request_id,
            "stackTrace": list(self.stack),
        }
        return {name: values[name] for name in self.members}

    def __str__(self) -> str:
        return printable(f"{self.type}: {self.message}")


class InitFailed(Exception):
    """The function's module could not be loaded; ``error`` is the error of the invocation."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(str(error))
        self.error = error


_NOTHING: Final = Result("success")


def returned(value: Any, request_id: str, runtime: str = "python3.12") -> Result:
    """Return the result of a handler that returned.

    It is Runtime.MarshalError for a value that JSON cannot express, and Function.ResponseSizeTooLarge for one that is
    too large. NaN and infinities are allowed, as in Lambda's encoder.
    """
    if value is None:
        return _NOTHING
    try:
        text = json.dumps(value, default=_to_json, ensure_ascii=_ESCAPES_UNICODE.match(runtime) is not None)
    except (TypeError, ValueError, RecursionError) as error:
        return _marshal_error(error, request_id)
    if len(text) * 4 > LARGEST_RESPONSE and len(text.encode("utf-8", "surrogatepass")) > LARGEST_RESPONSE:
        return _too_large()
    return Result("success", text)


def _marshal_error(error: Exception, request_id: str) -> Result:
    message = f"Unable to marshal response: {error}"
    return Result(
        "error", error=FunctionError("Runtime.MarshalError", message, OF_RUNTIME, request_id, exception=error)
    )


def unreadable(error: Exception, request_id: str) -> FunctionError:
    """Return the error of Lambda's runtime for an event that is not JSON, or exceeds what Python can read."""
    message, bare = f"Unable to unmarshal input: {error}", error.with_traceback(None)
    return FunctionError("Runtime.UnmarshalError", message, OF_RUNTIME, request_id, exception=bare)


def _too_large() -> Result:
    kind = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes)."
    return Result("error", error=FunctionError(kind, message, ("errorMessage", "errorType")))


def _to_json(value: Any) -> float | int:
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value() and "." not in str(value)
        return int(value) if whole else float(value)
    kind = type(value)
    # While freezegun freezes time, dates and datetimes are of its classes; a handler in Lambda sees the real ones.
    name = kind.__name__.removeprefix("Fake").lower() if kind.__module__ == "freezegun.api" else kind.__name__
    raise TypeError(f"Object of type {name} is not JSON serializable")


def raised(
    error: BaseException,
    trace: TracebackType | None,
    request_id: str,
    as_in_lambda: Callable[[str], str] = str,
) -> Result:
    """Return the result of a handler that raised; ``trace`` starts at the handler's frame.

    The payload's members are in the recorded order. ``as_in_lambda`` translates the paths in a line of the trace to
    those in Lambda. The exception is kept without its traceback, which would keep its frames and all their objects
    alive: a test with a poison record has thousands.
    """
    try:
        message = str(error)
    except Exception:
        return crashed(request_id)
    stack = tuple([as_in_lambda(line) for line in stack_trace(trace)])
    bare = error.with_traceback(None)
    return Result("error", error=FunctionError(type(error).__name__, message, OF_RUNTIME, request_id, stack, bare))


def timed_out(timeout: int, request_id: str) -> Result:
    """Return the result of a timeout: Sandbox.Timedout, as recorded since late 2025. ``timeout`` is in microseconds."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout / MICROSECONDS:.2f} seconds"
    return Result("timeout", error=_sandbox_error("Sandbox.Timedout", message))


def exited(request_id: str) -> Result:
    """Return the result of a handler that ended its process: Runtime.ExitError, as recorded."""
    message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    return Result("exit", error=_sandbox_error("Runtime.ExitError", message))


def crashed(request_id: str) -> Result:
    """Return the result of a crash of the runtime itself.

    It crashes if the handler raises a BaseException that is not an Exception, or an exception whose ``str`` fails.
    """
    message = f"RequestId: {request_id} Error: Runtime exited with error: exit status 1"
    return Result("exit", error=_sandbox_error("Runtime.ExitError", message))


def _sandbox_error(kind: str, message: str) -> FunctionError:
    return FunctionError(kind, message, ("errorType", "errorMessage"))


def stack_trace(trace: TracebackType | None) -> list[str]:
    """Return one string for each frame, without the frames of this package, which do not exist in Lambda."""
    lines = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(_THIS_PACKAGE):
            lines.append(_frame_text(code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return lines


@lru_cache(maxsize=1024)
def _frame_text(file: str, line: int, name: str) -> str:
    """Format a frame as traceback does, without the marks under expressions, which Lambda omits.

    The cache is for poison records, which fail at the same line thousands of times.
    """
    return traceback.format_list([traceback.FrameSummary(file, line, name)])[0]
