"""The functions and classes that freezegun fakes: in ``time``, in ``datetime``, and in the globals of all modules.

freezegun searches every module for them with ``dir`` and ``getattr``. That imports lazy modules, builds pydantic models
(``aws_lambda_powertools.utilities.parser`` then fails, and time cannot be frozen at all) and takes 3 ms per test with
moto loaded. This module reads namespaces only, and searches each module once.

freezegun's names used here (``real_*``, ``fake_*``, ``FakeDate``, ``FakeDatetime``, ``freeze_factories``) were seen in
1.5.1 and 1.5.5.
"""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from freezegun import api

from pytest_lambda_esm.clock.modules import ModuleMemo, namespace_of

WALL_NAMES = ("date", "datetime", "gmtime", "localtime", "strftime", "time", "time_ns")
TIMER_NAMES = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_CLASS_NAMES = {"date": "FakeDate", "datetime": "FakeDatetime"}
# time and datetime are patched by name; freezegun's own module needs the real ones to tell real time.
_NEVER_SEARCHED = ("time", "datetime", api.__name__)


class GlobalName(NamedTuple):
    """A global of a loaded module that is or was bound to something that freezegun fakes."""

    module_name: str
    namespace: dict[str, Any]
    name: str


def real(name: str) -> Any:
    """Return the real function or class of that name."""
    return getattr(api, f"real_{name}")


def fake(name: str) -> Any:
    """Return freezegun's fake of the function or class of that name."""
    return getattr(api, _CLASS_NAMES.get(name, f"fake_{name}"))


def is_faked(name: str) -> bool:
    """Whether ``time`` or ``datetime`` holds freezegun's fake under that name now."""
    return _owner(name)[name] is fake(name)


def _owner(name: str) -> dict[str, Any]:
    return vars(datetime if name in _CLASS_NAMES else time)


@functools.cache
def _known_objects() -> frozenset[int]:
    names = (*WALL_NAMES, *TIMER_NAMES)
    return frozenset(id(version) for name in names for version in (real(name), fake(name)))


def _search(module_name: str, namespace: dict[str, Any]) -> Sequence[GlobalName]:
    if namespace.get("__name__") in _NEVER_SEARCHED or module_name.endswith(".six.moves"):
        return ()
    # The usual names count whatever they hold now, since a test may have put a mock there.
    known = _known_objects()
    if known.isdisjoint(map(id, namespace.values())) and namespace.keys().isdisjoint(WALL_NAMES):
        return ()  # Most modules; the list below takes six times as long.
    return [
        GlobalName(module_name, namespace, name)
        for name, value in list(namespace.items())
        if id(value) in known or name in WALL_NAMES
    ]


@functools.cache
def _memo() -> ModuleMemo[GlobalName]:
    # Cached for the process, so that 800 modules are searched once and not once per test.
    return ModuleMemo(_search)


class FakedGlobals:
    """Puts freezegun's fakes of the given names into the globals of modules, and takes them out again.

    Modules whose name starts with one of ``ignore`` keep the real ones. It is also a ``Replacement``.
    """

    def __init__(self, names: Iterable[str], ignore: tuple[str, ...]) -> None:
        self._names = tuple(names)
        self._ignore = ignore
        self._fakes = {id(real(name)): fake(name) for name in self._names}
        self._reals = {id(fake(name)): real(name) for name in self._names}
        self._imported: list[GlobalName] = []
        self._suspended: list[str] = []

    def fake_everywhere(self) -> None:
        """Replace the real ones in all loaded modules."""
        self._replace(_memo().findings(), self._fakes, self._ignore)

    def restore_everywhere(self) -> None:
        """Restore the real ones in all modules loaded now, wherever the fakes came from."""
        self._replace([*_memo().findings(), *self._imported], self._reals, ignore=())
        self._imported.clear()

    def suspend(self) -> None:
        """Restore the real ones in ``time`` and ``datetime`` for now, except what a test has put there itself."""
        for name in self._names:
            if is_faked(name):
                self._suspended.append(name)
                _owner(name)[name] = real(name)

    def resume(self, modules: list[ModuleType]) -> None:
        """Replace them again, also in modules imported while suspended, if time is still frozen."""
        suspended, self._suspended = self._suspended, []
        if not api.freeze_factories:
            return
        for name in suspended:
            if _owner(name)[name] is real(name):
                _owner(name)[name] = fake(name)
        for module in modules:
            namespace = namespace_of(module) or {}
            found = _search(namespace.get("__name__", ""), namespace)
            self._replace(found, self._fakes, self._ignore)
            self._imported.extend(found)

    @staticmethod
    def _replace(places: Iterable[GlobalName], replacements: dict[int, Any], ignore: tuple[str, ...]) -> None:
        for module_name, namespace, name in places:
            replacement = replacements.get(id(namespace.get(name)))
            if replacement is not None and not module_name.startswith(ignore):
                namespace[name] = replacement
