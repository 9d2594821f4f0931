"""Runs the Python code of a deployment package in this process, as a warm execution environment of its own.

A function made by code under test brings its modules in a zip file. They are imported under their own names, kept
apart from the test's modules and from those of other functions, and kept from one invocation to the next until code or
configuration change. File names in traces read as they do in Lambda.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pytest_lambda_esm.errors import HandlerError, LambdaEsmError
from pytest_lambda_esm.invocation import init_errors
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.invocation.unpacking import Unpacked, Unpacking

SHARED: Final = frozenset(sys.stdlib_module_names) | {
    "boto3",
    "botocore",
    "freezegun",
    "moto",
    "pytest",
    "pytest_lambda_esm",
    "requests",
    "responses",
    "s3transfer",
    "time_machine",
    "urllib3",
}
"""Modules that an archive cannot replace: a botocore of its own would not be served by moto."""


class CodeEnvironment:
    """One version of a function's code, imported once."""

    def __init__(self, function: FunctionConfiguration, unpacked: Unpacked) -> None:
        self._function = function
        self._unpacked = unpacked
        self._path = _import_path(unpacked)
        self._names = _module_names(self._path)
        self._modules: dict[str, ModuleType] = {}
        self._handler: Handler | None = None

    def __call__(self, event: Any, context: Any) -> Any:
        """Run the handler; the first call imports its module. Raises InitFailed where that fails."""
        with self._inside():
            if self._handler is None:
                self._handler = self._load()
            return self._handler(event, context)

    def as_in_lambda(self, text: str) -> str:
        """A line of a trace with the file names that it would have in Lambda."""
        return self._unpacked.as_in_lambda(text)

    def _load(self) -> Handler:
        text = self._function.handler
        module_name, dot, name = text.rpartition(".")
        if not dot:
            raise init_errors.malformed(text)
        if module_name.partition(".")[0] in sys.builtin_module_names:
            raise init_errors.built_in(module_name)
        try:
            module = importlib.import_module(module_name.replace("/", "."))
        except LambdaEsmError:
            raise
        except ImportError as error:
            raise init_errors.not_imported(module_name, error) from error
        except SyntaxError as error:
            raise init_errors.syntax(module_name, error, self.as_in_lambda) from error
        except Exception as error:
            raise init_errors.raised(error, self.as_in_lambda) from error
        handler = getattr(module, name, None)
        if handler is None:
            raise init_errors.handler_missing(module_name, name)
        found: Handler = handler
        return found

    @contextmanager
    def _inside(self) -> Iterator[None]:
        outside = self._taken_out()
        sys.modules.update(self._modules)
        path, directory = sys.path[:], os.getcwd()
        sys.path[:0] = self._path
        os.chdir(self._unpacked.task)
        os.environ["LAMBDA_TASK_ROOT"] = str(self._unpacked.task)
        try:
            yield
        finally:
            os.chdir(directory)
            sys.path[:] = path
            self._modules = self._taken_out()
            sys.modules.update(outside)

    def _taken_out(self) -> dict[str, ModuleType]:
        """Take the modules out that have the names of the archive's."""
        taken = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self._names}
        for name in taken:
            del sys.modules[name]
        return taken


class CodeEnvironments:
    """The warm environments of all functions; one version has one at a time."""

    def __init__(self) -> None:
        self._unpacking = Unpacking()
        self._environments: dict[tuple[str, str], tuple[FunctionConfiguration, CodeEnvironment]] = {}

    def handler(self, function: FunctionConfiguration) -> Handler:
        """What a function's archive runs. Raises HandlerError where it cannot run in this process."""
        if not function.runtime.startswith("python"):
            raise HandlerError(
                f"the function {function.name!r} is to run, and has the runtime {function.runtime!r}: only Python"
                f" runs in the test's process. Bind a handler that stands for it:"
                f" lambda_esm.function({function.name!r}, handler)."
            )
        key = (function.arn, function.version)
        known = self._environments.get(key)
        if known is None or known[0] != function:
            environment = CodeEnvironment(function, self._unpacking.unpack(function))
            known = self._environments[key] = (function, environment)
        return known[1]

    def remove(self) -> None:
        """Forget the environments, and remove what was unpacked."""
        self._environments.clear()
        self._unpacking.remove()


def _import_path(unpacked: Unpacked) -> list[str]:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    python = unpacked.layers / "python"
    folders = [unpacked.task, python / "lib" / version / "site-packages", python]
    return [str(folder) for folder in folders if folder.is_dir()]


def _module_names(folders: list[str]) -> frozenset[str]:
    names = {entry.name.partition(".")[0] for folder in folders for entry in Path(folder).iterdir()}
    return frozenset(names - SHARED)
