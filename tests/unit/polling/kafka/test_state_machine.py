"""Whatever happens to a topic and its mapping: order per partition, one fate per record, no early commit."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from helpers.kafka import KafkaSimulation, ids_of
from helpers.machines import TopicMachine
from helpers.trials import trials


class KafkaMachine(TopicMachine):
    """A model beside the simulation: which records there are, how often they have failed, and which are over."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = KafkaSimulation(self.handle, partitions=self.PARTITIONS, pollers=2, MaximumRetryAttempts=2)
        self.members: list[Any] = []
        self.simulation.poller.start()

    def handle(self, event: dict[str, Any]) -> Any:
        ids = ids_of(event)
        over = self.over()
        for index, (place, offset) in enumerate(ids):
            assert (place, offset) not in over, f"{place}:{offset} is over and comes again"
            for before in ((place, number) for number in range(offset)):
                # What no filter accepts is committed together with the records behind it.
                rejected = before in self.unwanted and "FilterCriteria" in self.simulation.settings
                assert rejected or before in over or before in ids[:index], f"{place}:{offset} overtakes {before}"
        self.throttle_once()
        return self.answer(event)

    @rule(seconds=st.sampled_from([0, 1, 5]))
    def collect_longer(self, seconds: int) -> None:
        self.simulation.update(MaximumBatchingWindowInSeconds=seconds)

    @precondition(lambda self: len(self.members) < 3)
    @rule()
    def join(self) -> None:
        self.members.append(self.simulation.cluster.join("uuid", "orders"))

    @precondition(lambda self: self.members)
    @rule(data=st.data(), commits=st.booleans())
    def read(self, data: st.DataObject, commits: bool) -> None:
        member = data.draw(st.sampled_from(self.members))
        member.poll(2)
        if commits:
            member.commit()

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(self.members))
        self.members.remove(member)
        member.leave()

    # --- what holds --------------------------------------------------------------------------------------

    @invariant()
    def what_is_committed_is_over_and_the_other_way_round(self) -> None:
        committed = self.simulation.cluster.committed("uuid")
        over = self.over()
        for place, offset in self.produced:
            assert ((place, offset) in over) == (offset < committed.get(place, 0)), (place, offset, committed)

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, everything comes to its end."""
        for member in self.members:
            member.leave()
        self.finish()
        assert not any(self.simulation.poller.offset_lag().values())


TestKafka = KafkaMachine.TestCase
TestKafka.settings = trials(examples=80, steps=30)
