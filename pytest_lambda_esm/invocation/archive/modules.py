"""The modules of one archive: in place of the test's while its code runs, and out of sight otherwise."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pytest_lambda_esm.clock.modules import namespace_of
from pytest_lambda_esm.invocation.archive.unpacking import Unpacked

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
_IN_THE_RUNTIME: Final = frozenset(
    {"awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "six"}
    | {"snapshot_restore_py", "urllib3"}
)
"""What Lambda's Python runtimes bring beside the standard library."""
_STANDARD_LIBRARY: Final = frozenset(sys.stdlib_module_names)
Advise = Callable[[str, str], None]
"""Takes a function's name, and what is known to go wrong in production."""


class ArchiveModules:
    """``names`` are the modules and packages at the top of the archive and its layers.

    What lies in other folders, which the code puts on ``sys.path`` itself, is the archive's too.
    """

    def __init__(self, unpacked: Unpacked, folders: list[str]) -> None:
        self.names = frozenset(entry.name.partition(".")[0] for folder in folders for entry in Path(folder).iterdir())
        self._own_names = self.names - SHARED
        self._places = (f"{unpacked.task}{os.sep}", f"{unpacked.layers}{os.sep}")
        self._modules: dict[str, ModuleType] = {}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The archive's modules are those that are imported, as far as they have been; the test's are out of sight."""
        outside = self._taken_out()
        last = next(reversed(sys.modules))
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            # What is new comes last: hardly anything of two thousand modules is looked at.
            added = list(takewhile(lambda name: name != last, reversed(sys.modules)))
            own = {name: sys.modules.pop(name) for name in added if self._is_own(name, sys.modules[name])}
            # An invocation inside this one may have moved others.
            self._modules = {**own, **self._taken_out()}
            sys.modules.update(outside)

    def forget(self) -> None:
        """Begin anew with the next import, as an environment does whose module has failed."""
        self._modules = {}

    def holds(self, module: Any) -> bool:
        """Whether a module's file, or a package's folder, is one of the archive's."""
        namespace = namespace_of(module) or {}
        places = (namespace.get("__file__"), *(namespace.get("__path__") or ()))
        return any(isinstance(place, str) and f"{place}{os.sep}".startswith(self._places) for place in places)

    def wrote(self, namespace: Any) -> bool:
        """Whether the code that has these globals is the archive's."""
        file = namespace.get("__file__") if namespace else None
        return isinstance(file, str) and file.startswith(self._places)

    def _is_own(self, name: str, module: Any) -> bool:
        return name.partition(".")[0] in self._own_names or self.holds(module)

    def _taken_out(self) -> dict[str, ModuleType]:
        names = {name for name in self._modules if name in sys.modules}
        if any(name in sys.modules for name in self._own_names):
            names.update(name for name in sys.modules if name.partition(".")[0] in self._own_names)
        return {name: sys.modules.pop(name) for name in names}


class ArchiveImports:
    """Watches the import statements of one function's code. ``policy`` is ``"advise"``, ``"allow"`` or ``"refuse"``."""

    def __init__(self, function: str, modules: ArchiveModules, policy: str, advise: Advise) -> None:
        self._function = function
        self._modules = modules
        self._policy = policy
        self._advise = advise
        self._fine = (
            (_STANDARD_LIBRARY - modules.names) | _IN_THE_RUNTIME | (SHARED & modules.names - _STANDARD_LIBRARY)
        )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Import statements of the archive's code are looked at meanwhile, those of others are not."""
        original = builtins.__import__

        def watching_import(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            module = original(name, globals, locals, fromlist, level)
            if level == 0 and self._modules.wrote(globals):
                top = name.partition(".")[0]
                if top not in self._fine:
                    self._check(top)
            return module

        builtins.__import__ = watching_import
        try:
            yield
        finally:
            builtins.__import__ = original

    def _check(self, name: str) -> None:
        if self._modules.holds(sys.modules.get(name)):
            return
        if name in _STANDARD_LIBRARY:
            self._advise(
                self._function,
                f"the archive of {self._function!r} brings a module {name!r}, which is also one of Python's standard"
                f" library: here the library's was imported, in Lambda it depends on what the runtime has imported"
                f" before. Rename the module",
            )
        elif self._policy == "refuse":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        elif self._policy == "advise":
            self._advise(
                self._function,
                f"{self._function!r} imports {name!r}, which neither its archive nor its layers bring: it was taken"
                f" from the test's environment, and in Lambda there is no such module. Add it to the archive; the"
                f" setting 'archive_imports' makes such imports fail here too ('refuse'), or allows them ('allow')",
            )
