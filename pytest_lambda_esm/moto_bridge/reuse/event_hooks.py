"""botocore's event hooks: what it computes for every session and client, although the result is always the same.

A session registers 130 built-in handlers, and each client copies them. For each handler botocore inspects the
function's signature and translates the event's name with 60 aliases. Here

* a function's flags say whether it takes keyword arguments. Nothing is kept.
* the translation of a name is kept for the process. It depends on the name and the aliases; it is used only while an
  aliaser has the aliases that botocore came with.
* the tree of handlers is copied by a faster function, with the same result. Nothing is kept.

Which handlers there are, and when, is untouched: registering is botocore's own code, so a user's ``register`` on a
session or client, and changes of ``BUILTIN_HANDLERS``, have the effect that they always have.

Seen with botocore 1.36.0, 1.43.117, 1.44.5 and 1.44.8: ``hooks.accepts_kwargs``, ``EventAliaser._alias_event_name``,
``_event_aliases``, ``_alias_name_cache``; the nodes of ``_PrefixTrie`` with ``chunk``, ``children`` and ``values``.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import cache
from types import FunctionType, MethodType
from typing import Any, Final

from botocore import hooks
from botocore.hooks import EventAliaser, NodeList, _PrefixTrie
from botocore.utils import EVENT_ALIASES

from pytest_lambda_esm.patching import Patches, original_of

_LOGGER: Final = logging.getLogger("botocore.hooks")
_NODE: Final = {"chunk", "children", "values"}
_MOST_NAMES: Final = 20_000
"""The most names that are kept. Names consist of services and operations, unless a test makes them up."""


def install(patches: Patches) -> None:
    """Use the faster functions."""
    patches.set(hooks, "accepts_kwargs", _accepting(original_of(hooks, "accepts_kwargs")))
    patches.set(EventAliaser, "_alias_event_name", _translating(original_of(EventAliaser, "_alias_event_name")))
    patches.set(_PrefixTrie, "__copy__", _copying(original_of(_PrefixTrie, "__copy__")))


def _accepting(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def accepts_kwargs(function: Any) -> Any:
        plain = function.__func__ if type(function) is MethodType else function
        if type(plain) is FunctionType and "__signature__" not in plain.__dict__:
            return bool(plain.__code__.co_flags & inspect.CO_VARKEYWORDS)
        return original(function)

    return accepts_kwargs


@cache
def _names() -> dict[str, str]:
    """Return the translations so far, for botocore's own aliases."""
    return {}


@cache
def _own_aliases() -> dict[str, str]:
    """Return botocore's aliases as they were when a fake was first started."""
    return dict(EVENT_ALIASES)


def _translating(original: Callable[[Any, str], str]) -> Callable[[Any, str], str]:
    names, own_aliases = _names(), _own_aliases()

    def _alias_event_name(aliaser: Any, name: str) -> str:
        kept: dict[str, str] = aliaser._alias_name_cache
        found = kept.get(name)
        if found is not None:
            return found
        if aliaser._event_aliases != own_aliases or _LOGGER.isEnabledFor(logging.DEBUG):
            return original(aliaser, name)  # With other aliases, or a line in the log.
        found = names.get(name)
        if found is None:
            found = original(aliaser, name)
            if len(names) < _MOST_NAMES:
                names[name] = found
        else:
            kept[name] = found
        return found

    return _alias_event_name


def _copying(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def __copy__(trie: Any) -> Any:
        if type(trie) is not _PrefixTrie or trie.__dict__.keys() != {"_root"}:
            return original(trie)
        try:
            root = _copied(trie._root)
        except _OtherNodes:
            return original(trie)
        copied = _PrefixTrie.__new__(_PrefixTrie)
        copied._root = root
        return copied

    return __copy__


class _OtherNodes(Exception):
    """A tree has nodes that are not those of the known versions of botocore."""


def _copied(node: dict[str, Any]) -> dict[str, Any]:
    if node.keys() != _NODE:
        raise _OtherNodes
    values, children = node["values"], node["children"]
    return {
        "chunk": node["chunk"],
        "children": {name: _copied(child) for name, child in children.items()} if children else {},
        "values": values and NodeList(values[0][:], values[1][:], values[2][:]),
    }
