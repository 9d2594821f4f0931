"""In which order a standard queue hands out its messages: the one that has been visible longest comes first."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeAlias

Place: TypeAlias = tuple[int, int, Any]
"""When a message is visible (microseconds since the epoch), its number in the order of sending, the message."""


def visible_from(message: Any) -> int:
    """When a message is visible: after its sending, its delay and its last receipt, whichever is latest."""
    return int(1000 * max(message.sent_timestamp or 0, message.delayed_until, message.visible_at) + 0.5)


class VisibilityOrder:
    """Each message has one valid place, or none while it is in the hands of a receiver.

    Most places are taken in ascending order, since messages arrive and are hidden in the order of time: those stand
    in a line. Only what comes out of turn (delays, changed visibility) goes into a heap. Places that are no longer
    valid are dropped when they surface.
    """

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._line: deque[Place] = deque()
        self._heap: list[Place] = []
        self._handed_out: dict[str, tuple[int, Any]] = {}
        self._sequence = 0

    def add(self, message: Any) -> None:
        """A message was sent."""
        self._sequence += 1
        self._place(message, self._sequence)

    def discard(self, message: Any) -> None:
        """A message has left the queue."""
        if self._handed_out.pop(message.id, None) is None:
            self._places.pop(message.id, None)

    def moved(self, message: Any) -> None:
        """A message's visibility has changed."""
        place = self._places.get(message.id)
        if place is not None:
            self._place(message, place[1])

    def available(self, now: int) -> Iterator[Any]:
        """The messages that are visible, for a receiver that hides or removes each before it asks for the next.

        Those it has got have no place until somebody asks again what is visible.
        """
        self._take_back()
        line, heap, places, handed_out = self._line, self._heap, self._places, self._handed_out
        while line or heap:
            from_heap = bool(heap) and (not line or heap[0] < line[0])
            place = heap[0] if from_heap else line[0]
            due, sequence, message = place
            if due > now:
                return
            heapq.heappop(heap) if from_heap else line.popleft()
            if places.get(message.id) is not place:
                continue
            if message.visible_at * 1000 > now + 1:
                self._place(message, sequence)
                continue
            del places[message.id]
            handed_out[message.id] = (sequence, message)
            yield message

    def pass_over(self, now: int) -> None:
        """Let the message that is first in turn come last among those visible at ``now``, without receiving it."""
        for message in self.available(now):
            del self._handed_out[message.id]
            message.visible_at = now / 1000
            self.add(message)
            return

    def next_visible(self) -> int | None:
        """When the next message is, was or will be visible; None when there is no message."""
        self._take_back()
        place = self._first()
        return place[0] if place is not None else None

    def _first(self) -> Place | None:
        line, heap, places = self._line, self._heap, self._places
        while line or heap:
            place = heap[0] if heap and (not line or heap[0] < line[0]) else line[0]
            message = place[2]
            valid = places.get(message.id) is place
            if valid and visible_from(message) == place[0]:
                return place
            line.popleft() if line and line[0] is place else heapq.heappop(heap)
            if valid:
                self._place(message, place[1])
        return None

    def _take_back(self) -> None:
        if self._handed_out:
            for sequence, message in self._handed_out.values():
                self._place(message, sequence)
            self._handed_out.clear()

    def _place(self, message: Any, sequence: int) -> None:
        place = (visible_from(message), sequence, message)
        self._places[message.id] = place
        if not self._line or self._line[-1] < place:
            self._line.append(place)
        else:
            heapq.heappush(self._heap, place)
            if len(self._heap) > 64 and len(self._heap) > 4 * len(self._places):
                self._heap = [entry for entry in self._heap if self._places.get(entry[2].id) is entry]
                heapq.heapify(self._heap)
