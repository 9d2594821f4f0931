"""In which order a FIFO queue hands out its messages: by group, and within a group in the order of sending.

A group is closed as long as one of its messages is hidden: in flight, or waiting for the end of its visibility
timeout after a failure. That is what keeps the order when a message has to be tried again.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pytest_lambda_esm.moto_bridge.visibility_order import visible_from


class _Group:
    """The messages of one group: ``line`` in the order of sending, with numbers, ``hidden`` those handed out."""

    __slots__ = ("hidden", "key", "line", "place")

    def __init__(self, key: str) -> None:
        self.key = key
        self.line: deque[tuple[int, Any]] = deque()
        self.hidden: dict[str, Any] = {}
        self.place: tuple[int, int, str] | None = None


class _Member(NamedTuple):
    group: _Group
    sequence: int


class GroupOrder:
    """Each group with messages has one valid place: when it opens, and the number of its first message."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._members: dict[str, _Member] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._changed: dict[str, _Group] = {}
        self._handed_out: dict[str, _Group] = {}
        self._sequence = 0

    def add(self, message: Any) -> None:
        """A message was sent."""
        self._sequence += 1
        key = str(message.group_id)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(key)
        group.line.append((self._sequence, message))
        self._members[message.id] = _Member(group, self._sequence)
        if group.place is None:
            self._changed[key] = group

    def discard(self, messages: Iterable[Any]) -> None:
        """Messages have left the queue."""
        for message in messages:
            member = self._members.pop(message.id, None)
            if member is not None:
                member.group.hidden.pop(message.id, None)
                self._changed[member.group.key] = member.group

    def moved(self, message: Any) -> None:
        """A message's visibility has changed."""
        member = self._members.get(message.id)
        if member is not None:
            self._changed[member.group.key] = member.group

    def available(self, now: int, most: int) -> Iterator[Any]:
        """The messages that may be received, for a receiver that hides or removes each before it asks for the next.

        However many it wants (``most``), as many as possible of one group come together, as SQS does it; then those of
        the next group. A group stands nowhere until somebody asks again what is visible.
        """
        self._take_back()
        while (group := self._first()) is not None and group.place is not None and group.place[0] <= now:
            heapq.heappop(self._heap)
            group.place = None
            self._handed_out[group.key] = group
            group.hidden.clear()
            for sequence, message in group.line:
                if not self._is_here(message, sequence):
                    continue
                if visible_from(message) > now:
                    break
                group.hidden[message.id] = message
                yield message

    def pass_over(self, now: int) -> None:
        """Nothing: the order of a FIFO queue holds whatever happens."""

    def next_visible(self) -> int | None:
        """When the next group opens, or since when it is open; None when there is no message."""
        self._take_back()
        group = self._first()
        return group.place[0] if group is not None and group.place is not None else None

    def blocked(self, now: int) -> Iterator[tuple[str, Any, int]]:
        """The groups that are closed: the group, the message that closes it longest, and how many wait behind."""
        for group in self._groups.values():
            hidden = [message for message in group.hidden.values() if visible_from(message) > now]
            if hidden:
                waiting = sum(self._is_here(message, sequence) for sequence, message in group.line) - len(hidden)
                yield group.key, max(hidden, key=visible_from), waiting

    def _take_back(self) -> None:
        self._changed.update(self._handed_out)
        self._handed_out.clear()

    def _first(self) -> _Group | None:
        self._place_changed()
        while self._heap:
            place = self._heap[0]
            group = self._groups.get(place[2])
            if group is not None and group.place is place:
                if self._opens(group) == place[0]:
                    return group
                self._changed[group.key] = group
                self._place_changed()
            else:
                heapq.heappop(self._heap)
        return None

    def _place_changed(self) -> None:
        for group in self._changed.values():
            if group.key in self._handed_out:
                continue
            while group.line and not self._is_here(group.line[0][1], group.line[0][0]):
                group.line.popleft()
            if group.line:
                group.place = (self._opens(group), group.line[0][0], group.key)
                heapq.heappush(self._heap, group.place)
            else:
                group.place = None
                self._groups.pop(group.key, None)
        self._changed.clear()

    def _opens(self, group: _Group) -> int:
        first = visible_from(group.line[0][1])
        return (
            max((visible_from(message) for message in group.hidden.values()), default=first) if group.hidden else first
        )

    def _is_here(self, message: Any, sequence: int) -> bool:
        member = self._members.get(message.id)
        return member is not None and member.sequence == sequence
