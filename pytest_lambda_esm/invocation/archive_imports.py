"""Imports of an archive's code that find in the test's process what they would not find in Lambda."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pytest_lambda_esm.invocation.archive_modules import SHARED, ArchiveModules

_IN_THE_RUNTIME: Final = frozenset(
    {"awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "six"}
    | {"snapshot_restore_py", "urllib3"}
)
"""What Lambda's Python runtimes bring beside the standard library."""

_STANDARD_LIBRARY: Final = frozenset(sys.stdlib_module_names)

Advise = Callable[[str, str], None]
"""Takes a function's name, and what is known to go wrong in production."""


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
