"""Read-only sequences over logs that keep growing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

Item = TypeVar("Item")


class EqualToLists(Sequence[Item]):
    """A sequence that equals a list, a tuple or another log with equal items."""

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (list, tuple, EqualToLists)):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]


class ReadOnlySequence(EqualToLists[Item]):
    """A log so far, as a sequence that tests can index, slice, iterate and compare with lists."""

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __repr__(self) -> str:
        return repr(self._items)
