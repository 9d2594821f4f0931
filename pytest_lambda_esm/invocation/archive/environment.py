"""Runs the Python code of a deployment package in this process, as a warm execution environment of its own.

A function made by code under test brings its modules in a zip file. They are imported under their own names, kept
apart from the test's modules and from those of other functions, and kept from one invocation to the next until code or
configuration change. File names in traces read as they do in Lambda.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import HandlerError, LambdaEsmError
from pytest_lambda_esm.invocation.archive.modules import SHARED, Advise, ArchiveImports, ArchiveModules
from pytest_lambda_esm.invocation.archive.process import ProcessState
from pytest_lambda_esm.invocation.archive.unpacking import Unpacked, Unpacking
from pytest_lambda_esm.invocation.configuration import IMAGE, FunctionConfiguration
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.invocation.local_time import LocalTime
from pytest_lambda_esm.invocation.result import OF_RUNTIME, FunctionError, InitFailed, stack_trace
from pytest_lambda_esm.invocation.sandbox.isolation import Isolation
from pytest_lambda_esm.timing import MICROSECONDS

LONGEST_IMPORT: Final = 10 * MICROSECONDS
"""Lambda gives modules ten seconds beside the timeout. What takes longer is begun again, within the timeout."""


class CodeEnvironments:
    """The warm environments of all functions; one version has one at a time."""

    def __init__(self, surroundings: ArchiveSettings) -> None:
        self._surroundings = surroundings
        self._unpacking = Unpacking()
        self._environments: dict[tuple[str, str], tuple[FunctionConfiguration, CodeEnvironment]] = {}

    def handler(self, function: FunctionConfiguration) -> Handler:
        """What a function's archive runs. Raises HandlerError where it cannot run in this process."""
        if not function.runtime.startswith("python"):
            what = "is a container image" if function.runtime == IMAGE else f"has the runtime {function.runtime!r}"
            raise HandlerError(
                f"the function {function.name!r} is to run, and {what}: only Python out of a zip file runs in the"
                f" test's process. Bind a handler that stands for it: lambda_esm.function({function.name!r}, handler)."
            )
        key = (function.arn, function.version)
        made_for, environment = self._environments.get(key, (None, None))
        if environment is None or made_for is None or not made_for.runs_as(function):
            environment = CodeEnvironment(function, self._unpacking.unpack(function), self._surroundings)
        self._environments[key] = (function, environment)
        return environment

    def remove(self) -> None:
        """Forget the environments, and remove what was unpacked."""
        self._environments.clear()
        self._unpacking.remove()


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What archives run in: ``import_policy`` is the setting ``archive_imports``, ``advise`` hears of such imports.

    ``local_time`` gives the time of the invocation that is going on.
    """

    isolation: Isolation
    import_policy: str
    advise: Advise
    local_time: Callable[[], LocalTime | None]


class CodeEnvironment:
    """One version of a function's code, imported once."""

    def __init__(self, function: FunctionConfiguration, unpacked: Unpacked, surroundings: ArchiveSettings) -> None:
        self._function = function
        self._unpacked = unpacked
        path = _import_path(unpacked, function.runtime)
        self._modules = ArchiveModules(unpacked, path)
        self._imports = ArchiveImports(function.name, self._modules, surroundings.import_policy, surroundings.advise)
        self._process = ProcessState(surroundings.isolation, path, str(unpacked.task))
        self._local_time = surroundings.local_time
        self._handler: Handler | None = None

    def __call__(self, event: Any, context: Any) -> Any:
        """Run the handler; the first call imports its module. Raises InitFailed where that fails."""
        try:
            with self._modules.in_place(), self._imports.watched():
                self._process.enter()
                if self._handler is None:
                    self._handler = self._imported()
                return self._handler(event, context)
        finally:
            if self._handler is None:
                self._modules.forget()

    def as_in_lambda(self, text: str) -> str:
        """A line of a trace with the file names that it would have in Lambda."""
        return self._unpacked.as_in_lambda(text)

    def _imported(self) -> Handler:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        time = self._local_time()
        with time.extra(LONGEST_IMPORT) if time is not None else nullcontext():
            handler = self._load()
        self._process.imported(handlers, level)
        return handler

    def _load(self) -> Handler:
        text = self._function.handler
        module_name, dot, name = text.rpartition(".")
        if not dot:
            raise malformed(text)
        self._check_module(module_name)
        try:
            module = importlib.import_module(module_name.replace("/", "."))
        except LambdaEsmError:
            raise
        except ImportError as error:
            raise not_imported(module_name, error) from error
        except SyntaxError as error:
            raise syntax(module_name, error, self.as_in_lambda) from error
        except Exception as error:
            raise raised(error, self.as_in_lambda) from error
        handler = getattr(module, name, None)
        if handler is None:
            raise handler_missing(module_name, name)
        found: Handler = handler
        return found

    def _check_module(self, name: str) -> None:
        top = name.replace("/", ".").partition(".")[0]
        if top in sys.builtin_module_names:
            raise built_in(name)
        if top not in self._modules.names:
            # The test's process may have one of that name.
            raise not_imported(name, ModuleNotFoundError(f"No module named {top!r}"))
        if top in SHARED:
            raise HandlerError(
                f"the handler of {self._function.name!r} is {self._function.handler!r}, and {top!r} is the name of a"
                f" module that the test's process has: the archive's cannot take its place. Give the archive's module"
                f" another name, or bind a handler: lambda_esm.function({self._function.name!r}, handler)."
            )


def malformed(handler: str) -> InitFailed:
    """The configured handler has no dot in it."""
    return _failed(
        "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
    )


def built_in(module: str) -> InitFailed:
    """The handler's module has the name of one that is built into Python."""
    message = f"Cannot use built-in module {module} as a handler module"
    return _failed("Runtime.BuiltInModuleConflict", message)


def not_imported(module: str, error: ImportError) -> InitFailed:
    """The module, or one that it needs, does not exist."""
    return _failed("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}")


def handler_missing(module: str, name: str) -> InitFailed:
    """The module has no such function."""
    return _failed("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")


def syntax(module: str, error: SyntaxError, shown: Callable[[str], str]) -> InitFailed:
    """The module is no Python."""
    place = shown(f'  File "{error.filename}" Line {error.lineno}\n    {error.text}')
    return _failed("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", (place,))


def raised(error: Exception, shown: Callable[[str], str]) -> InitFailed:
    """The module raised while it was imported: the class and the text of the exception, as recorded."""
    lines = [shown(line) for line in stack_trace(error.__traceback__)]
    return _failed(type(error).__name__, str(error), lines)


def _failed(kind: str, message: str, trace: tuple[str, ...] | list[str] = ()) -> InitFailed:
    # The request id is empty: the runtime had none yet (recorded).
    return InitFailed(FunctionError(kind, message, OF_RUNTIME, stack=tuple(trace)))


def _import_path(unpacked: Unpacked, runtime: str) -> list[str]:
    python = unpacked.layers / "python"
    folders = [unpacked.task, python / "lib" / runtime / "site-packages", python]
    return [str(folder) for folder in folders if folder.is_dir()]
