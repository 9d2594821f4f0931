"""Replaces attributes and items of other packages, and restores them, whoever else replaces them meanwhile.

Tracers and tests replace the same functions, before a fake starts or while it is active, and undo that before or after
its end. In each order, everybody's replacement stays in force until it is undone, and none of this package stays in
force after the end of its fake:

* A function is put inside the proxies of ``wrapt`` that are there. X-Ray, OpenTelemetry and ddtrace wrap in this way,
  and can remove theirs at any time. :meth:`Patches.undo` finds it inside later proxies, too.
* If others have put a function in its place, theirs stays. They may have kept ours, to restore it: from then on it
  only calls the original. :meth:`Patches.undo_again` removes it, or else the next fake takes the original for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any, Final, TypeGuard

_ABSENT: Final = object()
_REPLACED: Final = "_lambda_esm_replaced"
"""An attribute of a replacement that is out of use: what was there before it."""
_PROXIES: Final = frozenset({"ObjectProxy", "BaseObjectProxy"})
"""The names of the base classes of wrapt's wrappers. Seen in wrapt 1.17.3 and 2.5.2."""


_Replaced = tuple[Any, str, FunctionType, FunctionType]
"""An owner, a name, the function that is there now, and the one before. Almost all of what a test replaces is this."""
_Step = Callable[[], None] | _Replaced


class Patches:
    """The changes made so far; :meth:`undo` reverts them in reverse order."""

    def __init__(self) -> None:
        self._undo: list[_Step] = []
        self._undo_again: list[_Step] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a class, module or instance. A function calls the original through :func:`original_of`.

        Undoing restores what was in ``vars(owner)``, such as a ``staticmethod`` object, and deletes what was not there.
        If others have replaced a function or another descriptor meanwhile, theirs stays; what is neither is restored
        whatever is there.
        """
        own = vars(owner).get(name, _ABSENT)
        if type(value) is FunctionType and _is_plain(own):
            replaced = (owner, name, _calling(value), own)
            setattr(owner, name, replaced[2])
            self._undo.append(replaced)
            self._undo_again.append(replaced)
            return
        if _is_code(value):
            undo = _Replacement(owner, name, value).undo
            self._undo.append(undo)
            self._undo_again.append(undo)
            return
        setattr(owner, name, value)
        self._undo.append(lambda: _restore(owner, name, own))

    def item(self, mapping: Any, key: Any, value: Any) -> None:
        """Set an item of a mapping such as ``os.environ``; None removes it."""
        previous = mapping.get(key, _ABSENT)

        def put(content: Any) -> None:
            if content is _ABSENT or content is None:
                mapping.pop(key, None)
            else:
                mapping[key] = content

        put(value)
        self._undo.append(lambda: put(previous))
        self._undo_again.append(lambda: put(previous) if mapping.get(key) == value else None)

    def then(self, undo: Callable[[], None], again: Callable[[], None] | None = None) -> None:
        """Add a callable to what :meth:`undo` does, and perhaps one to what :meth:`undo_again` does."""
        self._undo.append(undo)
        if again is not None:
            self._undo_again.append(again)

    def undo(self) -> None:
        """Revert everything, the last change first. Each step runs even if another fails; the first error is raised."""
        _run_last_first(self._undo)

    def undo_again(self) -> None:
        """Revert what others have put back since :meth:`undo`, such as a fixture that was torn down later."""
        _run_last_first(self._undo_again)


def _run_last_first(steps: list[_Step]) -> None:
    failure: BaseException | None = None
    while steps:
        step = steps.pop()
        try:
            if isinstance(step, tuple):
                _put_back(*step)
            else:
                step()
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure


def original_of(owner: Any, name: str) -> Callable[..., Any]:
    """Return what :meth:`Patches.set` would replace, as a function; that of a class takes the instance first.

    The function calls a descriptor or another's wrapper as Python does. Proxies of ``wrapt`` are passed over: they call
    the replacement, which is put inside them.
    """
    own = vars(owner).get(name, _ABSENT)
    return own if _is_plain(own) else _as_function(owner, _kept(owner, name)[1], name)


def _kept(owner: Any, name: str) -> tuple[Any, Any]:
    """Return what an owner has itself: the innermost proxy around it or None, and what is inside of that."""
    proxy, kept = None, vars(owner).get(name, _ABSENT)
    while _is_proxy(kept):
        proxy, kept = kept, kept.__wrapped__
    while type(kept) is FunctionType and _REPLACED in kept.__dict__:
        kept = kept.__dict__[_REPLACED]
    return proxy, kept


def _as_function(owner: Any, kept: Any, name: str) -> Callable[..., Any]:
    if type(kept) is FunctionType:
        return kept
    found = _inherited(owner, name) if kept is _ABSENT else kept
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    if type(found) is FunctionType or not isinstance(owner, type):
        function: Callable[..., Any] = found
        return function

    def call(instance: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        get = getattr(type(found), "__get__", None)  # A mock has none: Python calls it without the instance.
        return (found if get is None else get(found, instance, type(instance)))(*args, **kwargs)

    return call


def _inherited(owner: Any, name: str) -> Any:
    """Return what a class inherits, or the method of an instance, or the marker for nothing."""
    found = _ABSENT
    for base in owner.__mro__[1:] if isinstance(owner, type) else type(owner).__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            break
    get = getattr(type(found), "__get__", None)
    return found if isinstance(owner, type) or get is None else get(found, owner, type(owner))


class _Replacement:
    """A function or descriptor in another's place."""

    __slots__ = ("_before", "_function", "_name", "_owner", "_value")

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self._owner = owner
        self._name = name
        proxy, self._before = _kept(owner, name)
        if type(value) is FunctionType:
            self._function = self._value = _calling(value)
        elif isinstance(value, (staticmethod, classmethod)):
            self._function = _calling(value.__func__)
            self._value = type(value)(self._function)
        else:
            self._function, self._value = None, value  # It cannot be made to call the original later.
        if proxy is None:
            setattr(owner, name, self._value)
        else:
            proxy.__wrapped__ = self._value

    def undo(self) -> None:
        """Restore what was there, unless others have replaced it. From now on the replacement calls the original."""
        before = self._before
        original = _inherited(self._owner, self._name) if before is _ABSENT else before
        if self._function is not None and original is not _ABSENT:
            self._function.__closure__[0].cell_contents = _as_function(self._owner, original, self._name)
            self._function.__dict__[_REPLACED] = before
        own = kept = vars(self._owner).get(self._name, _ABSENT)
        if own is self._value:
            _restore(self._owner, self._name, before)
        _replace_in_proxies(kept, self._value, original)


def _put_back(owner: Any, name: str, function: FunctionType, before: FunctionType) -> None:
    """Restore a function as :meth:`_Replacement.undo` does. Most tests replace more than a hundred."""
    function.__closure__[0].cell_contents = before  # type: ignore[index]
    function.__dict__[_REPLACED] = before
    own = vars(owner).get(name)
    if own is function:
        setattr(owner, name, before)
    elif _is_proxy(own):
        _replace_in_proxies(own, function, before)


def _replace_in_proxies(kept: Any, value: Any, before: Any) -> None:
    while _is_proxy(kept):
        if kept.__wrapped__ is value:
            kept.__wrapped__ = before
        kept = kept.__wrapped__


def _calling(call: Callable[..., Any]) -> Any:
    """Return a function that calls another one, which is in its only cell."""

    def replacement(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return call(*args, **kwargs)

    return replacement


def _restore(owner: Any, name: str, own: Any) -> None:
    if own is not _ABSENT:
        setattr(owner, name, own)
    elif name in vars(owner):
        delattr(owner, name)


def _is_plain(own: Any) -> TypeGuard[FunctionType]:
    """Return whether this is a function that is in use."""
    return type(own) is FunctionType and _REPLACED not in own.__dict__


def _is_code(value: Any) -> bool:
    return type(value) is FunctionType or callable(value) or hasattr(type(value), "__get__")


def _is_proxy(kept: Any) -> bool:
    kind = type(kept)
    return kind is not FunctionType and _is_proxy_class(kind)  # type: ignore[arg-type]  # mypy holds that type[Any] has no hash.


@lru_cache(64)
def _is_proxy_class(kind: type) -> bool:
    return any(base.__name__ in _PROXIES for base in kind.__mro__)
