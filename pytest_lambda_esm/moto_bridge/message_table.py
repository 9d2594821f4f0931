"""The messages of one of moto's queues, kept so that reading and deleting cost the same however deep it is.

moto keeps a plain list and walks all of it for each receive and delete. This table stands in its place and behaves
like that list where moto uses it: iteration in the order of sending, ``append``, ``remove``, length. moto itself
replaces the whole list now and then (delete, purge); the owner notices and builds a new table.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any


class MessageTable:
    """Messages in the order of sending, and the order in which they become visible.

    Instants are microseconds since the epoch. Each message has one valid place in the heap, or none while it is in
    the hands of a receiver; entries that are no longer valid are dropped when they surface.
    """

    def __init__(self, messages: Iterable[Any] = ()) -> None:
        self._messages: dict[str, Any] = {}
        self._due: dict[str, tuple[int, int]] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._taken: list[tuple[int, str]] = []
        self._sequence = 0
        for message in messages:
            self.append(message)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._messages.values()))

    def __len__(self) -> int:
        return len(self._messages)

    def __contains__(self, message: Any) -> bool:
        return self._messages.get(message.id) is message

    def get(self, message_id: str) -> Any | None:
        """The message with an id, or None."""
        return self._messages.get(message_id)

    def append(self, message: Any) -> None:
        """Add a message that was sent."""
        self._messages[message.id] = message
        self._sequence += 1
        self._place(message.id, visible_from(message), self._sequence)

    def remove(self, message: Any) -> None:
        """Take a message out; ValueError where it is not here, as a list does."""
        if message not in self:
            raise ValueError("the message is not in this queue")
        del self._messages[message.id]
        self._due.pop(message.id, None)

    def take(self, now: int) -> Any | None:
        """The message that has been visible longest, for a receiver that hides it or removes it; None: there is none.

        It has no place in the heap until somebody asks again what is visible.
        """
        entry = self._first()
        if entry is None or entry[0] > now:
            return None
        _, sequence, message_id = heapq.heappop(self._heap)
        del self._due[message_id]
        self._taken.append((sequence, message_id))
        return self._messages[message_id]

    def pass_over(self, now: int) -> None:
        """Let the message that is first in turn come last among those visible at ``now``, without receiving it."""
        if self._taken:
            self._place_taken()
        first = self._first()
        if first is not None and first[0] <= now:
            due, _, message_id = heapq.heappop(self._heap)
            self._messages[message_id].visible_at = now / 1000
            self._sequence += 1
            self._place(message_id, max(due, now), self._sequence)

    def next_visible(self) -> int | None:
        """When the next message is, was or will be visible; None when there is no message."""
        if self._taken:
            self._place_taken()
        entry = self._first()
        return entry[0] if entry is not None else None

    def moved(self, message: Any) -> None:
        """A message has become visible earlier than it would have been."""
        if self._taken:
            self._place_taken()
        if message in self:
            self._place(message.id, visible_from(message), self._due[message.id][1])

    def _first(self) -> tuple[int, int, str] | None:
        while self._heap:
            entry = self._heap[0]
            due, sequence, message_id = entry
            if self._due.get(message_id) != (due, sequence):
                heapq.heappop(self._heap)
                continue
            actual = visible_from(self._messages[message_id])
            if actual == due:
                return entry
            self._place(message_id, actual, sequence)
        return None

    def _place_taken(self) -> None:
        for sequence, message_id in self._taken:
            message = self._messages.get(message_id)
            if message is not None and message_id not in self._due:
                self._place(message_id, visible_from(message), sequence)
        self._taken.clear()

    def _place(self, message_id: str, due: int, sequence: int) -> None:
        self._due[message_id] = (due, sequence)
        heapq.heappush(self._heap, (due, sequence, message_id))
        if len(self._heap) > 64 and len(self._heap) > 4 * len(self._messages):
            self._heap = [(*place, key) for key, place in self._due.items()]
            heapq.heapify(self._heap)


def visible_from(message: Any) -> int:
    """When a message is visible: after its sending, its delay and its last receipt, whichever is latest."""
    return int(1000 * max(message.sent_timestamp or 0, message.delayed_until, message.visible_at) + 0.5)
