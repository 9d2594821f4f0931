"""In which order a FIFO queue hands out its messages: by group, and within a group in the order of sending.

A group is closed as long as one of its messages is hidden: in flight, or waiting for the end of its visibility
timeout after a failure. That is what keeps the order when a message has to be tried again.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias

Place: TypeAlias = tuple[int, int, Any]
"""When a message is visible (microseconds since the epoch), its number in the order of sending, the message."""


def visible_from(message: Any) -> int:
    """When a message is visible: after its sending, its delay and its last receipt, whichever is latest."""
    return int(1000 * max(message.sent_timestamp or 0, message.delayed_until, message.visible_at) + 0.5)


class MessageOrder(Protocol):
    """The order in which a queue's messages are received. Instants are microseconds since the epoch."""

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
        expects to take. Messages that were yielded have no place in the order until one of the other methods
        is called.
        """
        ...

    def pass_over(self, now: int) -> None:
        """Move the first visible message behind the other visible ones, without receiving it."""
        ...

    def next_visible(self) -> int | None:
        """Return when the next message is or was visible, or None if there is no message."""
        ...

    def blocked(self, now: int) -> Iterable[tuple[str, Any, int]]:
        """Return the blocked groups: the group, the message that blocks it longest, and how many wait behind it."""
        ...


class StandardOrder(MessageOrder):
    """Each message has one valid place, or none while it is in the hands of a receiver.

    The valid one stands at the message, as ``lambda_esm_place``. Most places are taken in ascending order, since
    messages arrive and are hidden in the order of time: those stand in a line. Only what comes out of turn (delays,
    changed visibility) goes into a heap. Places that are no longer valid are dropped when they surface.
    """

    def __init__(self) -> None:
        self._line: deque[Place] = deque()
        self._heap: list[Place] = []
        self._tidy_at = 64
        self._handed_out: list[Place] = []
        self._sequence = 0

    def add(self, message: Any) -> None:
        """A message was sent."""
        self._sequence += 1
        self._place(message, self._sequence)

    def discard(self, messages: Iterable[Any]) -> None:
        """Messages have left the queue."""
        for message in messages:
            message.lambda_esm_place = None

    def moved(self, message: Any) -> None:
        """A message's visibility has changed."""
        self._take_back()
        place = message.lambda_esm_place
        if place is not None and place[0] != visible_from(message):
            self._place(message, place[1])

    def available(self, now: int, limit: int) -> Iterator[Any]:
        """The messages that are visible, for a receiver that hides or removes each before it asks for the next.

        It wants about ``most`` of them: so many are looked for at a time. They stand nowhere in line until somebody
        asks again what is visible.
        """
        self._take_back()
        while taken := self._take(now, limit):
            yield from taken

    def pass_over(self, now: int) -> None:
        """Let the message that is first in turn come last among those visible at ``now``, without receiving it."""
        self._take_back()
        for message in self._take(now, 1):
            self._handed_out.pop()
            message.visible_at = now / 1000
            self.add(message)

    def next_visible(self) -> int | None:
        """When the next message is, was or will be visible; None when there is no message."""
        self._take_back()
        line, heap = self._line, self._heap
        while line or heap:
            from_heap = bool(heap) and (not line or heap[0] < line[0])
            place = heap[0] if from_heap else line[0]
            due, sequence, message = place
            is_valid = message.lambda_esm_place is place
            if is_valid and message.visible_at <= (due + 1) / 1000:
                return due
            heapq.heappop(heap) if from_heap else line.popleft()
            if is_valid:
                self._place(message, sequence)
        return None

    def blocked(self, now: int) -> Iterable[tuple[str, Any, int]]:
        """Return nothing: a standard queue has no groups that block."""
        return ()

    def _take(self, now: int, limit: int) -> list[Any]:
        line, heap, hand_out = self._line, self._heap, self._handed_out.append
        latest = (now + 1) / 1000
        taken: list[Any] = []
        while len(taken) < limit:
            if heap and (not line or heap[0] < line[0]):
                place = heapq.heappop(heap)
            elif line:
                place = line.popleft()
            else:
                break
            due, sequence, message = place
            if due > now:
                line.appendleft(place)  # Wherever it was, it is the first one.
                break
            if message.lambda_esm_place is not place:
                continue
            if message.visible_at > latest:
                self._place(message, sequence)
                continue
            hand_out(place)
            taken.append(message)
        return taken

    def _take_back(self) -> None:
        if self._handed_out:
            for place in self._handed_out:
                message = place[2]
                if message.lambda_esm_place is place:  # else it was deleted
                    self._place(message, place[1])
            self._handed_out.clear()

    def _place(self, message: Any, sequence: int) -> None:
        place = message.lambda_esm_place = (visible_from(message), sequence, message)
        if not self._line or self._line[-1] < place:
            self._line.append(place)
        else:
            heapq.heappush(self._heap, place)
            if len(self._heap) > self._tidy_at:
                self._tidy()

    def _tidy(self) -> None:
        # In place: whoever called has it in hand.
        self._heap[:] = [place for place in self._heap if place[2].lambda_esm_place is place]
        heapq.heapify(self._heap)
        self._tidy_at = max(64, 4 * len(self._heap))


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


class FifoOrder(MessageOrder):
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

    def available(self, now: int, limit: int) -> Iterator[Any]:
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
