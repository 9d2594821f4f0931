"""All mappings of one fake, by account and region, in the order of their creation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

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
