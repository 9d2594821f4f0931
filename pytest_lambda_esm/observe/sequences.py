"""Read-only sequences over logs that keep growing. Each look first catches up with a wall clock that the user moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

Item = TypeVar("Item")


def nothing_to_catch_up() -> None:
    """No-op, for a log outside of a fake."""


class EqualToLists(Sequence[Item]):
    """A sequence that equals a list, a tuple or another log with equal items."""

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (list, tuple, EqualToLists)):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]


class ReadOnlySequence(EqualToLists[Item]):
    """A log so far, as a sequence that tests can index, slice, iterate and compare with lists."""

    def __init__(self, items: list[Item], catch_up: Callable[[], None] = nothing_to_catch_up) -> None:
        self._items = items
        self._catch_up = catch_up

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        self._catch_up()
        return self._items[index]

    def __len__(self) -> int:
        self._catch_up()
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        self._catch_up()
        return iter(self._items)

    def __repr__(self) -> str:
        self._catch_up()
        return repr(self._items)
