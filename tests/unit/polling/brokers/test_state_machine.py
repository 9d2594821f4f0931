"""Whatever happens to a broker and its mapping: no message is lost, each has one fate, and RabbitMQ keeps its order."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.mq import ENGINES, BrokerSimulation, bodies_of
from helpers.simulation import Throttled
from helpers.trials import trials

ONLY_SOME = {"Filters": [{"Pattern": json.dumps({"data": {"kept": [True]}})}]}
CONSUMERS = {"ActiveMQ": 5, "RabbitMQ": 1}


class BrokerMachine(RuleBasedStateMachine):
    """A model beside the simulation: which messages there are, and how often they are to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: dict[int, int] = {}
        self.sent: list[str] = []
        self.passed_over: set[str] = set()  # What no filter may accept, and what expires: it ends when it is received.
        self.running: list[tuple[int, int]] = []
        self.healthy = False
        self.throttled = False
        self.polls = True

    @initialize(engine=st.sampled_from(ENGINES), duration=st.sampled_from([0, 3]), batch_size=st.sampled_from([1, 100]))
    def begin(self, engine: str, duration: float, batch_size: int) -> None:
        self.engine = engine
        self.simulation = BrokerSimulation(self.handle, engine=engine, BatchSize=batch_size)
        self.simulation.duration = duration
        self.simulation.poller.start()

    # --- the function ------------------------------------------------------------------------------------

    def handle(self, event: dict[str, Any]) -> None:
        bodies = [json.loads(body) for body in bodies_of(event)]
        numbers = [body["number"] for body in bodies]
        over = {record for record, fate in self.fates().items() if fate not in ("waiting", "in flight")}
        assert not over & {self.sent[number] for number in numbers}, f"what is over comes again: {numbers}"
        assert numbers == sorted(numbers)
        if self.engine == "RabbitMQ" and not self.throttled:
            unfinished = [number for number, record in enumerate(self.sent) if record not in over]
            overtaken = [each for each in unfinished if each < numbers[0] and self.sent[each] not in self.passed_over]
            assert not overtaken, f"{numbers} overtake {overtaken}"
        if self.throttled:
            self.throttled = False
            raise Throttled
        now = self.simulation.clock.instant
        self.running = [(start, end) for start, end in self.running if end > now]
        self.running.append((now, now + round(self.simulation.duration * 1_000_000)))
        assert len([end for _, end in self.running if end > now]) <= CONSUMERS[self.engine]
        bad = [body for body in bodies if self.failed.get(body["number"], 0) < body["failures"] and not self.healthy]
        for body in bad:
            self.failed[body["number"]] = self.failed.get(body["number"], 0) + 1
        if bad:
            raise ValueError(bad)

    def fates(self) -> dict[str, str]:
        found = self.simulation.fate_of_each()
        by_record = {fate.record: fate.fate for fate in found}
        assert len(by_record) == len(found), "a message has two fates"
        return by_record

    # --- what happens ------------------------------------------------------------------------------------

    @rule(
        failures=st.integers(0, 9),
        count=st.integers(1, 4),
        kept=st.booleans(),
        lives=st.sampled_from([None, None, 1_000, 100_000]),
    )
    def send(self, failures: int, count: int, kept: bool, lives: int | None) -> None:
        for number in range(count):
            body = {"number": len(self.sent), "failures": failures if number == 0 else 0, "kept": kept}
            keywords = {} if lives is None else {"expiration": lives}
            record = self.simulation.queue.send(json.dumps(body), **keywords)
            self.sent.append(record)
            if lives is not None or not kept:
                self.passed_over.add(record)

    @rule(seconds=st.sampled_from([0, 0.25, 0.5, 1, 10, 100]))
    def advance(self, seconds: float) -> None:
        self.simulation.clock.advance(seconds)

    @rule()
    def throttle(self) -> None:
        self.throttled = True

    @rule(seconds=st.sampled_from([0, 0.1, 2]))
    def take_time(self, seconds: float) -> None:
        self.simulation.duration = seconds

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "BatchSize": st.sampled_from([1, 2, 3, 100]),
                "MaximumBatchingWindowInSeconds": st.sampled_from([0, 1, 5]),
                "FilterCriteria": st.sampled_from([{}, ONLY_SOME]),
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
            self.simulation.broker.accept()
        else:
            self.simulation.broker.refuse(reason)

    # --- what holds --------------------------------------------------------------------------------------

    @invariant()
    def every_message_has_one_fate(self) -> None:
        if hasattr(self, "simulation"):
            assert sorted(self.fates()) == sorted(self.sent)

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, everything comes to its end."""
        if not hasattr(self, "simulation"):
            return
        self.healthy = True
        self.throttled = False
        self.simulation.duration = 0
        self.simulation.broker.accept()
        if not self.polls:
            self.simulation.poller.start()
        self.simulation.clock.run_until_idle(limit=7200)
        assert not {"waiting", "in flight"} & set(self.fates().values())
        expected = ["ActiveMQ.DLQ"] if self.engine == "ActiveMQ" else []
        dead = [queue for queue in self.simulation.broker.queues if queue.messages]
        assert [queue.name for queue in dead] in ([], expected)


TestBrokers = BrokerMachine.TestCase
TestBrokers.settings = trials(examples=60, steps=30)
