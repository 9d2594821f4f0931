"""Another consumer of a group, which a test controls: it takes its share of the partitions from a mapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_lambda_esm.brokers.kafka.groups import Group, Place
from pytest_lambda_esm.brokers.kafka.partition import Partition, read
from pytest_lambda_esm.brokers.kafka.records import KafkaRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerAccess:
    """How a consumer reaches its cluster.

    ``check(call)`` raises if the cluster cannot be used any more; ``instant()`` is the time up to which it reads.
    """

    group: Group
    partition: Callable[[Place], Partition]
    check: Callable[[str], None]
    instant: Callable[[], int]


class GroupMember:
    """A member of a consumer group, made with ``cluster.join(group)``.

    It reads the partitions that the group assigns to it, from their committed offsets on, and commits when the test
    says so. What it has not committed is read again by whoever gets the partition next.
    """

    def __init__(self, access: ConsumerAccess, topics: Sequence[str]) -> None:
        self._access = access
        self._topics = tuple(topics)
        self._positions: dict[Place, int] = {}
        access.group.join(self)

    def __repr__(self) -> str:
        places = ", ".join(f"{topic}-{number}" for topic, number in self.assignment) or "no partition"
        return f"<GroupMember of {self._access.group.group_id}: {places}>"

    @property
    def topics(self) -> Sequence[str]:
        """The topics that it subscribes to; empty for those that the other members of its group read."""
        return self._topics

    @property
    def assignment(self) -> list[Place]:
        """The partitions that it reads now, as pairs of a topic and a number."""
        return self._access.group.assigned(self)

    def poll(self, limit: int = 500) -> list[KafkaRecord]:
        """Return the next records of its partitions, at most ``limit``, in order within each partition.

        Raises NotActive after :meth:`leave` and where the cluster cannot be used any more.
        """
        __tracebackhide__ = True
        self._access.check("GroupMember.poll")
        found: list[KafkaRecord] = []
        now = self._access.instant()
        for place in self.assignment:
            partition = self._access.partition(place)
            position = max(self._position(place), partition.start(now))
            end, _ = partition.fitting(position, min(partition.end, position + limit - len(found)), now, 1 << 60)
            found += [read(partition, record) for record in partition.stored(range(position, end))]
            if end > position:
                self._positions[place] = end
        return found

    def commit(self) -> None:
        """Commit what :meth:`poll` has returned of the partitions that it still reads."""
        __tracebackhide__ = True
        self._access.check("GroupMember.commit")
        for place in self.assignment:
            if place in self._positions:
                self._access.group.commit(place, self._positions[place])

    def leave(self) -> None:
        """Leave the group: the other members take over its partitions."""
        __tracebackhide__ = True
        self._access.check("GroupMember.leave")
        self._access.group.leave(self)

    def holds(self, place: Place) -> bool:
        """Whether it cannot give up a partition now: it always can.

        :meta private:
        """
        return False

    def on_assignment(self) -> None:
        """Forget the positions in partitions that others read now.

        :meta private:
        """
        mine = self.assignment
        self._positions = {place: offset for place, offset in self._positions.items() if place in mine}

    def _position(self, place: Place) -> int:
        return self._positions.get(place, self._access.group.committed(place) or 0)
