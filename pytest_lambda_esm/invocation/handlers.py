"""Handlers: the callable that a function runs, and the call of it that hooks can wrap."""

from __future__ import annotations

import importlib
import inspect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pytest_lambda_esm.errors import HandlerError, ends_the_run, nearest
from pytest_lambda_esm.invocation.sandbox.root_logger import noting_imports

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.mappings.mapping import Mapping


Handler = Callable[[Any, Any], Any]
HandlerGiven: TypeAlias = Handler | str
"""A callable, or its name as ``"pkg.mod:name"`` or, as in Lambda's setting Handler, ``"pkg.mod.name"``."""


def resolve(given: HandlerGiven) -> Handler:
    """Return the callable, imported at once if it is given by name.

    Raises HandlerError, at the user's line, if the module cannot be imported, if it lacks the name, or if the object
    cannot be called with an event and a context.
    """
    __tracebackhide__ = True
    handler = _imported(given) if isinstance(given, str) else given
    if not callable(handler):
        raise HandlerError(f"a handler is a callable or a string 'pkg.mod:name', not {given!r}")
    try:
        inspect.signature(handler).bind(None, None)
    except TypeError as error:
        hint = _hint(handler)
        raise HandlerError(f"{given!r} cannot be called as handler(event, context): {error}{hint}") from None
    except ValueError:
        pass  # A builtin without a signature: only the call itself can tell.
    return handler


def _hint(handler: Any) -> str:
    """Return what to give instead of a class or of a method without its object."""
    if inspect.isclass(handler):
        return f". Give a method of an object, such as {handler.__name__}().handler"
    owner, _, name = getattr(handler, "__qualname__", "").rpartition(".")
    if owner and not owner.endswith("<locals>"):
        return f". Is it a method? Give it with its object: {owner.rpartition('.')[2]}().{name}"
    return ""


def _imported(path: str) -> Any:
    __tracebackhide__ = True
    module_name, name = _divided(path)
    if not module_name or not name:
        raise HandlerError(
            f"a handler is given by name as 'pkg.mod:name' or, as in Lambda's setting Handler, 'pkg.mod.name', not"
            f" {path!r}"
        )
    try:
        with noting_imports():
            module = importlib.import_module(module_name)
    except Exception as error:
        if ends_the_run(error):
            raise
        raise HandlerError(
            f"the handler {path!r} cannot be imported: {type(error).__name__}: {error}. Is the module's folder on"
            f" sys.path (pytest's 'pythonpath' setting)?"
        ) from error
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            callables = [known for known, value in vars(target).items() if callable(value) and known[0] != "_"]
            raise HandlerError(f"the module {module_name!r} has no {name!r}. {nearest(name, callables)}")
        target = getattr(target, part)
    return target


def _divided(path: str) -> tuple[str, str]:
    """Return a module and a name in it; Lambda's own notation may have slashes between packages."""
    if ":" in path:
        module_name, _, name = path.partition(":")
    else:
        module_name, _, name = path.rpartition(".")
        module_name = module_name.replace("/", ".")
    return module_name, name


def translation(handler: Handler) -> Callable[[str], str]:
    """Return what translates a line of a handler's stack traces to what it reads in Lambda.

    It is ``str`` for all handlers but those of deployed code. The class decides, since a mock has any attribute.
    """
    return handler.as_in_lambda if hasattr(type(handler), "as_in_lambda") else str  # type: ignore[attr-defined]  # Checked.


def module_state(handler: Handler) -> dict[str, tuple[int, int]]:
    """Return a summary of the global variables of a handler's module, for a comparison with a later one.

    Each has an identity and, if it is a container, a length. Functions, classes and modules are left out.
    """
    namespace: dict[str, Any] = getattr(inspect.unwrap(handler), "__globals__", {})
    # The type decides, since a proxy may have no class outside of its context.
    return {
        name: (id(value), len(value) if issubclass(type(value), _CONTAINERS) else 0)
        for name, value in list(namespace.items())
        if not name.startswith("__") and not issubclass(type(value), _CODE)
    }


_CONTAINERS: Final = (list, dict, set, bytearray, deque)
_CODE: Final = (ModuleType, FunctionType, type)


def described(handler: Handler) -> str:
    """Return a readable name of a handler."""
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None) or repr(handler)
    return f"{module}:{name}" if module else str(name)


@dataclass(frozen=True, slots=True)
class HandlerResult:
    """The value that a handler returned, or that a hook returns in its place."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerCall:
    """A handler that is about to run: ``function`` is its name, ``event`` and ``context`` its arguments.

    ``attempt`` counts from 1; ``mapping`` is the mapping that polled the event, or None. :meth:`run` runs it.
    """

    function: str
    handler: Callable[[Any, Any], Any]
    event: Any
    context: LambdaContext
    attempt: int
    mapping: Mapping | None

    def run(self) -> HandlerResult:
        """Run the handler; its exceptions pass through."""
        return HandlerResult(self.handler(self.event, self.context))
