"""All mappings of a fake, by account and region, and the pages of ListEventSourceMappings.

Mappings are numbered in the order of their creation. The marker of a page is the number of its last mapping.
"""

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

LARGEST_PAGE: Final = 100
"""ListEventSourceMappings returns at most this many mappings, even if MaxItems is larger (API reference)."""


class MappingStore:
    """The mappings of a fake. Deleted mappings stay available to the test, but clients do not see them."""

    def __init__(self) -> None:
        self._visible: dict[tuple[str, str], _Visible] = {}
        self._all: list[Mapping] = []

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, mapping: Mapping) -> None:
        """Add a new mapping."""
        self._all.append(mapping)
        visible = self._visible.setdefault((mapping.account_id, mapping.region), _Visible())
        number = len(self._all)
        visible.numbers[mapping.uuid] = number
        visible.order.append(number)
        visible.mappings[number] = mapping

    def forget(self, mapping: Mapping) -> None:
        """Hide a mapping from clients, because its deletion is complete."""
        visible = self._visible[mapping.account_id, mapping.region]
        number = visible.numbers.pop(mapping.uuid)
        del visible.mappings[number]
        del visible.order[bisect_left(visible.order, number)]

    def forget_place(self, account_id: str, region: str) -> list[Mapping]:
        """Hide and return the mappings of an account and region, because moto has been reset."""
        visible = self._visible.pop((account_id, region), None)
        return list(visible.mappings.values()) if visible else []

    def find(self, account_id: str, region: str, uuid: str) -> Mapping | None:
        """Return a mapping that clients can see, or None."""
        visible = self._visible.get((account_id, region))
        number = visible.numbers.get(uuid) if visible else None
        return visible.mappings[number] if visible and number is not None else None

    def visible(self, account_id: str, region: str, after: int = 0) -> Iterator[tuple[int, Mapping]]:
        """Iterate over the mappings that clients can see, with their numbers, after the number given."""
        visible = self._visible.get((account_id, region))
        if visible is not None:
            for index in range(bisect_right(visible.order, after), len(visible.order)):
                number = visible.order[index]
                yield number, visible.mappings[number]

    def shown(self) -> Iterator[Mapping]:
        """Iterate over the mappings that clients can see, in all accounts and regions."""
        for visible in self._visible.values():
            yield from visible.mappings.values()


class _Visible:
    """The mappings that clients of one account and region can see."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.order: list[int] = []
        self.mappings: dict[int, Mapping] = {}


# --- pages of a list ---------------------------------------------------------------------------------------


class BadMarker(ValueError):
    """A marker that no list has returned."""


def selection(caller: Caller, params: ReadOnly[str, Any]) -> Callable[[Mapping], bool]:
    """Return the test whether a mapping is in the requested list. Chosen: a qualifier has to be the mapping's."""
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
    """Return the first ``size`` selected mappings, and the marker of the next page (None at the end)."""
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
    """Return the number of the mapping after which a page starts. Raises BadMarker."""
    if marker is None:
        return 0
    try:
        digits = base64.b64decode(marker, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise BadMarker(marker) from None
    if not digits.isdecimal() or len(digits) > 18:
        raise BadMarker(marker)
    return int(digits)
