"""A handler's return value as JSON, as Lambda's Python runtime writes it.

The runtime's client (the package ``awslambdaric``) uses simplejson with its defaults, except for decimals. That differs
from the standard library: named tuples are objects, bytes are text in UTF-8, and a decimal keeps all of its digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, Final

DEEPEST: Final = 1_000
"""How deeply a value may be nested: about what the recursion limit of the runtime leaves."""
_ESCAPES_UNICODE: Final = re.compile(r"python(3\.([0-9]|1[01]))?$")
"""Runtimes before Python 3.12 escape all non-ASCII characters."""
_TOO_DEEP: Final = "maximum recursion depth exceeded while calling a Python object"
_Quote = Callable[[str], str]


def encode(value: Any, runtime: str) -> str:
    """Return a value as JSON.

    Raises TypeError, ValueError or RecursionError, with the runtime's texts, for a value that JSON cannot express, and
    whatever the value's own methods raise.
    """
    escapes = _escapes(runtime)
    try:
        plain = _is_plain(value)
    except RecursionError:
        plain = False
    if plain:  # Nearly all values are, and the standard library writes them several times as fast.
        return (_ASCII if escapes else _UNICODE).encode(value)
    return _Encoder(encode_basestring_ascii if escapes else encode_basestring).run(value)


def encode_error(payload: Any, runtime: str) -> str:
    """Return the payload of an error as JSON. Lone surrogates, which UTF-8 cannot express, are escaped (chosen)."""
    return encode(payload, runtime).encode("utf-8", "backslashreplace").decode()


@cache
def _escapes(runtime: str) -> bool:
    return _ESCAPES_UNICODE.match(runtime) is not None


_ASCII: Final = json.JSONEncoder()
_UNICODE: Final = json.JSONEncoder(ensure_ascii=False)
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def _is_plain(value: Any) -> bool:
    """Return whether the standard library writes a value in the same way."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        members = value.values()
    elif kind is list or kind is tuple:
        members = value
    else:
        return False
    for member in members:  # noqa: SIM110 - a generator would take twice as long
        if type(member) not in _PLAIN and not _is_plain(member):
            return False
    return True


class _Encoder:
    """Writes one value. It does not recurse, so the depth that it reaches does not depend on the test's stack."""

    def __init__(self, quote: _Quote) -> None:
        self._quote = quote
        self._pieces: list[str] = []
        self._open: list[tuple[Iterator[tuple[str, Any]], str, int]] = []
        self._containers: set[int] = set()

    def run(self, value: Any) -> str:
        """Return the JSON."""
        self._write("", value)
        while self._open:
            members, end, identity = self._open[-1]
            depth = len(self._open)
            for prefix, member in members:
                self._write(prefix, member)
                if len(self._open) > depth:
                    break
            else:
                self._open.pop()
                self._containers.remove(identity)
                self._pieces.append(end)
        return "".join(self._pieces)

    def _write(self, prefix: str, value: Any) -> None:
        """Write a value that is not a container, or the beginning of one that is."""
        text = _scalar(value, self._quote)
        if text is not None:
            self._pieces.append(prefix + text)
            return
        container = _container(value)
        if not container:
            self._pieces.append(prefix + ("{}" if isinstance(container, dict) else "[]"))
            return
        if id(value) in self._containers:
            raise ValueError("Circular reference detected")
        if len(self._open) >= DEEPEST:
            raise RecursionError(_TOO_DEEP)
        begin, end = "{}" if isinstance(container, dict) else "[]"
        self._pieces.append(prefix + begin)
        members = self._items(container) if isinstance(container, dict) else _elements(container)
        self._containers.add(id(value))
        self._open.append((members, end, id(value)))

    def _items(self, container: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        separator = ""
        for key, value in container.items():
            yield f"{separator}{self._quote(_key(key))}: ", value
            separator = ", "


def _elements(container: list[Any] | tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    separator = ""
    for value in container:
        yield separator, value
        separator = ", "


def _scalar(value: Any, quote: _Quote) -> str | None:
    """Return the JSON of a value that is neither an object nor an array, or None. Subclasses count as their base."""
    if isinstance(value, str):
        return quote(value)
    if value is None or value is True or value is False:
        return _CONSTANTS[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, bytes):
        return quote(str(value, "utf-8"))
    if isinstance(value, Decimal):
        return "NaN" if value.is_nan() else str(value)
    return None


_CONSTANTS: Final = {None: "null", True: "true", False: "false"}


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return str(key, "utf-8")
    if key is None or isinstance(key, (bool, int, float)):
        text = _scalar(key, str)
        assert text is not None
        return text
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _container(value: Any) -> dict[Any, Any] | list[Any] | tuple[Any, ...]:
    """Return the dictionary, list or tuple that stands for a value. Raises TypeError if there is none."""
    members = _as_dictionary(value)
    if members is not None:
        return members
    if isinstance(value, (dict, list, tuple)):
        return value
    kind = type(value)
    # While freezegun freezes time, dates and datetimes are of its classes; a handler in Lambda sees the real ones.
    name = kind.__name__.removeprefix("Fake").lower() if kind.__module__ == "freezegun.api" else kind.__name__
    raise TypeError(f"Object of type {name} is not JSON serializable")


def _as_dictionary(value: Any) -> dict[Any, Any] | None:
    """Return what a named tuple, or anything else with a method ``_asdict``, says of itself."""
    method = getattr(value, "_asdict", None)
    if not callable(method):
        return None
    try:
        members = method()
    except TypeError:
        return None
    if not isinstance(members, dict):
        raise TypeError(f"_asdict() must return a dict, not {type(members).__name__}")
    return members
