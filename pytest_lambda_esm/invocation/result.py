"""The result of a handler's run: the response or the error, with its stack trace, as Lambda's runtime builds them."""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Callable, Coroutine
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pytest_lambda_esm.errors import LambdaEsmError, printable
from pytest_lambda_esm.invocation.marshalling import encode
from pytest_lambda_esm.timing import MICROSECONDS
from pytest_lambda_esm.vocabulary import InvocationOutcome

OF_RUNTIME: Final = ("errorMessage", "errorType", "requestId", "stackTrace")
"""The members of an error that the function's runtime reports."""
_OF_OLD_RUNTIME: Final = ("errorMessage", "errorType", "stackTrace")
_OLD_RUNTIME: Final = re.compile(r"python(2\.7|3\.[678])$")
"""Runtimes that do not report the request id (recorded for python3.8)."""
LARGEST_RESPONSE: Final = 6_291_556
"""Bytes of a response: 6 MiB and 100 bytes, as recorded."""
_COROUTINE: Final = "Unable to marshal response: Object of type coroutine is not JSON serializable"
_THIS_PACKAGE: Final = f"{Path(__file__).parent.parent}{os.sep}"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an invocation.

    ``outcome`` is ``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``; ``text`` is the JSON of the return value. A
    handler that returns bytes has them in ``raw``; ``text`` is then what they read as UTF-8.
    """

    outcome: InvocationOutcome
    text: str = "null"
    error: FunctionError | None = None
    raw: bytes | None = None

    @property
    def value(self) -> Any:
        """The return value, read back from its JSON; None if the invocation failed. Bytes may be no JSON."""
        if self.error is not None or self.text == "null":
            return None
        if self.raw is None:
            return json.loads(self.text)
        try:
            return json.loads(self.raw)
        except ValueError:
            return self.raw

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
    too large. Text with lone surrogates cannot be sent as UTF-8, which ends the runtime.
    """
    if value is None:
        return _NOTHING
    if isinstance(value, bytes):
        return (
            _too_large()
            if len(value) > LARGEST_RESPONSE
            else Result("success", value.decode(errors="replace"), raw=value)
        )
    try:
        text = encode(value, runtime)
    except LambdaEsmError:
        raise
    except Exception as error:
        if isinstance(value, Coroutine):
            value.close()  # Or else Python warns that nobody has awaited it.
        return _marshal_error(error, request_id, runtime)
    size = _size(text)
    if size is None:
        return crashed(request_id)
    return Result("success", text) if size <= LARGEST_RESPONSE else _too_large()


def _size(text: str) -> int | None:
    """Return the size of a text in UTF-8, or None for one that UTF-8 cannot express."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None


def is_of_coroutine(error: FunctionError | None) -> bool:
    """Whether an invocation failed since its handler, an ``async def``, returned a coroutine."""
    return error is not None and error.message == _COROUTINE


@lru_cache(maxsize=64)
def members_of(runtime: str) -> tuple[str, ...]:
    """Return the members of an error that a runtime reports, in their order."""
    return _OF_OLD_RUNTIME if _OLD_RUNTIME.match(runtime) else OF_RUNTIME


def _marshal_error(error: Exception, request_id: str, runtime: str) -> Result:
    message = f"Unable to marshal response: {error}"
    bare = error.with_traceback(None)
    return Result(
        "error", error=FunctionError("Runtime.MarshalError", message, members_of(runtime), request_id, exception=bare)
    )


def unreadable(error: Exception, request_id: str) -> FunctionError:
    """Return the error of Lambda's runtime for an event that is not JSON, or exceeds what Python can read."""
    message, bare = f"Unable to unmarshal input: {error}", error.with_traceback(None)
    return FunctionError("Runtime.UnmarshalError", message, OF_RUNTIME, request_id, exception=bare)


def _too_large() -> Result:
    kind = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes)."
    return Result("error", error=FunctionError(kind, message, ("errorMessage", "errorType")))


def raised(
    error: BaseException,
    trace: TracebackType | None,
    request_id: str,
    runtime: str = "python3.12",
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
    return Result(
        "error", error=FunctionError(type(error).__name__, message, members_of(runtime), request_id, stack, bare)
    )


def timed_out(timeout: int, request_id: str) -> Result:
    """Return the result of a timeout: Sandbox.Timedout, as recorded since late 2025. ``timeout`` is in microseconds."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout / MICROSECONDS:.2f} seconds"
    return Result("timeout", error=_sandbox_error("Sandbox.Timedout", message))


def exited(request_id: str, code: object = None) -> Result:
    """Return the result of a handler that ended its process: Runtime.ExitError.

    ``code`` is the argument of ``sys.exit``. Status 0 is recorded, status 1 reported by users.
    """
    status = exit_status(code)
    reason = (
        f"Runtime exited with error: exit status {status}" if status else "Runtime exited without providing a reason"
    )
    return Result("exit", error=_sandbox_error("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}"))


def exit_status(code: object) -> int:
    """Return the status, from 0 to 255, of a process that ends with ``sys.exit(code)``."""
    if code is None:
        return 0
    if not isinstance(code, int):
        return 1
    return code & 255 if -(2**63) <= code < 2**63 else 255


def crashed(request_id: str) -> Result:
    """Return the result of a crash of the runtime itself.

    It crashes if the handler raises a BaseException that is not an Exception, or an exception whose text cannot be
    read, or if its text cannot be sent.
    """
    return exited(request_id, 1)


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
