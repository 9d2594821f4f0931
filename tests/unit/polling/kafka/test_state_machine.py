"""Whatever happens to a topic and its mapping: order per partition, one fate per record, no early commit."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpers.kafka import KafkaSimulation, failures, ids_of
from helpers.memory_stream import Throttled

PARTITIONS = 3
ONLY_SOME = {"Filters": [{"Pattern": json.dumps({"value": {"kept": [True]}})}]}
Place = tuple[str, int]


def poison(event: dict[str, Any]) -> dict[Place, int]:
    """Return how often each record of an event is to fail, as its value says."""
    return {
        (place, record["offset"]): json.loads(base64.b64decode(record["value"]))["failures"]
        for place, records in event["records"].items()
        for record in records
    }


class KafkaMachine(RuleBasedStateMachine):
    """A model beside the simulation: which records there are, how often they have failed, and which are over."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = KafkaSimulation(self.handle, partitions=PARTITIONS, pollers=2, MaximumRetryAttempts=2)
        self.produced: list[Place] = []
        self.unwanted: set[Place] = set()
        self.failed: dict[Place, int] = {}
        self.healthy = False
        self.mode = "raise"
        self.polls = True
        self.members: list[Any] = []
        self.simulation.poller.start()

    # --- the function ------------------------------------------------------------------------------------

    def handle(self, event: dict[str, Any]) -> Any:
        ids = ids_of(event)
        over = self.over()
        for index, (place, offset) in enumerate(ids):
            assert (place, offset) not in over, f"{place}:{offset} is over and comes again"
            for before in ((place, number) for number in range(offset)):
                # What no filter accepts is committed together with the records behind it.
                rejected = before in self.unwanted and "FilterCriteria" in self.simulation.settings
                assert rejected or before in over or before in ids[:index], f"{place}:{offset} overtakes {before}"
        if self.mode == "throttle":
            self.mode = "raise"
            raise Throttled
        bad = [each for each, count in poison(event).items() if self.failed.get(each, 0) < count and not self.healthy]
        for each in bad:
            self.failed[each] = self.failed.get(each, 0) + 1
        if not bad:
            return None
        if self.mode == "report":
            return failures(*bad)
        raise ValueError(bad)

    def over(self) -> set[Place]:
        unfinished = ("waiting", "in flight")
        return {_place(fate.record) for fate in self.simulation.poller.fates() if fate.fate not in unfinished}

    # --- what happens ------------------------------------------------------------------------------------

    @rule(
        partition=st.integers(0, PARTITIONS - 1),
        failures=st.integers(0, 4),
        count=st.integers(1, 4),
        kept=st.booleans(),
    )
    def put(self, partition: int, failures: int, count: int, kept: bool) -> None:
        for number in range(count):
            value = json.dumps({"failures": failures if number == 0 else 0, "kept": kept})
            places = self.simulation.put(value, partition=partition)
            self.produced += places
            if not kept:
                self.unwanted.update(places)

    @rule(seconds=st.sampled_from([0, 0.25, 0.5, 1, 10, 100]))
    def advance(self, seconds: float) -> None:
        self.simulation.clock.advance(seconds)

    @rule(mode=st.sampled_from(["raise", "report", "throttle"]))
    def answer_otherwise(self, mode: str) -> None:
        self.mode = mode

    @rule(seconds=st.sampled_from([0, 0.1, 2]))
    def take_time(self, seconds: float) -> None:
        self.simulation.duration = seconds

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "BatchSize": st.sampled_from([1, 2, 3, 100]),
                "ProvisionedPollerConfig": st.sampled_from([{"MinimumPollers": number} for number in (1, 2, 3, 5)]),
                "BisectBatchOnFunctionError": st.booleans(),
                "MaximumRetryAttempts": st.sampled_from([0, 1, 3]),
                "MaximumRecordAgeInSeconds": st.sampled_from([-1, 60]),
                "MaximumBatchingWindowInSeconds": st.sampled_from([0, 1, 5]),
                "FunctionResponseTypes": st.sampled_from([[], ["ReportBatchItemFailures"]]),
                "FilterCriteria": st.sampled_from([{}, ONLY_SOME]),
                "DestinationConfig": st.sampled_from([{}, {"OnFailure": {"Destination": "arn:x:y:z"}}]),
            },
        )
    )
    def update(self, changes: dict[str, Any]) -> None:
        self.simulation.update(**changes)

    @rule()
    def toggle(self) -> None:
        self.polls = not self.polls
        if self.polls:
            self.simulation.poller.start()
        else:
            self.simulation.poller.stop()

    @rule(reason=st.sampled_from([None, "authentication"]))
    def refuse_or_accept(self, reason: str | None) -> None:
        if reason is None:
            self.simulation.cluster.accept()
        else:
            self.simulation.cluster.refuse(reason)

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
    def every_record_has_one_fate(self) -> None:
        places = [_place(fate.record) for fate in self.simulation.poller.fates()]
        assert sorted(places) == sorted(self.produced)

    @invariant()
    def what_is_committed_is_over_and_the_other_way_round(self) -> None:
        committed = self.simulation.cluster.committed("uuid")
        over = self.over()
        for place, offset in self.produced:
            assert ((place, offset) in over) == (offset < committed.get(place, 0)), (place, offset, committed)

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, everything comes to its end."""
        self.healthy = True
        self.mode = "raise"
        self.simulation.duration = 0
        for member in self.members:
            member.leave()
        self.simulation.cluster.accept()
        if not self.polls:
            self.simulation.poller.start()
        self.simulation.clock.run_until_idle(limit=7200)
        assert self.over() == set(self.produced)
        assert not any(self.simulation.poller.offset_lag().values())


def _place(record: str) -> Place:
    name, _, offset = record.rpartition(":")
    return name, int(offset)


TestKafka = KafkaMachine.TestCase
TestKafka.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
