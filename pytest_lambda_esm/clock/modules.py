"""Modules first imported while time is frozen or sleep is virtual run with the real ones.

A module executed under freezegun binds ``FakeDatetime`` in class attributes, default arguments and pydantic
models. Nothing puts those back, and after the freeze they fail (``IndexError: list index out of range``). So
while a module executes, what was replaced is real again; afterwards its globals are replaced, as if it had
been imported before.
"""

from __future__ import annotations

import functools
import sys
import threading
import zipimport
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar, cast

from pytest_lambda_esm.patching import Patches

Finding = TypeVar("Finding")

_NAMESPACE: Any = vars(ModuleType)["__dict__"]


@dataclass(frozen=True, slots=True)
class _Examined(Generic[Finding]):
    module: object
    namespace: dict[str, Any]
    size: int
    findings: Sequence[Finding]


def namespace_of(module: object) -> dict[str, Any] | None:
    """Return a module's globals without running any code of it, or None for what is not a module.

    A subclass of ``ModuleType`` may override ``__getattribute__`` or ``__dict__``
    (``importlib.util.LazyLoader`` does the former), so the slot of ``ModuleType`` itself is read.
    """
    if not issubclass(type(module), ModuleType):
        return None
    return cast(dict[str, Any], _NAMESPACE.__get__(module))


class ModuleMemo(Generic[Finding]):
    """Examines each loaded module once, and remembers what it found.

    ``examine`` gets the module's name and its globals, and returns what it found in them. A finding can be
    out of date (a global may have been bound to something else since), so whoever uses it looks again at that
    one place.
    """

    def __init__(self, examine: Callable[[str, dict[str, Any]], Sequence[Finding]]) -> None:
        self._examine = examine
        self._examined: dict[str, _Examined[Finding]] = {}
        self._findings: list[Finding] = []

    def findings(self) -> list[Finding]:
        """Return the findings of all modules that are loaded now; 0.1 microseconds a module known before."""
        examined, changed = self._examined, False
        modules = list(sys.modules.items())
        for name, module in modules:
            entry = examined.get(name)
            if entry is None or entry.module is not module or len(entry.namespace) != entry.size:
                examined[name] = self._look_at(name, module)
                changed = True
        if len(examined) > len(modules):
            self._examined = examined = {name: examined[name] for name, _ in modules}
            changed = True
        if changed:
            self._findings = [finding for entry in examined.values() for finding in entry.findings]
        return self._findings

    def _look_at(self, name: str, module: object) -> _Examined[Finding]:
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


class Thawable(Protocol):
    """Something that replaced functions process-wide, and can take that back while modules are executed."""

    def thaw(self) -> None:
        """Put the real functions in place."""

    def freeze(self, modules: list[ModuleType]) -> None:
        """Put the replacements back in place, and into the globals of the modules executed meanwhile."""


class ImportWatch:
    """Wraps the methods that execute modules, as long as there is someone to thaw.

    Nested imports (and imports in several threads at once) thaw once: the modules that were executed are
    handed over when the outermost import ends, so that none of them can copy a replacement out of another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thawables: list[Thawable] = []
        self._depth = 0
        self._executed: list[ModuleType] = []
        self._patches = Patches()
        self._frozen: tuple[str, ...] = ()

    def keep_frozen(self, folder: str) -> None:
        """Execute modules in a folder in frozen time: those that nobody keeps for longer than time is frozen."""
        self._frozen += (folder,)

    def thaw_again(self, folder: str) -> None:
        """Execute modules in this folder like all others."""
        self._frozen = tuple(other for other in self._frozen if other != folder)

    def add(self, thawable: Thawable) -> None:
        """Thaw this from now on, too."""
        if not self._thawables:
            self._wrap_loaders()
        self._thawables.append(thawable)

    def remove(self, thawable: Thawable) -> None:
        """Do not thaw this any more; the last one to leave gives the loaders their own methods back."""
        if thawable in self._thawables:
            self._thawables.remove(thawable)
            if not self._thawables:
                self._patches.undo()

    def _wrap_loaders(self) -> None:
        # pytest's assertion rewriter is a finder that executes modules itself; so are some import hooks.
        finders = {type(finder) for finder in sys.meta_path if not isinstance(finder, type)}
        rewriters = tuple((finder, "exec_module") for finder in finders if hasattr(finder, "exec_module"))
        for loader, method in (*_EXECUTING_METHODS, *rewriters):
            self._patches.set(loader, method, self._thawing(getattr(loader, method)))

    def _thawing(self, execute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        @functools.wraps(execute)
        def execute_thawed(loader: Any, subject: Any) -> Any:
            __tracebackhide__ = True
            if self._frozen and _origin(subject).startswith(self._frozen):
                return execute(loader, subject)
            self._enter()
            try:
                return execute(loader, subject)
            finally:
                self._leave(subject)

        return execute_thawed

    def _enter(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                for thawable in self._thawables:
                    thawable.thaw()

    def _leave(self, subject: object) -> None:
        with self._lock:
            if issubclass(type(subject), ModuleType):  # create_module gets a spec
                self._executed.append(subject)  # type: ignore[arg-type]
            self._depth -= 1
            if self._depth == 0:
                executed, self._executed = self._executed, []
                for thawable in self._thawables:
                    thawable.freeze(executed)


def _origin(subject: Any) -> str:
    """Where the code of a module comes from; ``create_module`` gets a spec."""
    spec = (namespace_of(subject) or {}).get("__spec__") or subject
    return str(getattr(spec, "origin", ""))


@functools.cache
def import_watch() -> ImportWatch:
    """Return the one watch of this process.

    The loaders' classes exist once a process, so what wraps their methods can exist only once, too: two
    owners that wrap and unwrap in different orders would leave each other's wrapper behind.
    """
    return ImportWatch()
