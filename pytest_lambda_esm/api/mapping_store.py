"""All mappings of one fake, by account and region, in the order of their creation."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.mappings.mapping import Mapping


class _Place:
    """The mappings that clients of one account and region can see."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.order: list[int] = []
        self.mappings: dict[int, Mapping] = {}


class MappingStore:
    """Owns the mappings. A deleted one stays readable for the test, and is unknown to clients."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], _Place] = {}
        self._everything: list[Mapping] = []

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._everything)

    def __len__(self) -> int:
        return len(self._everything)

    def add(self, mapping: Mapping) -> None:
        """Keep a new mapping."""
        self._everything.append(mapping)
        place = self._places.setdefault((mapping.account_id, mapping.region), _Place())
        number = len(self._everything)
        place.numbers[mapping.uuid] = number
        place.order.append(number)
        place.mappings[number] = mapping

    def forget(self, mapping: Mapping) -> None:
        """A mapping's deletion has ended: clients do not find it any more."""
        place = self._places[mapping.account_id, mapping.region]
        number = place.numbers.pop(mapping.uuid)
        del place.mappings[number]
        del place.order[bisect_left(place.order, number)]

    def forget_place(self, account_id: str, region: str) -> list[Mapping]:
        """moto has been reset there: the mappings that are lost with it."""
        place = self._places.pop((account_id, region), None)
        return list(place.mappings.values()) if place else []

    def find(self, account_id: str, region: str, uuid: str) -> Mapping | None:
        """A mapping that clients can see, or None."""
        place = self._places.get((account_id, region))
        number = place.numbers.get(uuid) if place else None
        return place.mappings[number] if place and number is not None else None

    def visible(self, account_id: str, region: str, after: int = 0) -> Iterator[tuple[int, Mapping]]:
        """The mappings that clients can see, with their numbers, behind the number given."""
        place = self._places.get((account_id, region))
        if place is not None:
            for at in range(bisect_right(place.order, after), len(place.order)):
                yield place.order[at], place.mappings[place.order[at]]


LARGEST_PAGE: Final = 100
"""ListEventSourceMappings returns at most this many, whatever MaxItems says (API reference)."""


class BadMarker(ValueError):
    """A marker that no list has given out."""


def selection(caller: Caller, params: ReadOnly[str, Any]) -> Callable[[Mapping], bool]:
    """Whether a mapping belongs to the list that was asked for. Chosen: a qualifier must be the mapping's own."""
    source = params.get("EventSourceArn")
    function = None
    if "FunctionName" in params:
        function = parse(params["FunctionName"], caller.account_id, caller.region).arn

    def selects(mapping: Mapping) -> bool:
        settings = mapping.requested
        return (source is None or settings.get("EventSourceArn") == source) and (
            function is None or settings["FunctionArn"] == function
        )

    return selects


def page(
    mappings: Iterator[tuple[int, Mapping]], selects: Callable[[Mapping], bool], size: int
) -> tuple[list[Mapping], str | None]:
    """The first ``size`` mappings that are wanted, and the marker of the next page, None at the end."""
    found: list[Mapping] = []
    last = 0
    for number, mapping in mappings:
        if not selects(mapping):
            continue
        if len(found) == size:
            return found, base64.b64encode(str(last).encode()).decode()
        found.append(mapping)
        last = number
    return found, None


def number_of(marker: str | None) -> int:
    """The number of the mapping behind which a page begins. Raises BadMarker."""
    if marker is None:
        return 0
    try:
        digits = base64.b64decode(marker, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise BadMarker(marker) from None
    if not digits.isdecimal() or len(digits) > 18:
        raise BadMarker(marker)
    return int(digits)
