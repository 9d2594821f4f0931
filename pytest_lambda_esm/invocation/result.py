"""What came of a handler's run, in the words of Lambda's Python runtime."""

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

from pytest_lambda_esm.timing import MICROSECONDS

OF_RUNTIME: Final = ("errorMessage", "errorType", "requestId", "stackTrace")
"""The members of an error that the function's runtime tells of."""
LARGEST_RESPONSE: Final = 6_291_556
"""Bytes of a response: 6 MiB and a hundred, as recorded."""
_ESCAPES_UNICODE: Final = re.compile(r"python(3\.([0-9]|1[01]))?$")
"""Runtimes before Python 3.12 answer with everything beyond ASCII escaped."""
_THIS_PACKAGE: Final = f"{Path(__file__).parent.parent}{os.sep}"


@dataclass(frozen=True, slots=True)
class Result:
    """``outcome`` is ``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``; ``text`` the JSON of what returned."""

    outcome: str
    text: str = "null"
    error: FunctionError | None = None

    @property
    def value(self) -> Any:
        """What the function returned, as its JSON reads; None where it failed."""
        return None if self.error is not None or self.text == "null" else json.loads(self.text)

    def __str__(self) -> str:
        return self.outcome if self.error is None else f"{self.outcome}, {self.error}"


@dataclass(frozen=True, slots=True)
class FunctionError:
    """Why an invocation failed.

    ``type`` and ``message`` are AWS's errorType and errorMessage, ``payload`` the whole error object as the function
    would answer it, ``exception`` what the handler raised, None for a timeout or an exit.

    ``members`` are the payload's members in their order, ``request_id`` and ``stack`` what some of them show.
    """

    type: str
    message: str
    members: tuple[str, ...]
    request_id: str = ""
    stack: tuple[str, ...] = ()
    exception: BaseException | None = None

    @property
    def payload(self) -> ReadOnly[str, Any]:
        """The error object, made anew each time: a test with a poison record keeps thousands of errors."""
        values = {
            "errorMessage": self.message,
            "errorType": self.type,
            "requestId": self.request_id,
            "stackTrace": list(self.stack),
        }
        return {name: values[name] for name in self.members}

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


class InitFailed(Exception):
    """The function's module could not be loaded; ``error`` is what the invocation answers."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(str(error))
        self.error = error


_NOTHING: Final = Result("success")


def returned(value: Any, request_id: str, runtime: str = "python3.12") -> Result:
    """A handler returned: its value as JSON, Runtime.MarshalError where it has none, an error where it is too large.

    NaN and infinities pass, as Lambda's encoder lets them.
    """
    if value is None:
        return _NOTHING
    try:
        text = json.dumps(value, default=_number, ensure_ascii=_ESCAPES_UNICODE.match(runtime) is not None)
    except (TypeError, ValueError, RecursionError) as error:
        return _unmarshalled(error, request_id)
    if len(text) * 4 > LARGEST_RESPONSE and len(text.encode("utf-8", "surrogatepass")) > LARGEST_RESPONSE:
        return _too_large()
    return Result("success", text)


def _unmarshalled(error: Exception, request_id: str) -> Result:
    message = f"Unable to marshal response: {error}"
    return Result(
        "error", error=FunctionError("Runtime.MarshalError", message, OF_RUNTIME, request_id, exception=error)
    )


def _too_large() -> Result:
    kind = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes)."
    return Result("error", error=FunctionError(kind, message, ("errorMessage", "errorType")))


def _number(value: Any) -> float | int:
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value() and "." not in str(value)
        return int(value) if whole else float(value)
    kind = type(value)
    # While time is frozen, dates and datetimes are of classes of freezegun's, which is not the handler's business.
    name = kind.__name__.removeprefix("Fake").lower() if kind.__module__ == "freezegun.api" else kind.__name__
    raise TypeError(f"Object of type {name} is not JSON serializable")


def raised(
    error: BaseException,
    frames: TracebackType | None,
    request_id: str,
    shown: Callable[[str], str] = str,
) -> Result:
    """A handler raised; ``frames`` begins with the handler's own frame. Keys in the recorded order.

    ``shown`` puts a line of the trace as it would read in Lambda: the archive lies elsewhere here. The exception is
    kept without its traceback, which would keep all that its frames hold: a test with a poison record has thousands.
    """
    try:
        message = str(error)
    except Exception:
        return crashed(request_id)
    stack = tuple([shown(line) for line in stack_trace(frames)])
    bare = error.with_traceback(None)
    return Result("error", error=FunctionError(type(error).__name__, message, OF_RUNTIME, request_id, stack, bare))


def timed_out(timeout: int, request_id: str) -> Result:
    """The function's timeout passed: Sandbox.Timedout, as recorded since late 2025. ``timeout`` in microseconds."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout / MICROSECONDS:.2f} seconds"
    return Result("timeout", error=_sandbox_error("Sandbox.Timedout", message))


def exited(request_id: str) -> Result:
    """The handler ended its process: Runtime.ExitError, as recorded."""
    message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    return Result("exit", error=_sandbox_error("Runtime.ExitError", message))


def crashed(request_id: str) -> Result:
    """The runtime itself failed over what the handler raised: no Exception, or one that does not tell its text."""
    message = f"RequestId: {request_id} Error: Runtime exited with error: exit status 1"
    return Result("exit", error=_sandbox_error("Runtime.ExitError", message))


def _sandbox_error(kind: str, message: str) -> FunctionError:
    return FunctionError(kind, message, ("errorType", "errorMessage"))


def stack_trace(frames: TracebackType | None) -> list[str]:
    """One text a frame, from the first frame given on; those of this package are not there in Lambda."""
    lines = []
    while frames is not None:
        code = frames.tb_frame.f_code
        if not code.co_filename.startswith(_THIS_PACKAGE):
            lines.append(_text(code.co_filename, frames.tb_lineno, code.co_name))
        frames = frames.tb_next
    return lines


@lru_cache(maxsize=1024)
def _text(file: str, line: int, name: str) -> str:
    """What traceback makes of a frame, without the marks under expressions, which Lambda leaves out.

    A poison record fails at the same place a thousand times, so it is kept.
    """
    return traceback.format_list([traceback.FrameSummary(file, line, name)])[0]
