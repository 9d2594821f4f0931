"""The lanes of a picture: calls, event sources, mappings, functions, destinations; and which lane an entry is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_lambda_esm.observe.timeline import Entry, shortened

if TYPE_CHECKING:
    from pytest_lambda_esm.mappings.mapping import Mapping

API: Final = "api"
SOURCE: Final = "source"
MAPPING: Final = "mapping"
FUNCTION: Final = "function"
DESTINATION: Final = "destination"

_OF_FUNCTIONS: Final = frozenset({"invocation", "result", "throttle", "retry"})
_FUNCTION_ARN: Final = re.compile(r"arn:[\w-]+:lambda:[\w-]*:\d*:function:([\w-]+)")
_UUID: Final = re.compile(r"(?:mapping )?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$")


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane: its kind, what identifies it (an ARN, a UUID, a function's name), and its label."""

    kind: str
    key: str
    label: str


class Lanes:
    """The lanes of one test, those of a mapping next to each other, in the direction in which records flow."""

    def __init__(self, mappings: Iterable[Mapping], entries: Sequence[Entry]) -> None:
        self._places: dict[tuple[str, str], int] = {}
        self.lanes: list[Lane] = []
        self._add(API, "", "calls and sleeps")
        for mapping in mappings:
            self._add(SOURCE, mapping.source_arn, shortened(mapping.source_arn))
            self._add(MAPPING, mapping.uuid, mapping.uuid[:8])
            function = _function_of(mapping.function_arn)
            self._add(FUNCTION, function, function)
        for kind in (SOURCE, MAPPING, FUNCTION, DESTINATION):
            for entry in entries:
                if _lane_of(entry)[0] == kind:
                    self.of(entry)

    def of(self, entry: Entry) -> int:
        """Return the index of an entry's lane."""
        kind, key = _lane_of(entry)
        if kind == DESTINATION and (SOURCE, key) in self._places:
            kind = SOURCE
        label = key[:8] if kind == MAPPING else shortened(key)
        return self._add(kind, key, label)

    def of_function(self, name: str) -> int:
        """Return the index of a function's lane."""
        return self._add(FUNCTION, name, name)

    def _add(self, kind: str, key: str, label: str) -> int:
        place = self._places.setdefault((kind, key), len(self.lanes))
        if place == len(self.lanes):
            self.lanes.append(Lane(kind, key, label))
        return place


def _lane_of(entry: Entry) -> tuple[str, str]:
    """Return the kind and the key of an entry's lane."""
    subject = entry.subject
    if entry.kind in _OF_FUNCTIONS or _FUNCTION_ARN.match(subject):
        return FUNCTION, _function_of(subject)
    mapping = _UUID.match(subject)
    if mapping:
        return MAPPING, mapping[1]
    if entry.kind == "delivery":
        return DESTINATION, subject
    if subject.startswith("arn:") or entry.kind in ("poll", "fate"):
        return SOURCE, subject
    return API, ""


def _function_of(name: str) -> str:
    """Return the name of a function from its ARN or name, with or without a qualifier."""
    found = _FUNCTION_ARN.match(name)
    return found[1] if found else name
