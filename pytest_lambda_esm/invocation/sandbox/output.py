"""What a handler prints and logs: stored for the invocation's log, in Lambda's formats.

Printed text is also passed on to the test's own output.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.timing import MICROSECONDS, moment_of

JSON: Final = "JSON"
_STANDARD_MEMBERS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}
Before: TypeAlias = tuple[Any, Any, Any, Any, list[str], str, str, list[logging.Handler], int]
"""The state of output and logging before an invocation, for :meth:`Output.end`."""


class Output:
    """Where handlers write. The attributes belong to the innermost running invocation."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.request_id = ""
        self.log_format = "Text"
        self._stdout = _Tee(self, "stdout")
        self._stderr = _Tee(self, "stderr")
        self._log_handler = _LambdaHandler(self)
        self._root = logging.getLogger()

    def begin(self, request_id: str, function: FunctionConfiguration) -> Before:
        """Start a new log, in the function's format and from its level."""
        root, tee_out, tee_err = self._root, self._stdout, self._stderr
        stdout, stderr, handlers = sys.stdout, sys.stderr, root.handlers[:]
        before = (
            stdout,
            stderr,
            tee_out.onward,
            tee_err.onward,
            self.written,
            self.request_id,
            self.log_format,
            handlers,
            root.level,
        )
        self.written = []
        self.request_id = request_id
        self.log_format = function.log_format
        if function.log_level:
            root.setLevel(function.log_level)
        if stdout is not tee_out:
            tee_out.onward = stdout
            sys.stdout = tee_out
        if stderr is not tee_err:
            tee_err.onward = stderr
            sys.stderr = tee_err
        if self._log_handler not in handlers:
            root.handlers.append(self._log_handler)
        return before

    def end(self, before: Before) -> list[str]:
        """Restore the state before the invocation, and return what was written."""
        written, root = self.written, self._root
        (
            sys.stdout,
            sys.stderr,
            self._stdout.onward,
            self._stderr.onward,
            self.written,
            self.request_id,
            self.log_format,
            root.handlers[:],
            level,
        ) = before
        if root.level != level:
            root.setLevel(level)
        return written


class _Tee:
    """Replaces ``sys.stdout`` or ``sys.stderr`` while a handler runs.

    A logger may hold it for longer; then it writes to the current stream of that name in ``sys``.
    """

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self.onward: Any = None

    def write(self, text: str) -> int:
        """Store text, and pass it on."""
        if self.onward is not None:
            self._output.written.append(text)
        self._target.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Store lines, and pass them on."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """The underlying binary stream."""
        return _TeeBuffer(self) if self.onward is not None else self._target.buffer

    @property
    def _target(self) -> Any:
        if self.onward is not None:
            return self.onward
        stream = getattr(sys, self._name)
        return stream if stream is not self else getattr(sys, f"__{self._name}__")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class _TeeBuffer:
    """The ``buffer`` of a :class:`_Tee`."""

    def __init__(self, tee: _Tee) -> None:
        self._tee = tee

    def write(self, data: Any) -> int:
        """Store bytes as text, and pass them on."""
        self._tee.write(bytes(data).decode(errors="replace"))
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tee.onward.buffer, name)


class _LambdaHandler(logging.Handler):
    """The handler that Lambda puts on the root logger, so that ``logging.basicConfig`` has no effect."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output
        self._text, self._json = TextFormatter(), JsonFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to the invocation's log."""
        record.aws_request_id = self._output.request_id
        formatter = self._json if self._output.log_format == JSON else self._text
        try:
            self._output.written.append(formatter.format(record))
        except Exception:
            self.handleError(record)


class TextFormatter(logging.Formatter):
    """The default format of Lambda's Python runtimes: level, time, request id and message, separated by tabs."""

    def __init__(self) -> None:
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
        )
        self.converter = time.gmtime


class JsonFormatter(logging.Formatter):
    """One JSON object for each line, without members that a record lacks; members from ``extra`` come last."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as a line of JSON."""
        kind, error, trace = record.exc_info or (None, None, None)
        members: dict[str, Any] = {
            "timestamp": stamp(round(record.created * MICROSECONDS)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if record.exc_info else None,
            "errorType": kind.__name__ if kind is not None else None,
            "errorMessage": str(error) if error is not None else None,
            "requestId": vars(record).get("aws_request_id"),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if record.exc_info else None,
        }
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD_MEMBERS}
        present = {name: value for name, value in {**extra, **members}.items() if value is not None}
        ordered = {name: present[name] for name in (*members, *extra) if name in present}
        return json.dumps(ordered, ensure_ascii=False, default=str) + "\n"


def stamp(instant: int) -> str:
    """Format an instant, in microseconds since the epoch, as logs show it: with milliseconds."""
    moment = moment_of(instant)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
