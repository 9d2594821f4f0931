"""Handlers: what a function runs, as a callable or as ``"pkg.mod:name"``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_lambda_esm.errors import HandlerError, nearest

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.mappings.mapping import Mapping


Handler = Callable[[Any, Any], Any]
HandlerGiven: TypeAlias = Handler | str


def resolve(given: HandlerGiven) -> Handler:
    """The callable meant: imported at once where it is given by name, and checked.

    Raises HandlerError, at the user's line, for a module that cannot be imported, a name that is not in it, and
    anything that cannot be called with an event and a context.
    """
    __tracebackhide__ = True
    handler = _imported(given) if isinstance(given, str) else given
    if not callable(handler):
        raise HandlerError(f"a handler is a callable or a text 'pkg.mod:name', not {given!r}")
    if inspect.iscoroutinefunction(handler):
        raise HandlerError(f"{given!r} is an async function; Lambda's Python runtime does not await handlers")
    try:
        inspect.signature(handler).bind(None, None)
    except TypeError as error:
        raise HandlerError(f"{given!r} cannot be called as handler(event, context): {error}") from None
    except ValueError:
        pass  # A builtin that tells no signature: the call itself will show.
    return handler


def _imported(text: str) -> Any:
    __tracebackhide__ = True
    module_name, separator, name = text.partition(":")
    if not separator or not module_name or not name:
        raise HandlerError(f"a handler is given by name as 'pkg.mod:name', not {text!r}")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise HandlerError(
            f"the handler {text!r} cannot be imported: {type(error).__name__}: {error}. Is the module's folder on"
            f" sys.path (pytest's 'pythonpath' setting)?"
        ) from error
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            callables = [known for known, value in vars(target).items() if callable(value) and known[0] != "_"]
            raise HandlerError(f"the module {module_name!r} has no {name!r}. {nearest(name, callables)}")
        target = getattr(target, part)
    return target


def described(handler: Handler) -> str:
    """A handler's name for people."""
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None) or repr(handler)
    return f"{module}:{name}" if module else str(name)


@dataclass(frozen=True, slots=True)
class HandlerResult:
    """What a handler returned, or what is to count as that."""

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
        """Run the handler; what it raises passes through."""
        return HandlerResult(self.handler(self.event, self.context))
