"""Loaded modules and imports, for those that replace functions in every module of the process.

:class:`ModuleMemo` searches each loaded module only once. :class:`ImportWatch` executes modules that are first imported
while time is frozen or sleep is virtual with the real functions. A module executed under freezegun binds
``FakeDatetime`` in class attributes, default arguments and pydantic models. Nothing restores those, and after the
freeze they fail (``IndexError: list index out of range``). So the real functions are back while a module executes;
afterwards its globals are replaced, as if it had been imported before.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
import sysconfig
import threading
import zipimport
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar, cast

from pytest_lambda_esm.patching import Patches, original_of

Finding = TypeVar("Finding")

INSTALLED = tuple({f"{sysconfig.get_path(name)}{os.sep}" for name in ("purelib", "platlib", "stdlib")})
"""The folders of Python's own packages. They may be inside of a folder of code: ``CodeUri: .`` with a ``.venv``."""
_WITHOUT_FILES = ("built-in", "frozen")
_NAMESPACE: Any = vars(ModuleType)["__dict__"]


@dataclass(frozen=True, slots=True)
class _Examined(Generic[Finding]):
    module: object
    namespace: dict[str, Any]
    size: int
    findings: Sequence[Finding]


def namespace_of(module: object) -> dict[str, Any] | None:
    """Return a module's globals without running any of its code, or None for anything that is not a module.

    A subclass of ``ModuleType`` may override ``__getattribute__`` or ``__dict__`` (``importlib.util.LazyLoader`` does
    the former), so this reads the slot of ``ModuleType``.
    """
    if not issubclass(type(module), ModuleType):
        return None
    return cast(dict[str, Any], _NAMESPACE.__get__(module))


def is_installed(namespace: dict[str, Any]) -> bool:
    """Return whether these are the globals of a module of Python or of an installed package. Runs none of its code."""
    origin = getattr(namespace.get("__spec__"), "origin", None)
    return origin in _WITHOUT_FILES or (type(origin) is str and origin.startswith(INSTALLED))


class LoadedModules:
    """The loaded modules as they were at the last look, and a number that changes when they do."""

    def __init__(self) -> None:
        self.version = 0
        self.modules: dict[str, Any] = {}
        self._names: list[str] = []
        self._values: list[object] = []
        self._namespaces: list[dict[str, Any]] = []
        self._sizes: list[int] = []
        self._looks_once = False
        self._has_looked = False

    @contextmanager
    def looking_once(self) -> Iterator[None]:
        """Let the first look inside count for all after it, unless a module is imported or removed.

        From that look on, no code of a test runs inside, and nobody puts another module in the place of one.
        """
        self._looks_once = True
        try:
            yield
        finally:
            self._looks_once = self._has_looked = False

    def look(self) -> int:
        """Return the version of the modules that are loaded now. Takes 0.1 microseconds for each module."""
        if self._has_looked and len(sys.modules) == len(self.modules) and self._last() is self._values[-1]:
            return self.version
        loaded = sys.modules.copy()
        # Compared by identity: an entry of sys.modules may be any object, with an __eq__ of its own.
        if (
            len(loaded) != len(self._values)
            or not all(map(operator.is_, loaded.values(), self._values))
            or list(map(len, self._namespaces)) != self._sizes
            or list(loaded) != self._names
        ):
            self.modules, self._names, self._values = loaded, list(loaded), list(loaded.values())
            self._namespaces = [namespace_of(module) or {} for module in self._values]
            self._sizes = list(map(len, self._namespaces))
            self.version += 1
        self._has_looked = self._looks_once
        return self.version

    @staticmethod
    def _last() -> object:
        return sys.modules[next(reversed(sys.modules))]


@functools.cache
def loaded_modules() -> LoadedModules:
    """Return the one record of this process, so that all who search modules share each look."""
    return LoadedModules()


class ModuleMemo(Generic[Finding]):
    """Examines each loaded module once, and remembers the findings.

    ``examine`` is called with the module's name and globals, and returns what it found in them. A finding may be out of
    date, if the global has been bound to something else since, so check that one place before using it.
    """

    def __init__(self, examine: Callable[[str, dict[str, Any]], Sequence[Finding]]) -> None:
        self._examine = examine
        self._examined: dict[str, _Examined[Finding]] = {}
        self._version = 0
        self._findings: list[Finding] = []

    def findings(self) -> list[Finding]:
        """Return the findings of all modules that are loaded now."""
        loaded = loaded_modules()
        version = loaded.look()
        if version != self._version:
            self._examine_changed(loaded.modules)
            self._version = version
        return self._findings

    def _examine_changed(self, loaded: dict[str, Any]) -> None:
        examined: dict[str, _Examined[Finding]] = {}
        for name, module in loaded.items():
            entry = self._examined.get(name)
            if entry is None or entry.module is not module or len(entry.namespace) != entry.size:
                entry = self._examine_module(name, module)
            examined[name] = entry
        self._examined = examined
        self._findings = [finding for entry in examined.values() for finding in entry.findings]

    def _examine_module(self, name: str, module: object) -> _Examined[Finding]:
        namespace = namespace_of(module)
        if namespace is None:
            return _Examined(module, {}, 0, ())
        return _Examined(module, namespace, len(namespace), self._examine(name, namespace))


# Extension modules with single-phase initialisation run all of their code in create_module.
_EXECUTING_METHODS: tuple[tuple[type, str], ...] = (
    (SourceFileLoader, "exec_module"),
    (SourcelessFileLoader, "exec_module"),
    (zipimport.zipimporter, "exec_module"),
    (ExtensionFileLoader, "create_module"),
    (ExtensionFileLoader, "exec_module"),
)


class Replacement(Protocol):
    """Has replaced functions in the whole process, and can restore them while modules are executed."""

    def suspend(self) -> None:
        """Restore the real functions for now."""

    def resume(self, modules: list[ModuleType]) -> None:
        """Replace them again, also in the globals of the modules executed while suspended."""


class ImportWatch:
    """Wraps the methods that execute modules, while anything that replaces functions is registered.

    Nested imports, and imports in several threads at once, count as one: the executed modules are passed on when the
    outermost import ends, so that none of them can copy a replacement from another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replacements: list[Replacement] = []
        self._depth = 0
        self._executed: list[ModuleType] = []
        self._patches = Patches()
        self._frozen: tuple[str, ...] = ()

    def keep_frozen(self, folder: str) -> None:
        """Execute the modules of a folder in frozen time, for modules that do not outlive the freeze."""
        self._frozen += (folder,)

    def stop_keeping_frozen(self, folder: str) -> None:
        """Execute the modules of this folder like all others again."""
        self._frozen = tuple(other for other in self._frozen if other != folder)

    @contextmanager
    def frozen(self, folders: tuple[str, ...]) -> Iterator[None]:
        """Execute the modules of these folders in frozen time meanwhile, except for installed packages."""
        self._frozen += folders
        try:
            yield
        finally:
            remaining = list(self._frozen)
            for folder in folders:
                remaining.remove(folder)
            self._frozen = tuple(remaining)

    def add(self, replacement: Replacement) -> None:
        """Suspend this replacement, too, while modules are executed."""
        if not self._replacements:
            self._wrap_loaders()
        self._replacements.append(replacement)

    def remove(self, replacement: Replacement) -> None:
        """Do not suspend this one any more. Restore the loaders when it was the last one."""
        if replacement in self._replacements:
            self._replacements.remove(replacement)
            if not self._replacements:
                self._patches.undo()

    def _wrap_loaders(self) -> None:
        self._patches.undo_again()
        # pytest's assertion rewriter is a finder that executes modules itself; so are some import hooks.
        finders = {type(finder) for finder in sys.meta_path if not isinstance(finder, type)}
        rewriters = tuple((finder, "exec_module") for finder in finders if hasattr(finder, "exec_module"))
        for loader, method in (*_EXECUTING_METHODS, *rewriters):
            self._patches.set(loader, method, self._with_real_functions(original_of(loader, method)))

    def _with_real_functions(self, execute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        @functools.wraps(execute)
        def execute_with_real_functions(loader: Any, subject: Any) -> Any:
            __tracebackhide__ = True
            if self._frozen and _is_in(_origin(subject), self._frozen):
                return execute(loader, subject)
            self._enter()
            try:
                return execute(loader, subject)
            finally:
                self._leave(subject)

        return execute_with_real_functions

    def _enter(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                for replacement in self._replacements:
                    replacement.suspend()

    def _leave(self, subject: object) -> None:
        with self._lock:
            if issubclass(type(subject), ModuleType):  # create_module gets a spec
                self._executed.append(subject)  # type: ignore[arg-type]
            self._depth -= 1
            if self._depth == 0:
                executed, self._executed = self._executed, []
                for replacement in self._replacements:
                    replacement.resume(executed)


def _is_in(origin: str, folders: tuple[str, ...]) -> bool:
    """Return whether a module is in one of the folders, and not in a package folder of Python that is inside of it."""
    return origin.startswith(folders) and not origin.startswith(INSTALLED)


def _origin(subject: Any) -> str:
    """Return the file of a module. The subject is a module, or for ``create_module`` its spec."""
    spec = (namespace_of(subject) or {}).get("__spec__") or subject
    return str(getattr(spec, "origin", ""))


@functools.cache
def import_watch() -> ImportWatch:
    """Return the one watch of this process.

    The loaders' classes are process-wide, so only one object may wrap their methods: two that wrap and unwrap in
    different orders would leave each other's wrapper behind.
    """
    return ImportWatch()
