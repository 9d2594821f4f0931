"""Consumer groups: committed offsets, members, and which member reads which partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.kafka.partition import Partition

Place: TypeAlias = "tuple[str, int]"
"""A topic and the number of one of its partitions."""


class Member(Protocol):
    """A consumer in a group."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics that it subscribes to; empty for those that the other members read."""
        ...

    def holds(self, place: Place) -> bool:
        """Whether it cannot give up a partition now, because records of it are being processed."""
        ...

    def on_assignment(self) -> None:
        """Called when its partitions have changed."""
        ...


class Group:
    """One consumer group of a cluster.

    Partitions are dealt out to the members of a topic one by one, in the order in which the members joined. A
    partition whose records are being processed changes hands when that is over, as with cooperative rebalancing.
    """

    def __init__(self, group_id: str, partitions: Callable[[str], Sequence[Partition]]) -> None:
        self.group_id = group_id
        self._partitions = partitions
        self._members: list[Member] = []
        self._owners: dict[Place, Member] = {}
        self._committed: dict[Place, int] = {}
        self._unsettled = False

    @property
    def offsets(self) -> dict[Place, int]:
        """The committed offsets: of each partition, the offset of the next record to read."""
        return dict(self._committed)

    def committed(self, place: Place) -> int | None:
        """Return the committed offset of a partition, or None if nothing was committed."""
        return self._committed.get(place)

    def commit(self, place: Place, offset: int) -> None:
        """Commit an offset."""
        self._committed[place] = offset

    def join(self, member: Member) -> None:
        """Add a member, and deal out the partitions."""
        if member not in self._members:
            self._members.append(member)
            self.rebalance()

    def leave(self, member: Member) -> None:
        """Remove a member, and deal out its partitions, except for those that it still processes."""
        if member in self._members:
            self._members.remove(member)
            self.rebalance()

    def assigned(self, member: Member) -> list[Place]:
        """Return the partitions that a member reads now."""
        return sorted(place for place, owner in self._owners.items() if owner is member)

    def settle(self) -> None:
        """Deal out the partitions that a member could not give up before."""
        if self._unsettled:
            self.rebalance()

    def rebalance(self) -> None:
        """Deal out all partitions, after a change of the members or the topics."""
        targets = self._targets()
        self._unsettled = False
        changed: list[Member] = []
        for place in sorted({*targets, *self._owners}):
            target, owner = targets.get(place), self._owners.get(place)
            if owner is target:
                continue
            if owner is not None and owner.holds(place):
                self._unsettled = True
                continue
            if target is None:
                del self._owners[place]
            else:
                self._owners[place] = target
            changed += [member for member in (owner, target) if member is not None and member not in changed]
        for member in changed:
            member.on_assignment()

    def _targets(self) -> dict[Place, Member]:
        subscribed = {topic for member in self._members for topic in member.topics}
        targets: dict[Place, Member] = {}
        for topic in sorted(subscribed):
            readers = [member for member in self._members if not member.topics or topic in member.topics]
            for partition in self._partitions(topic):
                targets[topic, partition.number] = readers[partition.number % len(readers)]
        return targets
