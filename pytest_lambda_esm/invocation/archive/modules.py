"""The modules of an archive and its imports.

The modules replace the test's while the archive's code runs, and are hidden at other times. Imports that would behave
differently in Lambda are reported.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pytest_lambda_esm.clock.modules import import_watch, namespace_of
from pytest_lambda_esm.invocation.archive.unpacking import Unpacked, owner_of
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.ports import Advice

_STANDARD_LIBRARY: Final = frozenset(sys.stdlib_module_names)
SHARED: Final = _STANDARD_LIBRARY | {
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
"""Modules that an archive cannot replace: moto would not serve an archive's copy of botocore, for example."""
_IN_THE_RUNTIME: Final = frozenset(
    {"awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "six"}
    | {"snapshot_restore_py", "urllib3"}
)
"""Packages that Lambda's Python runtimes include in addition to the standard library."""


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Write no bytecode into folders of this machine meanwhile.

    Python takes bytecode for current if the source has the same size and was written in the same second, so a test that
    changes a source and deploys it again would get the old code.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


class ArchiveModules:
    """The modules of one archive and its layers; ``names`` are the top-level modules and packages.

    Modules in other folders of the archive, which its code adds to ``sys.path`` itself, also belong to it.
    ``is_local`` says whether it is a folder of this machine.
    """

    def __init__(self, unpacked: Unpacked, folders: list[str]) -> None:
        self.names = frozenset(entry.name.partition(".")[0] for folder in folders for entry in Path(folder).iterdir())
        self._own_names = self.names - SHARED
        self._owns = owner_of(unpacked.roots)
        self.is_local = unpacked.is_local
        self._roots = unpacked.roots
        self._modules: dict[str, ModuleType] = {}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the archive's imported modules into ``sys.modules``, and hide the test's modules with the same names."""
        if self.is_local:  # The test may import modules of these folders, which outlive the freeze.
            with import_watch().frozen(self._roots), _without_bytecode(), self._in_place():
                yield
        else:
            with self._in_place():
                yield

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        hidden = self._take_out()
        last = next(reversed(sys.modules))
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            # New modules come last, so this looks at few of the thousands in sys.modules.
            added = list(takewhile(lambda name: name != last, reversed(sys.modules)))
            own = {name: sys.modules.pop(name) for name in added if self._is_own(name, sys.modules[name])}
            # A nested invocation may have moved other modules.
            self._modules = {**own, **self._take_out()}
            sys.modules.update(hidden)

    def forget(self) -> None:
        """Import everything again at the next invocation, as Lambda does after a failed import."""
        self._modules = {}

    def holds(self, module: Any) -> bool:
        """Return whether a module's file, or a package's folder, is in the archive."""
        namespace = namespace_of(module) or {}
        paths = (namespace.get("__file__"), *(namespace.get("__path__") or ()))
        return any(isinstance(path, str) and self._owns(f"{path}{os.sep}") for path in paths)

    def holds_code(self, namespace: Any) -> bool:
        """Return whether the code with these globals is in the archive."""
        file = namespace.get("__file__") if namespace else None
        return isinstance(file, str) and self._owns(file)

    def _is_own(self, name: str, module: Any) -> bool:
        return name.partition(".")[0] in self._own_names or self.holds(module)

    def _take_out(self) -> dict[str, ModuleType]:
        names = {name for name in self._modules if name in sys.modules}
        if any(name in sys.modules for name in self._own_names):
            names.update(name for name in sys.modules if name.partition(".")[0] in self._own_names)
        return {name: sys.modules.pop(name) for name in names}


class ArchiveImports:
    """Checks the import statements of one function's code.

    ``policy`` is the setting ``archive_imports``: ``"advise"``, ``"allow"`` or ``"refuse"``.
    """

    def __init__(self, function: str, modules: ArchiveModules, policy: str, advice: Advice) -> None:
        self._function = function
        self._modules = modules
        self._policy = policy
        self._advice = advice
        self._allowed = (
            (_STANDARD_LIBRARY - modules.names) | _IN_THE_RUNTIME | (SHARED & modules.names - _STANDARD_LIBRARY)
        )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Check the import statements of the archive's code meanwhile, but not those of other code."""
        patches = Patches()
        original = original_of(builtins, "__import__")

        def watching_import(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            module = original(name, globals, locals, fromlist, level)
            if level == 0 and self._modules.holds_code(globals):
                top = name.partition(".")[0]
                if top not in self._allowed:
                    self._check(top)
            return module

        patches.set(builtins, "__import__", watching_import)
        try:
            yield
        finally:
            patches.undo()

    def _check(self, name: str) -> None:
        if self._modules.holds(sys.modules.get(name)):
            return
        if name in _STANDARD_LIBRARY:
            self._advice.give("ESM203", self._function, about=name, function=self._function, module=name)
        elif self._policy == "refuse":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        elif self._policy == "advise":
            self._advice.give("ESM202", self._function, about=name, function=self._function, module=name)
