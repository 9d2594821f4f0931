"""The order in which a queue's messages are received.

A standard queue delivers messages as they become visible. A FIFO queue delivers them by group, and within a group in
the order of sending. A hidden message, in flight or waiting for the end of its visibility timeout after a failure,
blocks the messages behind it, but not those before it. That keeps the order when a message is retried.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple, Protocol, TypeAlias

Blockade: TypeAlias = tuple[str, Any, list[Any]]
"""A message group, a hidden message that blocks it, and the visible messages that wait for that one."""

Place: TypeAlias = tuple[int, int, Any]
"""When a message becomes visible (microseconds since the epoch), its number in the order of sending, the message."""


def visible_from(message: Any) -> int:
    """Return when a message becomes visible: after its sending, its delay and its last receipt, whichever is latest."""
    latest = message.visible_at
    if message.delayed_until > latest:
        latest = message.delayed_until
    sent = message.sent_timestamp
    return int(1000 * (sent if sent and sent > latest else latest) + 0.5)


class MessageOrder(Protocol):
    """The order of one queue's messages. Instants are in microseconds since the epoch."""

    def add(self, message: Any) -> None:
        """Add a message that was sent."""
        ...

    def discard(self, messages: Iterable[Any]) -> None:
        """Forget messages that have left the queue."""
        ...

    def moved(self, message: Any) -> None:
        """Note that a message's visibility has changed."""
        ...

    def available(self, now: int, limit: int) -> Iterator[Any]:
        """Iterate over the messages that may be received.

        The receiver must hide or remove each message before it asks for the next one. ``limit`` is how many it
        expects to take. Messages that were yielded have no place in the order until :meth:`next_visible` or this
        method is called.
        """
        ...

    def pass_over(self, now: int) -> None:
        """Move the first visible message behind the other visible ones, without receiving it."""
        ...

    def next_visible(self) -> int | None:
        """Return when the next message becomes or became visible, or None if there is no message."""
        ...

    def blocked(self, now: int) -> Iterable[Blockade]:
        """Return what blocks groups. A visible message waits for the one before it that is hidden longest."""
        ...


class StandardOrder(MessageOrder):
    """The order of a standard queue: messages come as they become visible.

    Each message has one valid place, stored in its attribute ``lambda_esm_place``, or none while a receiver has it.
    Most places are added in ascending order, since messages are sent and hidden in the order of time: those go into a
    deque. Only places out of order (delays, changed visibility) go into a heap. Invalid places are dropped when they
    come to the front.
    """

    def __init__(self) -> None:
        self._ascending: deque[Place] = deque()
        self._heap: list[Place] = []
        self._clean_up_above = 64
        self._taken: list[Place] = []
        self._sequence = 0

    def add(self, message: Any) -> None:
        """Add a message that was sent."""
        self._sequence += 1
        self._place(message, self._sequence)

    def discard(self, messages: Iterable[Any]) -> None:
        """Invalidate the places of messages that have left the queue."""
        for message in messages:
            message.lambda_esm_place = None

    def moved(self, message: Any) -> None:
        """Place a message again whose visibility has changed."""
        self._restore_taken()
        place = message.lambda_esm_place
        if place is not None and place[0] != visible_from(message):
            self._place(message, place[1])

    def available(self, now: int, limit: int) -> Iterator[Any]:
        """Iterate over the visible messages; ``limit`` of them are taken from the order at a time."""
        self._restore_taken()
        return chain.from_iterable(iter(lambda: self._take(now, limit), []))

    def pass_over(self, now: int) -> None:
        """Move the first message behind the others that are visible at ``now``, without receiving it."""
        self._restore_taken()
        for message in self._take(now, 1):
            self._taken.pop()
            message.visible_at = now / 1000
            self.add(message)

    def next_visible(self) -> int | None:
        """Return when the next message becomes or became visible, or None if there is no message."""
        self._restore_taken()
        ascending, heap = self._ascending, self._heap
        while ascending or heap:
            from_heap = bool(heap) and (not ascending or heap[0] < ascending[0])
            place = heap[0] if from_heap else ascending[0]
            due, sequence, message = place
            is_valid = message.lambda_esm_place is place
            if is_valid and message.visible_at <= (due + 1) / 1000:
                return due
            heapq.heappop(heap) if from_heap else ascending.popleft()
            if is_valid:
                self._place(message, sequence)
        return None

    def blocked(self, now: int) -> Iterable[Blockade]:
        """Return nothing: a standard queue has no groups that block."""
        return ()

    def _take(self, now: int, limit: int) -> list[Any]:
        ascending, heap, taken = self._ascending, self._heap, self._taken
        latest = (now + 1) / 1000
        first = len(taken)
        while len(taken) < first + limit:
            if heap and (not ascending or heap[0] < ascending[0]):
                place = heapq.heappop(heap)
            elif ascending:
                place = ascending.popleft()
            else:
                break
            due, sequence, message = place
            if due > now:
                ascending.appendleft(place)  # Even if it comes from the heap: no place is before it.
                break
            if message.lambda_esm_place is not place:
                continue
            if message.visible_at > latest:
                self._place(message, sequence)
                continue
            taken.append(place)
        return [place[2] for place in taken[first:]]

    def _restore_taken(self) -> None:
        if self._taken:
            for place in self._taken:
                if place[2].lambda_esm_place is place:  # Otherwise it was deleted.
                    self._place(place[2], place[1])
            self._taken.clear()

    def _place(self, message: Any, sequence: int) -> None:
        place = message.lambda_esm_place = (visible_from(message), sequence, message)
        ascending = self._ascending
        if not ascending or ascending[-1] < place:
            ascending.append(place)
        else:
            heapq.heappush(self._heap, place)
            if len(self._heap) > self._clean_up_above:
                self._clean_up()

    def _clean_up(self) -> None:
        # In place: the caller may hold a reference to the heap.
        self._heap[:] = [place for place in self._heap if place[2].lambda_esm_place is place]
        heapq.heapify(self._heap)
        self._clean_up_above = max(64, 4 * len(self._heap))


class FifoOrder(MessageOrder):
    """The order of a FIFO queue.

    Each group with messages has one valid place: when it opens, and the number of its first message. A group from
    which messages were yielded has none.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._members: dict[str, _Member] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._changed: dict[str, _Group] = {}
        self._taken: dict[str, _Group] = {}
        self._sequence = 0

    def add(self, message: Any) -> None:
        """Add a message that was sent at the end of its group."""
        self._sequence += 1
        key = str(message.group_id)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(key)
        group.messages.append((self._sequence, message))
        self._members[message.id] = _Member(group, self._sequence)
        if group.place is None:
            self._changed[key] = group

    def discard(self, messages: Iterable[Any]) -> None:
        """Forget messages that have left the queue."""
        for message in messages:
            member = self._members.pop(message.id, None)
            if member is not None:
                self._changed[member.group.key] = member.group

    def moved(self, message: Any) -> None:
        """Place the group of a message again whose visibility has changed."""
        member = self._members.get(message.id)
        if member is not None:
            self._changed[member.group.key] = member.group

    def available(self, now: int, limit: int) -> Iterator[Any]:
        """Iterate over the messages that may be received, whatever the ``limit``.

        As in SQS, as many as possible of one group come together, then those of the next group.
        """
        self._restore_taken()
        while (group := self._first()) is not None and group.place is not None and group.place[0] <= now:
            heapq.heappop(self._heap)
            group.place = None
            self._taken[group.key] = group
            for sequence, message in group.messages:
                if not self._is_here(message, sequence):
                    continue
                if visible_from(message) > now:
                    break
                yield message

    def pass_over(self, now: int) -> None:
        """No-op: nothing changes the order of a FIFO queue."""

    def next_visible(self) -> int | None:
        """Return when the next group opens or opened, or None if there is no message."""
        self._restore_taken()
        group = self._first()
        return group.place[0] if group is not None and group.place is not None else None

    def blocked(self, now: int) -> Iterable[Blockade]:
        """Return what blocks groups. A visible message waits for the one before it that is hidden longest."""
        for group in self._groups.values():
            yield from self._blocked_in(group, now)

    def _blocked_in(self, group: _Group, now: int) -> Iterator[Blockade]:
        blocker, until, waiting = None, now, list[Any]()
        for sequence, message in group.messages:
            visible = visible_from(message)
            if not self._is_here(message, sequence):
                continue
            if visible > until:
                if waiting:
                    yield group.key, blocker, waiting
                blocker, until, waiting = message, visible, []
            elif visible <= now and blocker is not None:
                waiting.append(message)
        if waiting:
            yield group.key, blocker, waiting

    def _restore_taken(self) -> None:
        self._changed.update(self._taken)
        self._taken.clear()

    def _first(self) -> _Group | None:
        self._place_changed()
        while self._heap:
            place = self._heap[0]
            group = self._groups.get(place[2])
            if group is not None and group.place is place:
                if visible_from(group.messages[0][1]) == place[0]:
                    return group
                self._changed[group.key] = group
                self._place_changed()
            else:
                heapq.heappop(self._heap)
        return None

    def _place_changed(self) -> None:
        for group in self._changed.values():
            if group.key in self._taken:
                continue
            while group.messages and not self._is_here(group.messages[0][1], group.messages[0][0]):
                group.messages.popleft()
            if group.messages:
                group.place = (visible_from(group.messages[0][1]), group.messages[0][0], group.key)
                heapq.heappush(self._heap, group.place)
            else:
                group.place = None
                self._groups.pop(group.key, None)
        self._changed.clear()

    def _is_here(self, message: Any, sequence: int) -> bool:
        member = self._members.get(message.id)
        return member is not None and member.sequence == sequence


class _Group:
    """One message group: its messages with their numbers, in the order of sending."""

    __slots__ = ("key", "messages", "place")

    def __init__(self, key: str) -> None:
        self.key = key
        self.messages: deque[tuple[int, Any]] = deque()
        self.place: tuple[int, int, str] | None = None


class _Member(NamedTuple):
    group: _Group
    sequence: int
