"""Runs the Python code of a deployment package in this process, in a warm execution environment.

A function that code under test creates has its modules in a zip file. They are imported under their own names, kept
apart from the test's modules and from other functions', and reused for each invocation until the code or the
configuration changes. Import errors become the runtime's init errors. File names in traces read as in Lambda.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import HandlerError, LambdaEsmError, NotSimulated, ends_the_run
from pytest_lambda_esm.invocation.archive.modules import SHARED, ArchiveImports, ArchiveModules
from pytest_lambda_esm.invocation.archive.process import ProcessState
from pytest_lambda_esm.invocation.archive.unpacking import Unpacked, Unpacking
from pytest_lambda_esm.invocation.configuration import IMAGE, FunctionConfiguration
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.invocation.local_time import LocalTime
from pytest_lambda_esm.invocation.result import OF_RUNTIME, FunctionError, InitFailed, stack_trace
from pytest_lambda_esm.invocation.sandbox.isolation import TRACE, Isolation
from pytest_lambda_esm.ports import Advice
from pytest_lambda_esm.timing import MICROSECONDS

LONGEST_IMPORT: Final = 10 * MICROSECONDS
"""Lambda allows imports ten seconds in addition to the timeout. A longer import starts again, within the timeout."""


_WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
_COMMAND_NOT_FOUND: Final = 127


class CodeEnvironments:
    """The warm environments of all functions; each version has one at a time."""

    def __init__(self, settings: ArchiveSettings) -> None:
        self._settings = settings
        self._unpacking: Unpacking | None = None  # Until a deployed archive is invoked.
        self._environments: dict[tuple[str, str], tuple[FunctionConfiguration, CodeEnvironment]] = {}

    def handler(self, function: FunctionConfiguration) -> CodeEnvironment:
        """Return the handler in a function's archive. Raises HandlerError if it cannot run in this process."""
        if not function.runtime.startswith("python"):
            reason = "is a container image" if function.runtime == IMAGE else f"has the runtime {function.runtime!r}"
            raise HandlerError(
                f"the function {function.name!r} was invoked, but it {reason}: only Python code from a zip file runs in"
                f" the test's process. Bind a handler in its place: lambda_esm.function({function.name!r}, handler)."
            )
        key = (function.arn, function.version)
        configuration, environment = self._environments.get(key, (None, None))
        if environment is None or configuration is None or not configuration.runs_as(function):
            self._unpacking = self._unpacking or Unpacking()
            environment = CodeEnvironment(function, self._unpacking.unpack(function), self._settings)
        self._environments[key] = (function, environment)
        return environment

    def restart(self, function: FunctionConfiguration) -> None:
        """Import a function's modules again at its next invocation, since its process has ended. Its files stay."""
        _, environment = self._environments.get((function.arn, function.version), (None, None))
        if environment is not None:
            environment.restart()

    def start_again(self, function: FunctionConfiguration) -> None:
        """Have a function run in an environment that has not imported anything."""
        self._environments.pop((function.arn, function.version), None)

    @contextmanager
    def restored_on_failure(self) -> Iterator[None]:
        """Have all functions go on in the environments that they have now, if an exception is raised meanwhile."""
        before = dict(self._environments)
        try:
            yield
        except BaseException:
            self._environments = before
            raise

    def remove(self) -> None:
        """Forget the environments, and remove the unpacked files."""
        self._environments.clear()
        if self._unpacking is not None:
            self._unpacking.remove()


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What all environments share.

    ``import_policy`` is the setting ``archive_imports``; ``advice`` is given on imports that would fail in Lambda.
    ``local_time`` returns the time of the running invocation.
    """

    isolation: Isolation
    import_policy: str
    advice: Advice
    local_time: Callable[[], LocalTime | None]


class CodeEnvironment:
    """One version of a function's code, imported once."""

    def __init__(self, function: FunctionConfiguration, unpacked: Unpacked, settings: ArchiveSettings) -> None:
        self._function = function
        self._unpacked = unpacked
        path = unpacked.import_path(function.runtime)
        self._modules = ArchiveModules(unpacked, path)
        assert function.archive is not None
        is_whole = unpacked.is_complete and not function.archive.is_partial
        policy = settings.import_policy if is_whole else "allow"
        self._imports = ArchiveImports(function.name, self._modules, policy, settings.advice)
        self._local_time = settings.local_time
        self._isolation, self._path = settings.isolation, path
        self._process = self._new_process()
        self._handler: Handler | None = None

    def _new_process(self) -> ProcessState:
        return ProcessState(self._isolation, self._path, str(self._unpacked.task))

    def restart(self) -> None:
        """Start again with the import of the handler's module."""
        self._handler = None
        self._modules.forget()
        self._process = self._new_process()

    def __call__(self, event: Any, context: Any) -> Any:
        """Run the handler; the first call imports its module. Raises InitFailed if the import fails."""
        check_wrapper(self._function, self._unpacked)
        try:
            with self._modules.in_place(), self._imports.watched():
                self._process.enter()
                if self._handler is None:
                    self._handler = self._import()
                return self._handler(event, context)
        finally:
            if self._handler is None:
                self._modules.forget()

    def load(self) -> None:
        """Import the handler's module now, in the environment that is set up. Raises InitFailed if that fails."""
        try:
            with self._modules.in_place(), self._imports.watched():
                self._process.enter()
                self._handler = self._import()
        finally:
            if self._handler is None:
                self._modules.forget()

    def as_in_lambda(self, text: str) -> str:
        """Return a line of a trace with the file names that it would have in Lambda."""
        return self._unpacked.as_in_lambda(text)

    def _import(self) -> Handler:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        time = self._local_time()
        trace = os.environ.pop(TRACE, None)  # It is not set while modules are imported (recorded).
        with time.extra(LONGEST_IMPORT) if time is not None else nullcontext():
            handler = self._load()
        if trace is not None:
            os.environ[TRACE] = trace
        self._process.save(handlers, level)
        return handler

    def _load(self) -> Handler:
        text = self._function.handler
        module_name, dot, name = text.rpartition(".")
        if not dot:
            raise _malformed_name(text)
        self._check_module(module_name)
        try:
            module = importlib.import_module(module_name.replace("/", "."))
        except LambdaEsmError:
            raise
        except ImportError as error:
            raise _import_failed(module_name, error) from error
        except SyntaxError as error:
            raise _syntax_error(module_name, error, self.as_in_lambda) from error
        except Exception as error:
            if ends_the_run(error):
                raise
            raise _module_raised(error, self.as_in_lambda) from error
        handler = getattr(module, name, None)
        if handler is None:
            raise _handler_missing(module_name, name)
        found: Handler = handler
        return found

    def _check_module(self, name: str) -> None:
        top = name.replace("/", ".").partition(".")[0]
        if top in sys.builtin_module_names:
            raise _built_in_conflict(name)
        if top not in self._modules.names:
            # The test's process may have a module of that name.
            raise _import_failed(name, ModuleNotFoundError(f"No module named {top!r}"))
        if top in SHARED:
            raise HandlerError(
                f"the handler of {self._function.name!r} is {self._function.handler!r}, but {top!r} is also a module of"
                f" the test's process, which a module of the archive cannot replace. Rename the archive's module, or"
                f" bind a handler: lambda_esm.function({self._function.name!r}, handler)."
            )


def check_wrapper(function: FunctionConfiguration, unpacked: Unpacked) -> None:
    """Do what becomes of a wrapper script, which Lambda would start instead of the runtime.

    Without the script, the process ends with status 127 (recorded). Raises NotSimulated if it exists.
    """
    wrapper = function.environment.get(_WRAPPER)
    if not wrapper:
        return
    if not unpacked.holds(wrapper):
        raise SystemExit(_COMMAND_NOT_FOUND)
    raise NotSimulated(
        f"the function {function.name!r} has a wrapper script, {_WRAPPER}={wrapper}, and only Python code runs in the"
        f" test's process. Leave the variable out, or bind a handler: lambda_esm.function({function.name!r}, handler)."
    )


def _malformed_name(handler: str) -> InitFailed:
    """Return the error for a configured handler without a dot."""
    return _init_failed(
        "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
    )


def _built_in_conflict(module: str) -> InitFailed:
    """Return the error for a handler's module with the name of a module that is built into Python."""
    message = f"Cannot use built-in module {module} as a handler module"
    return _init_failed("Runtime.BuiltInModuleConflict", message)


def _import_failed(module: str, error: ImportError) -> InitFailed:
    """Return the error for a missing module: the handler's, or one that it imports."""
    return _init_failed("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}")


def _handler_missing(module: str, name: str) -> InitFailed:
    """Return the error for a module that lacks the handler."""
    return _init_failed("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")


def _syntax_error(module: str, error: SyntaxError, as_in_lambda: Callable[[str], str]) -> InitFailed:
    """Return the error for a module that is not valid Python."""
    location = as_in_lambda(f'  File "{error.filename}" Line {error.lineno}\n    {error.text}')
    return _init_failed("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", (location,))


def _module_raised(error: Exception, as_in_lambda: Callable[[str], str]) -> InitFailed:
    """Return the error for a module that raised on import: the exception's class and text, as recorded."""
    lines = [as_in_lambda(line) for line in stack_trace(error.__traceback__)]
    return _init_failed(type(error).__name__, str(error), lines)


def _init_failed(kind: str, message: str, trace: tuple[str, ...] | list[str] = ()) -> InitFailed:
    # The request id is empty, because the runtime has none yet (recorded).
    return InitFailed(FunctionError(kind, message, OF_RUNTIME, stack=tuple(trace)))
