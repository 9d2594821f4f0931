"""Whatever happens to a stream and its mapping, the order per key is kept and every record has one fate."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from helpers.machines import PolledMachine
from helpers.memory_stream import Simulation, names_of
from helpers.simulation import Throttled
from helpers.trials import Interrupter, trials

KEYS = st.sampled_from("abcdef")
TO_A_QUEUE = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:failures"}}
ONLY_SOME = {"Filters": [{"Pattern": json.dumps({"partitionKey": [{"anything-but": ["c"]}]})}]}


class StreamMachine(PolledMachine):
    """A model that runs alongside the simulation: the records, their order per key, and which are finished."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation(self.handle, shards=2, MaximumRetryAttempts=2)
        self.ids: dict[str, str] = {}
        self.of_key: dict[str, list[str]] = {}
        self.failures_left: dict[str, int] = {}
        self.interrupter = Interrupter()
        self.simulation.strike = self.simulation.outbox.strike = self.look
        self.simulation.poller.start()

    # --- the function ------------------------------------------------------------------------------------

    def look(self, step: str) -> None:
        self.every_record_has_one_fate()
        self.interrupter.at(step)

    def handle(self, event: dict[str, Any]) -> Any:
        names = names_of(event)
        over = self.over()
        self.every_record_has_one_fate()
        for place, name in enumerate(names):
            assert self.ids[name] not in over, f"{name} is over and comes again"
            earlier = self.of_key[name.partition("-")[0]]
            for before in earlier[: earlier.index(name)]:
                assert self.ids[before] in over or before in names[:place], f"{name} overtakes {before}"
        self.interrupter.at("handler")
        if self.mode == "throttle":
            self.mode = "raise"
            raise Throttled
        bad = [name for name in names if self.failures_left.get(name, 0)]
        for name in bad:
            self.failures_left[name] -= 1
        if not bad:
            return {"state": {}}
        if self.mode == "report":
            numbers = {
                name: record["kinesis"]["sequenceNumber"] for name, record in zip(names, event["Records"], strict=True)
            }
            return {"state": {}, "batchItemFailures": [{"itemIdentifier": numbers[name]} for name in bad]}
        raise ValueError(bad)

    def over(self) -> set[str]:
        unfinished = ("waiting", "in flight")
        return {fate.record for fate in self.simulation.poller.fates() if fate.fate not in unfinished}

    # --- what happens ------------------------------------------------------------------------------------

    @rule(key=KEYS, failures=st.integers(0, 4), count=st.integers(1, 4))
    def put(self, key: str, failures: int, count: int) -> None:
        for number in range(count):
            name = f"{key}-{len(self.ids)}"
            self.of_key.setdefault(key, []).append(name)
            self.failures_left[name] = failures if number == 0 else 0
            (self.ids[name],) = self.simulation.put(name, key=key)

    @rule(seconds=st.sampled_from([0, 0.25, 1, 10, 100]))
    def advance(self, seconds: float) -> None:
        self.interrupter.move(self.simulation.clock, seconds)

    @rule(place=st.sampled_from(["handler", "poller.Read", "poller.Checkpoint", "a bug"]))
    def interrupt(self, place: str) -> None:
        self.interrupter.armed = place

    @rule(broken=st.booleans())
    def break_the_destination(self, broken: bool) -> None:
        self.simulation.outbox.broken = broken

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "BatchSize": st.sampled_from([1, 2, 3, 100]),
                "ParallelizationFactor": st.sampled_from([1, 2, 3, 10]),
                "BisectBatchOnFunctionError": st.booleans(),
                "MaximumRetryAttempts": st.sampled_from([0, 1, 3]),
                "MaximumRecordAgeInSeconds": st.sampled_from([-1, 60]),
                "MaximumBatchingWindowInSeconds": st.sampled_from([0, 1, 5]),
                "TumblingWindowInSeconds": st.sampled_from([0, 30]),
                "FunctionResponseTypes": st.sampled_from([[], ["ReportBatchItemFailures"]]),
                "FilterCriteria": st.sampled_from([{}, ONLY_SOME]),
                "DestinationConfig": st.sampled_from([{}, TO_A_QUEUE]),
            },
        )
    )
    def update(self, changes: dict[str, Any]) -> None:
        self.simulation.update(**changes)

    @precondition(lambda self: len(self.simulation.stream.all) < 10)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        self.simulation.stream.split(data.draw(st.sampled_from(self.simulation.stream.open_shards())))
        self.simulation.poller.wake()

    @precondition(lambda self: len(self.simulation.stream.open_shards()) > 1)
    @precondition(lambda self: len(self.simulation.stream.all) < 10)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        shards = sorted(self.simulation.stream.open_shards(), key=lambda shard: shard.low)
        place = data.draw(st.integers(0, len(shards) - 2))
        self.simulation.stream.merge(shards[place], shards[place + 1])
        self.simulation.poller.wake()

    # --- what holds --------------------------------------------------------------------------------------

    @invariant()
    def every_record_has_one_fate(self) -> None:
        records = [fate.record for fate in self.simulation.poller.fates()]
        assert sorted(records) == sorted(self.ids.values())

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, everything finishes."""
        self.failures_left.clear()
        self.interrupter.armed = None
        self.mode = "raise"
        self.simulation.duration = 0
        if not self.polls:
            self.simulation.poller.start()
        self.interrupter.move(self.simulation.clock, 7200)
        assert self.simulation.clock.next_event is None
        assert self.over() == set(self.ids.values())


TestStreams = StreamMachine.TestCase
TestStreams.settings = trials(examples=150, steps=30)
