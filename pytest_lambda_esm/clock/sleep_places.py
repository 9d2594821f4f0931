"""Where loaded code keeps the function ``time.sleep``: globals, defaults, class attributes, closures, partials.

Client code binds it in ways that replacing ``time.sleep`` does not reach: ``from time import sleep [as pause]``,
``def poll(sleep=time.sleep)``, ``class Poller: sleep = staticmethod(time.sleep)``, a variable of an enclosing function,
``pause = functools.partial(time.sleep, 5)``. A function kept in an instance or a container is not found.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, FrameType, FunctionType
from typing import Any, Protocol

from pytest_lambda_esm.clock.modules import is_installed

# Top-level packages that run the tests, wait for processes against the real monotonic clock, or switch between
# greenlets by sleeping for 0 seconds. Their sleep is real, both in their globals and when they call ``time.sleep``.
# Standard modules that call what they are given (threading, concurrent.futures, asyncio) are not listed: they do not
# sleep on their own, so the sleep is that of code under test.
SLEEPING_REALLY = frozenset(
    {
        "_pytest",
        "_time_machine",
        "coverage",
        "execnet",
        "freezegun",
        "gevent",
        "multiprocessing",
        "pluggy",
        "pytest",
        "pytest_lambda_esm",
        "pytest_timeout",
        "subprocess",
        "time",
        "time_machine",
        "xdist",
    }
)

# The functions in those packages that call what they are given: ``ThreadPool().map(time.sleep, delays)``.
_CALLING_ARGUMENTS = frozenset(
    {("multiprocessing.pool", "worker"), ("multiprocessing.pool", "mapstar"), ("multiprocessing.pool", "starmapstar")}
)

_CACHED_FUNCTION = type(functools.lru_cache(lambda: None))
_CLASS_NAMESPACE = type.__dict__["__dict__"]
_QUALNAME = type.__dict__["__qualname__"]


def sleeps_really(caller: FrameType | None) -> bool:
    """Whether a call of ``time.sleep`` from this frame (None: from C code) is made by one of ``SLEEPING_REALLY``."""
    if caller is None:
        return False
    module = caller.f_globals.get("__name__") or ""
    if module.partition(".")[0] not in SLEEPING_REALLY:
        return False
    return (module, caller.f_code.co_name) not in _CALLING_ARGUMENTS


class Place(Protocol):
    """A place that holds a function, which can be replaced there."""

    def replace(self, old: Callable[..., Any], new: Callable[..., Any]) -> None:
        """Replace the old function with the new one, if this place holds the old one."""


@dataclass(frozen=True, slots=True)
class GlobalPlace:
    """A module's global: ``from time import sleep``."""

    namespace: dict[str, Any]
    name: str

    def replace(self, old: Callable[..., Any], new: Callable[..., Any]) -> None:
        """Replace the old function with the new one, if this place holds the old one."""
        if self.namespace.get(self.name) is old:
            self.namespace[self.name] = new


@dataclass(frozen=True, slots=True)
class DefaultPlace:
    """A function's defaults: ``def poll(sleep=time.sleep)``, ``def poll(*, sleep=time.sleep)``."""

    function: FunctionType

    def replace(self, old: Callable[..., Any], new: Callable[..., Any]) -> None:
        """Replace the old function with the new one, if this place holds the old one."""
        function = self.function
        if any(default is old for default in function.__defaults__ or ()):
            defaults = function.__defaults__ or ()
            function.__defaults__ = tuple(new if default is old else default for default in defaults)
        keyword_defaults = function.__kwdefaults__ or {}
        for name, default in keyword_defaults.items():
            if default is old:
                keyword_defaults[name] = new


@dataclass(frozen=True, slots=True)
class ClosurePlace:
    """A variable of an enclosing function: ``def make(sleep): def poll(): sleep(1)``."""

    cell: CellType

    def replace(self, old: Callable[..., Any], new: Callable[..., Any]) -> None:
        """Replace the old function with the new one, if this place holds the old one."""
        if _content(self.cell) is old:
            self.cell.cell_contents = new


@dataclass(frozen=True, slots=True)
class PartialPlace:
    """A partial: ``functools.partial(time.sleep, 5)``, ``functools.partial(poll, sleep=time.sleep)``."""

    partial: Any

    def replace(self, old: Callable[..., Any], new: Callable[..., Any]) -> None:
        """Replace the old function with the new one, if this place holds the old one."""
        partial = self.partial
        if not any(held is old for held in _held_by(partial)):
            return
        args = tuple(new if held is old else held for held in partial.args)
        keywords = {name: new if held is old else held for name, held in partial.keywords.items()}
        function = new if partial.func is old else partial.func
        partial.__setstate__((function, args, keywords, vars(partial)))


@dataclass(frozen=True, slots=True)
class ClassPlace:
    """A class attribute: ``sleep = time.sleep``, ``sleep = staticmethod(time.sleep)``."""

    owner: type
    name: str

    def replace(self, old: Callable[..., Any], new: Callable[..., Any]) -> None:
        """Replace the old function with the new one, if this place holds the old one."""
        held = _CLASS_NAMESPACE.__get__(self.owner).get(self.name)
        if held is old:
            type.__setattr__(self.owner, self.name, new)  # past a metaclass's own __setattr__
        elif type(held) is staticmethod and held.__func__ is old:
            type.__setattr__(self.owner, self.name, staticmethod(new))


def find_places(namespace: dict[str, Any], functions: frozenset[int]) -> list[Place]:
    """Return the places in a module's globals, functions and classes that hold one of ``functions`` (by id).

    It checks ``type(value)`` and never ``isinstance``, which would make a lazy proxy build its object.
    """
    name = str(namespace.get("__name__", ""))
    if name.partition(".")[0] in SLEEPING_REALLY or _cannot_hold(namespace, functions):
        return []
    places: list[Place] = []
    for key, value in list(namespace.items()):
        kind = type(value)
        if id(value) in functions or key == "sleep":
            # The name "sleep" counts whatever it holds now, since a test may have put a mock there.
            places.append(GlobalPlace(namespace, key))
        elif kind is FunctionType or kind is _CACHED_FUNCTION:
            places.extend(_in_function(value, functions, namespace))
        elif kind is functools.partial:
            places.extend(_in_partial(value, functions))
        elif issubclass(kind, type):
            places.extend(_in_class(value, name, functions))
    return places


def _cannot_hold(namespace: dict[str, Any], functions: frozenset[int]) -> bool:
    """Whether a module is an installed one whose globals have neither ``time`` nor a sleep of any kind.

    Its functions and classes cannot have been defined with a sleep then. Nine of ten modules are like that. A module of
    the user's is always searched, since it may have deleted the name that it used.
    """
    if "sleep" in namespace or not is_installed(namespace):
        return False
    return {id(time), *functions}.isdisjoint(map(id, namespace.values()))


def _in_class(owner: type, module_name: str, functions: frozenset[int]) -> Iterator[Place]:
    attributes = _CLASS_NAMESPACE.__get__(owner)
    if attributes.get("__module__") != module_name:
        return  # Imported from another module, and found there.
    for name, value in list(attributes.items()):
        kind = type(value)
        if kind is FunctionType:
            if value.__defaults__ or value.__kwdefaults__ or value.__closure__ or value.__dict__:
                yield from _in_function(value, functions)
        elif kind is staticmethod or kind is classmethod:
            if id(value.__func__) in functions:
                yield ClassPlace(owner, name)
            elif type(value.__func__) is FunctionType:
                yield from _in_function(value.__func__, functions)
        elif id(value) in functions:
            yield ClassPlace(owner, name)
        elif kind is functools.partial:
            yield from _in_partial(value, functions)
        elif issubclass(kind, type) and _QUALNAME.__get__(value) == f"{_QUALNAME.__get__(owner)}.{name}":
            # A class nested in this one. A class that is only referred to might refer back.
            yield from _in_class(value, module_name, functions)


def _in_function(function: Any, functions: frozenset[int], namespace: dict[str, Any] | None = None) -> Iterator[Place]:
    """Search a function and those that its decorators wrap; if a namespace is given, the defaults of those in it."""
    while function is not None:
        if type(function) is FunctionType and function.__closure__:
            yield from (ClosurePlace(cell) for cell in function.__closure__ if id(_content(cell)) in functions)
        if type(function) is FunctionType and (namespace is None or function.__globals__ is namespace):
            defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
            if any(id(default) in functions for default in defaults):
                yield DefaultPlace(function)
        elif type(function) not in (FunctionType, _CACHED_FUNCTION):
            return
        function = function.__dict__.get("__wrapped__")


def _in_partial(partial: Any, functions: frozenset[int]) -> Iterator[Place]:
    if any(id(held) in functions for held in _held_by(partial)):
        yield PartialPlace(partial)


def _held_by(partial: Any) -> tuple[Any, ...]:
    return (partial.func, *partial.args, *partial.keywords.values())


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # The variable is not bound yet.
        return None
