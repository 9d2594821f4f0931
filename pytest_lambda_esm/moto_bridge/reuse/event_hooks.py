"""botocore's event hooks: what it computes for every session and client, although the result is always the same.

A session registers 130 built-in handlers, and each client copies them. For each handler botocore inspects the
function's signature and translates the event's name with 60 aliases. Here

* a function's flags say whether it takes keyword arguments. Nothing is kept.
* the translation of a name is kept for the process. It depends on the name and the aliases; it is used only while an
  aliaser has the aliases that botocore came with.
* the tree of built-in handlers is kept for the process, and each session begins with a copy of it
  (:mod:`.handler_tree`). It is built again when ``BUILTIN_HANDLERS`` has changed, to which moto and tests add. It is
  not used while somebody has replaced a function through which botocore registers a handler, nor for sessions and
  emitters of other classes, such as those of aiobotocore.

A user's ``register`` on a session or client is botocore's own, and so has the effect that it always has.

Seen with botocore 1.36.0, 1.43.117, 1.44.5 and 1.44.8: ``hooks.accepts_kwargs``, ``EventAliaser._alias_event_name``,
``_event_aliases``, ``_alias_name_cache``, ``_emitter``; ``Session._register_builtin_handlers``;
``HierarchicalEmitter._handlers``, ``_unique_id_handlers``.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType, MethodType
from typing import Any, Final

from botocore import handlers, hooks
from botocore.hooks import BaseEventHooks, EventAliaser, HierarchicalEmitter, _PrefixTrie
from botocore.session import Session
from botocore.utils import EVENT_ALIASES

from pytest_lambda_esm.moto_bridge.reuse.handler_tree import SharedTree, shared
from pytest_lambda_esm.patching import Patches, original_of

_LOGGER: Final = logging.getLogger("botocore.hooks")
_MOST_NAMES: Final = 20_000
"""The most names that are kept. Names consist of services and operations, unless a test makes them up."""

_REGISTERING: Final = (
    (Session, ("register", "get_component")),
    (EventAliaser, ("register", "register_first", "register_last")),
    (HierarchicalEmitter, ("_register", "_register_first", "_register_last", "_register_section")),
    (BaseEventHooks, ("register", "register_first", "register_last", "_verify_and_register")),
    (_PrefixTrie, ("append_item",)),
)
"""The methods through which a session registers its built-in handlers."""


@dataclass(slots=True)
class _Kept:
    """What the process keeps: translated names, the built-in handlers, and the tree that they make."""

    aliases: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    handlers: list[Any] = field(default_factory=list)
    tree: SharedTree | None = None


@cache
def _kept() -> _Kept:
    return _Kept(aliases=dict(EVENT_ALIASES))


def install(patches: Patches) -> None:
    """Use the faster functions."""
    kept = _kept()
    patches.set(hooks, "accepts_kwargs", _accepting(original_of(hooks, "accepts_kwargs")))
    patches.set(EventAliaser, "_alias_event_name", _translating(original_of(EventAliaser, "_alias_event_name"), kept))
    register = original_of(Session, "_register_builtin_handlers")
    patches.set(Session, "_register_builtin_handlers", _registering(register, kept))


def _accepting(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def accepts_kwargs(function: Any) -> Any:
        plain = function.__func__ if type(function) is MethodType else function
        if type(plain) is FunctionType and "__signature__" not in plain.__dict__:
            return bool(plain.__code__.co_flags & inspect.CO_VARKEYWORDS)
        return original(function)

    return accepts_kwargs


def _translating(original: Callable[[Any, str], str], kept: _Kept) -> Callable[[Any, str], str]:
    names = kept.names

    def _alias_event_name(aliaser: Any, name: str) -> str:
        own: dict[str, str] = aliaser._alias_name_cache
        found = own.get(name)
        if found is not None:
            return found
        if aliaser._event_aliases != kept.aliases or _logs():
            return original(aliaser, name)
        found = names.get(name)
        if found is None:
            found = original(aliaser, name)
            if len(names) < _MOST_NAMES:
                names[name] = found
        else:
            own[name] = found
        return found

    return _alias_event_name


def _logs() -> bool:
    """Whether a test may look at the lines that botocore logs for each translated name."""
    return _LOGGER.isEnabledFor(logging.DEBUG)


def _registering(original: Callable[[Any, Any], None], kept: _Kept) -> Callable[[Any, Any], None]:
    def _register_builtin_handlers(session: Any, events: Any) -> None:
        emitter = session._original_handler
        if not _is_new(session, emitter, kept) or not _registers_as_botocore() or _logs():
            original(session, events)
            return
        if kept.tree is None or kept.handlers != handlers.BUILTIN_HANDLERS:
            original(session, events)
            kept.tree = None if emitter._unique_id_handlers else shared(emitter._handlers)
            kept.handlers = list(handlers.BUILTIN_HANDLERS)
        if kept.tree is not None:
            emitter._handlers = kept.tree.__copy__()

    return _register_builtin_handlers


def _registers_as_botocore() -> bool:
    """Whether nobody has replaced a method through which a handler is registered: each is a function of its module."""
    return all(
        getattr(vars(owner).get(name), "__globals__", None) is vars(sys.modules[owner.__module__])
        for owner, names in _REGISTERING
        for name in names
    )


def _is_new(session: Any, emitter: Any, kept: _Kept) -> bool:
    """Whether a session and its emitter are botocore's, and nothing has been registered yet."""
    return (
        type(session) is Session
        and type(session._events) is EventAliaser
        and session._events._emitter is emitter
        and session._events._event_aliases == kept.aliases
        and type(emitter) is HierarchicalEmitter
        and type(emitter._handlers) is _PrefixTrie
        and not emitter._handlers._root["children"]
        and not emitter._unique_id_handlers
    )
