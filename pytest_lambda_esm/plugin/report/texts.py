"""Texts for the page: cut to a size, without control characters, and without the values of secrets."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from pytest_lambda_esm.errors import printable

HIDDEN: Final = "[hidden]"

_SECRET: Final = r"secret|passw(?:or)?d|passphrase|credential|authorization|private_?key|api_?key|access_?key|token"
_SECRET_NAME: Final = re.compile(_SECRET, re.IGNORECASE)
_QUOTED: Final = re.compile(
    rf"((?:{_SECRET})\w{{0,40}}\\{{0,9}}[\"']?\s{{0,9}}[:=]\s{{0,9}})(\\{{0,9}}[\"'])(?!\2)(.{{1,2000}}?)\2",
    re.IGNORECASE,
)
"""``"password": "..."`` in JSON and in JSON inside of JSON, ``'password': '...'`` and ``password="..."``.

Repetitions are bounded: a long text without an end of any of this must not take long.
"""
_BARE: Final = re.compile(rf"((?:{_SECRET})\w{{0,40}}=)(?![\s\"'\\\[=])[^\s\"',;&)}}\]]+", re.IGNORECASE)
_BEARER: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,2000}", re.IGNORECASE)
_IN_URL: Final = re.compile(r"(://[^\s/:@\"']{0,200}:)[^\s/@\"']+@")

_SHORTEST_SECRET: Final = 4
_SHORTEST_VALUE: Final = 8
"""Shorter values, such as ``INFO``, are in many texts by chance."""
_DUMMIES: Final = frozenset(
    {"dummy", "fake", "foobar", "mock", "none", "password", "secret", "test", "testing", "true"}
)
"""What tests set as credentials, and what is therefore no secret."""

_MARGIN: Final = 2_000
_ALWAYS_KEPT: Final = 200
_MOST_ITEMS: Final = 100
_MOST_ITEMS_IN_ALL: Final = 500
_HIDDEN_MEMBERS: Final = frozenset({"Environment", "Variables", "ZipFile"})


class Mask:
    """Replaces what a page must not show.

    ``environments`` are the environment variables of functions: each value of eight characters or more is replaced by
    the variable's name. So is the value of a variable of this process whose name looks like a secret's, and anything
    that a text itself calls a password, a token and the like. Words of ``shown`` are no secret: they name a resource.
    """

    def __init__(self, environments: Iterable[Mapping[str, str]] = (), shown: Iterable[str] = ()) -> None:
        names: dict[str, str] = {}
        for name, value in os.environ.items():
            if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
                names[value] = name
        for variables in environments:
            for name, value in variables.items():
                if len(value) >= (_SHORTEST_SECRET if _SECRET_NAME.search(name) else _SHORTEST_VALUE):
                    names[value] = name
        public = "\n".join(shown) if names else ""
        found = {value: name for value, name in names.items() if value.lower() not in _DUMMIES and value not in public}
        escaped = {json.dumps(value)[1:-1]: name for value, name in found.items()}
        self._names = {**escaped, **found}
        longest_first = sorted(self._names, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """Return a text without secrets and control characters."""
        if self._values is not None:
            text = self._values.sub(lambda match: f"[${self._names[match[0]]}]", text)
        text = _QUOTED.sub(rf"\1\2{HIDDEN}\2", text)
        text = _IN_URL.sub(rf"\1{HIDDEN}@", text)
        text = _BARE.sub(rf"\1{HIDDEN}", text)
        return printable(_BEARER.sub(rf"\1 {HIDDEN}", text))

    def cut(self, text: str, most: int) -> str:
        """Return a text of about ``most`` characters: the beginning and the end of a longer one."""
        # What is far beyond the limit is not searched for secrets; the margin keeps those at the cut whole.
        return cut(self(cut(text, most + _MARGIN)), most)


def cut(text: str, most: int) -> str:
    """Return the beginning and the end of a text that is longer than ``most`` characters."""
    if len(text) <= most:
        return text
    head, tail = most - most // 4, most // 4
    return f"{text[:head]}\n… {len(text) - head - tail:,} characters left out …\n{text[-tail:]}"


def as_json(value: Any) -> str:
    """Return a value as indented JSON, or as Python writes it if JSON cannot express it."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def without_environment(value: Any) -> Any:
    """Return the parameters of a call without code, and without the values of variables and of secure parameters."""
    if isinstance(value, Mapping):
        hidden = _HIDDEN_MEMBERS | {"Value"} if value.get("Type") == "SecureString" else _HIDDEN_MEMBERS
        return {name: HIDDEN if name in hidden else without_environment(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_environment(each) for each in value]
    return value


class Texts:
    """The texts of one test, each once, until their sizes add up to ``budget`` characters; short ones always.

    ``items`` are the ids of its records, the first few hundred only.
    """

    def __init__(self, mask: Mask, budget: int) -> None:
        self.kept: list[str] = []
        self.items: list[str] = []
        self._mask = mask
        self._left = budget
        self._places: dict[str, int] = {}
        self._items: dict[str, int] = {}

    def add(self, text: str, most: int) -> int:
        """Return the index of a text, cut to ``most`` characters."""
        shown = self._mask.cut(text, most)
        if shown not in self._places:
            if len(shown) > self._left and len(shown) > _ALWAYS_KEPT:
                shown = f"… {len(text):,} characters, left out to keep the page small …"
            self._left -= len(shown)
        if shown not in self._places:
            self._places[shown] = len(self.kept)
            self.kept.append(shown)
        return self._places[shown]

    def items_of(self, ids: Iterable[str]) -> list[int]:
        """Return the indices of records, the first ones of many.

        A record of a stream is known by its sequence number: events of DynamoDB do not name the shard.
        """
        found = []
        for item in islice(ids, _MOST_ITEMS):
            key = item.rpartition(":")[2] if item.startswith("shardId-") else item
            if key not in self._items and len(self.items) < _MOST_ITEMS_IN_ALL:
                self._items[key] = len(self.items)
                self.items.append(self._mask(item))
            if key in self._items:
                found.append(self._items[key])
        return found
