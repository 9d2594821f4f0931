"""What a handler writes and logs: stored for the invocation's log, in Lambda's formats.

What a handler writes to the standard streams is passed on to the test's own output. Each invocation has its own log.
It gets what its handler writes, in any thread that the handler started.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.sandbox import root_logger
from pytest_lambda_esm.invocation.sandbox.streams import StandardStreams
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.timing import MICROSECONDS, moment_of

JSON: Final = "JSON"
_STANDARD_MEMBERS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}
_UNSHOWN_WARNINGS: Final = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""Python shows no warnings of these categories unless it is asked to, and so does Lambda."""


class Record(str):
    """A log record as the runtime's handler writes it: one event, however many lines it has."""

    __slots__ = ()


class Log(NamedTuple):
    """The log of an invocation, and the state of output and logging before it.

    ``written`` has its pieces: what was printed, and records.
    """

    written: list[str]
    request_id: str
    function: FunctionConfiguration
    invocation: object
    stdout: Any
    stderr: Any
    onward: tuple[Any, Any]
    handlers: list[logging.Handler]
    level: int
    show_warning: Any


class Output:
    """Where handlers write. ``current()`` returns the invocation that the calling thread belongs to, or None."""

    def __init__(self, current: Callable[[], object]) -> None:
        self._current = current
        self._logs: dict[object, Log] = {}
        self._streams = StandardStreams(self._print)
        self._stdout = _Tee(self, "stdout")
        self._stderr = _Tee(self, "stderr")
        self._log_handler = _LambdaHandler(self)
        self._show_warning = _showing(self)
        self._root = logging.getLogger()
        self._patches: Patches | None = None
        self._known_handlers: list[logging.Handler] = []
        self._replaced = False

    def install(self, patches: Patches, streams: Iterable[Any]) -> None:
        """Watch the standard streams, and further streams that loggers may take for them."""
        self._patches = patches
        patches.then(self._remove)
        self._streams.install(patches, streams)

    def _remove(self) -> None:
        self._patches = None
        self._known_handlers = []

    def log(self) -> Log | None:
        """Return the log of the invocation that the calling thread belongs to, or None outside handlers."""
        return self._logs.get(self._current()) if self._logs else None

    def function(self) -> FunctionConfiguration | None:
        """Return the function that the calling thread runs, or None outside handlers."""
        log = self.log()
        return log.function if log is not None else None

    def begin(self, invocation: object, request_id: str, function: FunctionConfiguration, *, deployed: bool) -> Log:
        """Start a log, in the function's format and from its level.

        ``deployed`` says that the code comes from an archive, so that modules of the test run have not configured its
        loggers.
        """
        root, tee_out, tee_err = self._root, self._stdout, self._stderr
        stdout, stderr, handlers = sys.stdout, sys.stderr, root.handlers[:]
        onward, show_warning = (tee_out.onward, tee_err.onward), warnings.showwarning
        log = self._logs[invocation] = Log(
            [], request_id, function, invocation, stdout, stderr, onward, handlers, root.level, show_warning
        )
        if function.log_level:
            root.setLevel(function.log_level)
        if stdout is not tee_out:
            self._streams.watch(stdout)
            sys.stdout = tee_out.before(stdout)
        if stderr is not tee_err:
            self._streams.watch(stderr)
            sys.stderr = tee_err.before(stderr)
        if handlers != self._known_handlers:
            self._look_at(handlers)
        if self._log_handler not in handlers and (deployed or not self._replaced):
            root.handlers.append(self._log_handler)
        if show_warning is not self._show_warning:
            self._show_warning.onward = show_warning
            warnings.showwarning = self._show_warning
        return log

    def end(self, log: Log) -> list[str]:
        """Restore the state before the invocation, and return what was written."""
        root = self._root
        sys.stdout, sys.stderr = log.stdout, log.stderr
        self._stdout.onward, self._stderr.onward = log.onward
        root.handlers[:] = log.handlers
        if root.level != log.level:
            root.setLevel(log.level)
        warnings.showwarning = log.show_warning
        del self._logs[log.invocation]
        return log.written

    def print(self, text: str, write: Callable[[str], Any]) -> None:
        """Write text to a stream of the test, and store it."""
        with self._streams.unrecorded():
            write(text)
        self._streams.note(text)

    def _print(self, text: str) -> None:
        log = self.log()
        if log is not None:
            log.written.append(text)

    def _look_at(self, handlers: list[logging.Handler]) -> None:
        """Do not record what handlers of the root logger write that are not there in Lambda, such as pytest's."""
        known, self._known_handlers = self._known_handlers, handlers
        self._replaced = any(map(root_logger.replaces_the_runtimes, handlers))
        for handler in handlers:
            own = handler is self._log_handler or root_logger.of_a_module(handler)
            if self._patches is not None and not own and handler not in known:
                self._patches.set(handler, "handle", self._unrecorded(original_of(handler, "handle")))

    def _unrecorded(self, handle: Callable[[logging.LogRecord], Any]) -> Callable[[logging.LogRecord], Any]:
        def unrecorded_handle(record: logging.LogRecord) -> Any:
            with self._streams.unrecorded():
                return handle(record)

        return unrecorded_handle


class _showing:
    """Replaces ``warnings.showwarning`` while a handler runs: pytest collects warnings, and Lambda shows them."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.onward: Any = None

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        """Store a warning as text, and pass it on."""

        def pass_on(_: str) -> None:
            self.onward(message, category, filename, lineno, file, line)

        shown = file is None and not issubclass(category, _UNSHOWN_WARNINGS)
        text = warnings.formatwarning(message, category, filename, lineno, line) if shown else ""
        self._output.print(text, pass_on)


class _Tee:
    """Replaces ``sys.stdout`` or ``sys.stderr`` while a handler runs.

    A logger may hold it for longer; then it writes to the current stream of that name in ``sys``.
    """

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self.onward: Any = None

    def before(self, stream: Any) -> _Tee:
        """Return a tee that passes on to a stream: this one, unless an outer handler's stream passes on to it."""
        tee = self if self.onward is None else _Tee(self._output, self._name)
        tee.onward = stream
        return tee

    def write(self, text: str) -> int:
        """Store text, and pass it on."""
        self._output.print(text, self._target.write)
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
        log = self._output.log()
        if log is None or root_logger.hides_from_root(record.name):
            return
        record.aws_request_id = log.request_id
        formatter = self._json if log.function.log_format == JSON else self._text
        try:
            log.written.append(Record(formatter.format(record)))
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
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
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
