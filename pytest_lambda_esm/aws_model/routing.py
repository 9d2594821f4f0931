"""Finds the operation for the method and path of a request.

Routes are the URI templates of botocore's service model. Paths may be percent-encoded or raw; the trailing slash that
botocore 1.38 and older send is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote

from botocore.model import OperationModel

_ANY: Final = "{}"
_LABEL: Final = re.compile(r"\{(?P<name>\w+)(?P<greedy>\+?)\}")


@dataclass(frozen=True, slots=True)
class Match:
    """The operation of a request, and its URI members (percent-decoded) by member name."""

    operation: OperationModel
    uri: dict[str, str]


class Router:
    """The routes of a service's operations. Those of a method and a date are compiled once, when one is asked for."""

    def __init__(self, operations: Iterable[OperationModel]) -> None:
        self._operations: dict[tuple[str, str], list[OperationModel]] = {}
        self._routes: dict[tuple[str, str], list[_Route]] = {}
        for operation in operations:
            # Lambda's paths start with a date, so the first segment leaves few routes to try.
            key = operation.http["method"], _literal(_first_segment(operation.http["requestUri"]))
            self._operations.setdefault(key, []).append(operation)

    def match(self, method: str, path: str) -> Match | None:
        """Return the operation of this method and path, or None.

        ``path`` may include the query string, which matters only for the few operations whose template has one. If
        several routes match, the one with the most literal characters wins.
        """
        return next(self.matches(method, path), None)

    def matches(self, method: str, path: str) -> Iterator[Match]:
        """Return every operation of this method and path, that with the most literal characters first."""
        path, _, query = path.partition("?")
        path = path.rstrip("/")
        method, first = method.upper(), _first_segment(path)
        for route in (*self._candidates(method, first), *self._candidates(method, _ANY)):
            found = route.path.fullmatch(path)
            if found is not None and (not route.query or route.has_query(query)):
                texts = (unquote(text) if "%" in text else text for text in found.groups())
                yield Match(route.operation, dict(zip(route.members, texts, strict=True)))

    def _candidates(self, method: str, segment: str) -> list[_Route]:
        """Return the routes of a method and a first segment, the one with the most literal characters first."""
        key = method, segment
        routes = self._routes.get(key)
        if routes is None:
            if key not in self._operations:
                return []
            found = map(_route, self._operations[key])
            routes = sorted(found, key=lambda route: route.literal_length, reverse=True)
            self._routes[key] = routes
        return routes


@dataclass(frozen=True, slots=True)
class _Route:
    operation: OperationModel
    path: re.Pattern[str]
    members: tuple[str, ...]
    query: Mapping[str, list[str]]
    literal_length: int

    def has_query(self, query: str) -> bool:
        return self.query.items() <= parse_qs(query, keep_blank_values=True).items()


def _route(operation: OperationModel) -> _Route:
    template, _, query = operation.http["requestUri"].partition("?")
    template = template.rstrip("/")
    wire_names = {
        shape.serialization.get("name", name): name
        for name, shape in (operation.input_shape.members if operation.input_shape else {}).items()
        if shape.serialization.get("location") == "uri"
    }
    parts = []
    members = []
    position = 0
    for label in _LABEL.finditer(template):
        parts += [re.escape(template[position : label.start()]), "(.+)" if label["greedy"] else "([^/]+)"]
        members.append(wire_names[label["name"]])
        position = label.end()
    parts.append(re.escape(template[position:]))
    return _Route(
        operation=operation,
        path=re.compile("".join(parts), re.DOTALL),
        members=tuple(members),
        query=parse_qs(query, keep_blank_values=True),
        literal_length=len(_LABEL.sub("", template)) + len(query),
    )


def _literal(segment: str) -> str:
    """Return the first segment of a template, or the mark for a variable one, as S3's ``{Bucket}`` is."""
    segment = segment.partition("?")[0]
    return _ANY if "{" in segment else segment


def _first_segment(path: str) -> str:
    return path[1:].partition("/")[0]
