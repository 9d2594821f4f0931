"""What the state machines of pollers with lanes have in common."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.kafka import KafkaSimulation, failures, place_of, poison
from helpers.simulation import PolledMapping, Throttled

Place = tuple[str, int]


class PolledMachine(RuleBasedStateMachine):
    """A mapping whose function fails in some ``mode``, takes some time, and which is switched off and on."""

    simulation: PolledMapping

    def __init__(self) -> None:
        super().__init__()
        self.mode = "raise"
        self.polls = True

    @rule(mode=st.sampled_from(["raise", "report", "throttle"]))
    def answer_otherwise(self, mode: str) -> None:
        self.mode = mode

    @rule(seconds=st.sampled_from([0, 0.1, 2]))
    def take_time(self, seconds: float) -> None:
        self.simulation.duration = seconds

    @rule()
    def toggle(self) -> None:
        self.polls = not self.polls
        if self.polls:
            self.simulation.poller.start()
        else:
            self.simulation.poller.stop()


class TopicMachine(PolledMachine):
    """A topic whose records say how often they are to fail. ``unwanted`` are those that a filter rejects."""

    PARTITIONS = 3
    simulation: KafkaSimulation

    def __init__(self) -> None:
        super().__init__()
        self.produced: list[Place] = []
        self.unwanted: set[Place] = set()
        self.failed: dict[Place, int] = {}
        self.healthy = False

    def answer(self, event: dict[str, Any]) -> Any:
        """Answer as the records of an event and the mode say."""
        bad = [each for each, count in poison(event).items() if self.failed.get(each, 0) < count and not self.healthy]
        for each in bad:
            self.failed[each] = self.failed.get(each, 0) + 1
        if not bad:
            return None
        if self.mode == "report":
            return failures(*bad)
        raise ValueError(bad)

    def throttle_once(self) -> None:
        """Refuse this invocation, if the mode says so."""
        if self.mode == "throttle":
            self.mode = "raise"
            raise Throttled

    def over(self) -> set[Place]:
        """The records with a final fate."""
        unfinished = ("waiting", "in flight")
        return {place_of(fate.record) for fate in self.simulation.poller.fates() if fate.fate not in unfinished}

    @rule(place=st.integers(0, 5), failures=st.integers(0, 9), count=st.integers(1, 4), kept=st.booleans())
    def put(self, place: int, failures: int, count: int, kept: bool) -> None:

        for number in range(count):
            value = json.dumps({"failures": failures if number == 0 else 0, "kept": kept})
            places = self.simulation.put(value, partition=place % self.PARTITIONS)
            self.produced += places
            if not kept:
                self.unwanted.update(places)

    @rule(seconds=st.sampled_from([0, 0.25, 0.5, 1, 10, 100]))
    def advance(self, seconds: float) -> None:
        self.simulation.clock.advance(seconds)

    @rule(reason=st.sampled_from([None, "authentication"]))
    def refuse_or_accept(self, reason: str | None) -> None:
        if reason is None:
            self.simulation.cluster.accept()
        else:
            self.simulation.cluster.refuse(reason)

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "BatchSize": st.sampled_from([1, 2, 3, 100]),
                "BisectBatchOnFunctionError": st.booleans(),
                "MaximumRetryAttempts": st.sampled_from([0, 1, 3]),
                "MaximumRecordAgeInSeconds": st.sampled_from([-1, 60]),
                "FunctionResponseTypes": st.sampled_from([[], ["ReportBatchItemFailures"]]),
                "FilterCriteria": st.sampled_from(
                    [{}, {"Filters": [{"Pattern": json.dumps({"value": {"kept": [True]}})}]}]
                ),
                "DestinationConfig": st.sampled_from([{}, {"OnFailure": {"Destination": "arn:x:y:z"}}]),
            },
        )
    )
    def update(self, changes: dict[str, Any]) -> None:
        self.simulation.update(**changes)

    @rule(least=st.integers(1, 5), more=st.sampled_from([0, 8]))
    def scale(self, least: int, more: int) -> None:
        self.simulation.update(ProvisionedPollerConfig={"MinimumPollers": least, "MaximumPollers": least + more})

    @invariant()
    def every_record_has_one_fate(self) -> None:
        places = [place_of(fate.record) for fate in self.simulation.poller.fates()]
        assert sorted(places) == sorted(self.produced)

    def finish(self) -> None:
        """Let everything come to its end, with a healthy function."""
        self.healthy = True
        self.mode = "raise"
        self.simulation.duration = 0
        self.simulation.cluster.accept()
        if not self.polls:
            self.simulation.poller.start()
        self.simulation.clock.run_until_idle(limit=7200)
        assert self.over() == set(self.produced)
