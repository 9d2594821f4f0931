"""Share groups: consumers that acquire single records, and acknowledge or release them (Kafka's KIP-932).

A record that is released is delivered again until the group's limit of deliveries; then it is archived. Kafka's default
limit is five, and a new group reads what arrives after it (``share.auto.offset.reset=latest``).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_lambda_esm.brokers.kafka.groups import Member, Place

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.kafka.partition import Partition

DELIVERY_LIMIT: Final = 5
"""Kafka's default of ``group.share.delivery.count.limit``."""

DELIVERY_LIMITS: Final = range(2, 26)
"""The limits of deliveries that a broker can be configured to accept."""

LOCKS: Final = 2000
"""How many records of a partition can be acquired at a time: Kafka's ``group.share.partition.max.record.locks``."""


@dataclass(slots=True)
class _SharedPartition:
    """The records of one partition for one group.

    ``start`` is the first offset that the group reads, ``position`` the first that it has never acquired. ``released``
    are the offsets before it that wait for another delivery, in order. ``deliveries`` counts those of the records that
    are not over. ``ended`` counts the records that are over.
    """

    start: int
    position: int
    acquired: set[int] = field(default_factory=set)
    released: list[int] = field(default_factory=list)
    deliveries: dict[int, int] = field(default_factory=dict)
    ended: int = 0


class ShareGroup:
    """One share group of a cluster. All of its members read all partitions of their topics."""

    def __init__(self, partitions: Callable[[str], Sequence[Partition]], changed: Callable[[], None]) -> None:
        self.delivery_limit = DELIVERY_LIMIT
        self.reads_from_start = False
        self._partitions = partitions
        self._changed = changed
        self._shared: dict[Place, _SharedPartition] = {}

    # --- members -----------------------------------------------------------------------------------------

    def join(self, member: Member) -> None:
        """Add a member: it reads all partitions."""

    def leave(self, member: Member) -> None:
        """Remove a member."""

    def settle(self) -> None:
        """Do nothing: partitions do not change hands."""

    def assigned(self, member: Member) -> list[Place]:
        """Return the partitions of a member's topics."""
        return [(topic, partition.number) for topic in member.topics for partition in self._partitions(topic)]

    # --- records -----------------------------------------------------------------------------------------

    def begin(self, place: Place, first: int) -> int:
        """Read a partition from an offset on, unless the group reads it already. Return where the group began."""
        if place not in self._shared:
            self._shared[place] = _SharedPartition(first, first)
        return self._shared[place].start

    def available(self, place: Place) -> Iterator[int]:
        """Return the offsets that can be acquired now or when they arrive, in order."""
        shared = self._shared[place]
        room = LOCKS - len(shared.acquired)
        for number, offset in enumerate(self._unacquired(place)):
            if number >= room:
                return
            yield offset

    def acquire(self, place: Place, offsets: Sequence[int]) -> None:
        """Deliver records to a member. No other member gets them until they are released."""
        shared = self._shared[place]
        for offset in offsets:
            shared.deliveries[offset] = shared.deliveries.get(offset, 0) + 1
        shared.acquired.update(offsets)
        shared.released = [offset for offset in shared.released if offset not in shared.acquired]
        shared.position = max(shared.position, offsets[-1] + 1)

    def acknowledge(self, place: Place, offsets: Iterable[int]) -> None:
        """End records: they were processed, or rejected."""
        shared = self._shared[place]
        for offset in offsets:
            shared.acquired.remove(offset)
            del shared.deliveries[offset]
            shared.ended += 1
        self._changed()

    def release(self, place: Place, offsets: Iterable[int]) -> list[int]:
        """Give records back, to be delivered again. Return those that are archived, because they reached the limit."""
        shared, archived = self._shared[place], []
        for offset in offsets:
            shared.acquired.remove(offset)
            if shared.deliveries[offset] >= self.delivery_limit:
                del shared.deliveries[offset]
                shared.ended += 1
                archived.append(offset)
            else:
                insort(shared.released, offset)
        self._changed()
        return archived

    def expire(self, place: Place, start: int) -> list[int]:
        """End the records before an offset that nobody has acquired. Return them."""
        shared = self._shared[place]
        gone = [offset for offset in self._unacquired(place) if offset < start]
        shared.released = [offset for offset in shared.released if offset >= start]
        for offset in gone:
            shared.deliveries.pop(offset, None)
        shared.ended += len(gone)
        shared.position = max(shared.position, start)
        return gone

    def over(self, place: Place) -> list[int]:
        """Return the offsets of the records that are over."""
        shared = self._shared[place]
        return [offset for offset in range(shared.start, shared.position) if offset not in shared.deliveries]

    def lag(self, place: Place) -> int:
        """Return how many records of a partition are not over."""
        shared = self._shared.get(place)
        end = self._end(place)
        return end - shared.start - shared.ended if shared is not None else 0

    def _unacquired(self, place: Place) -> Iterator[int]:
        shared = self._shared[place]
        yield from shared.released
        yield from range(shared.position, self._end(place))

    def _end(self, place: Place) -> int:
        return self._partitions(place[0])[place[1]].end
