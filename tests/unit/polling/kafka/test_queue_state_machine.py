"""Whatever happens to a topic that is consumed as a queue: one fate per record, and no record twice at a time."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers.kafka import QUEUE, KafkaSimulation, failures, ids_of, place_of, poison
from helpers.simulation import Throttled
from helpers.trials import trials
from pytest_lambda_esm.timing import MICROSECONDS

PARTITIONS = 2
ONLY_SOME = {"Filters": [{"Pattern": json.dumps({"value": {"kept": [True]}})}]}
Place = tuple[str, int]


class QueueMachine(RuleBasedStateMachine):
    """A model beside the simulation: which records there are, how often they have failed, until when they run."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = KafkaSimulation(self.handle, partitions=PARTITIONS, pollers=2, **QUEUE)
        self.produced: list[Place] = []
        self.failed: dict[Place, int] = {}
        self.running: dict[Place, int] = {}
        self.healthy = False
        self.mode = "raise"
        self.polls = True
        self.simulation.poller.start()

    # --- the function ------------------------------------------------------------------------------------

    def handle(self, event: dict[str, Any]) -> Any:
        over, now = self.over(), self.simulation.clock.instant
        for each in ids_of(event):
            assert each not in over, f"{each} is over and comes again"
            assert self.running.get(each, 0) <= now, f"{each} is delivered twice at the same time"
        if self.mode == "throttle":
            self.mode = "raise"
            raise Throttled
        end = now + round(self.simulation.duration * MICROSECONDS)
        self.running.update(dict.fromkeys(ids_of(event), end))
        bad = [each for each, count in poison(event).items() if self.failed.get(each, 0) < count and not self.healthy]
        for each in bad:
            self.failed[each] = self.failed.get(each, 0) + 1
        if not bad:
            return None
        if self.mode == "report":
            return failures(*bad)
        raise ValueError(bad)

    def over(self) -> set[Place]:
        fates = self.simulation.poller.fates()
        return {place_of(fate.record) for fate in fates if fate.fate not in ("waiting", "in flight")}

    # --- what happens ------------------------------------------------------------------------------------

    @rule(
        partition=st.integers(0, PARTITIONS - 1),
        failures=st.integers(0, 9),
        count=st.integers(1, 4),
        kept=st.booleans(),
    )
    def put(self, partition: int, failures: int, count: int, kept: bool) -> None:
        for number in range(count):
            value = json.dumps({"failures": failures if number == 0 else 0, "kept": kept})
            self.produced += self.simulation.put(value, partition=partition)

    @rule(seconds=st.sampled_from([0, 0.25, 1, 10, 100]))
    def advance(self, seconds: float) -> None:
        self.simulation.clock.advance(seconds)

    @rule(mode=st.sampled_from(["raise", "report", "throttle"]))
    def answer_otherwise(self, mode: str) -> None:
        self.mode = mode

    @rule(seconds=st.sampled_from([0, 0.1, 2]))
    def take_time(self, seconds: float) -> None:
        self.simulation.duration = seconds

    @rule(limit=st.sampled_from([2, 3, 5]))
    def limit_deliveries(self, limit: int) -> None:
        self.simulation.cluster.configure_share_group("uuid", delivery_limit=limit)

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "BatchSize": st.sampled_from([1, 2, 3, 100]),
                "ProvisionedPollerConfig": st.sampled_from(
                    [
                        {},
                        *(
                            {"MinimumPollers": least, "MaximumPollers": most}
                            for least, most in ((1, 1), (2, 9), (4, 4))
                        ),
                    ]
                ),
                "BisectBatchOnFunctionError": st.booleans(),
                "MaximumRetryAttempts": st.sampled_from([0, 1, 3]),
                "MaximumRecordAgeInSeconds": st.sampled_from([-1, 60]),
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

    @rule(accepts=st.booleans())
    def refuse_or_accept(self, accepts: bool) -> None:
        if accepts:
            self.simulation.cluster.accept()
        else:
            self.simulation.cluster.refuse("authentication")

    # --- what holds --------------------------------------------------------------------------------------

    @invariant()
    def every_record_has_one_fate(self) -> None:
        places = [place_of(fate.record) for fate in self.simulation.poller.fates()]
        assert sorted(places) == sorted(self.produced)

    @invariant()
    def the_lag_counts_what_is_not_over(self) -> None:
        assert sum(self.simulation.poller.offset_lag().values()) == len(self.produced) - len(self.over())

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, everything comes to its end."""
        self.healthy = True
        self.mode = "raise"
        self.simulation.duration = 0
        self.simulation.cluster.accept()
        if not self.polls:
            self.simulation.poller.start()
        self.simulation.clock.run_until_idle(limit=7200)
        assert self.over() == set(self.produced)


TestQueueMode = QueueMachine.TestCase
TestQueueMode.settings = trials(examples=80, steps=30)
