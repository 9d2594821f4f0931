"""Whatever happens to a topic that is consumed as a queue: one fate per record, and no record twice at a time."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from helpers.kafka import QUEUE, KafkaSimulation, ids_of
from helpers.machines import Place, TopicMachine
from helpers.trials import trials
from pytest_lambda_esm.timing import MICROSECONDS


class QueueMachine(TopicMachine):
    """A model beside the simulation: which records there are, how often they have failed, until when they run."""

    PARTITIONS = 2

    def __init__(self) -> None:
        super().__init__()
        self.simulation = KafkaSimulation(self.handle, partitions=self.PARTITIONS, pollers=2, **QUEUE)
        self.running: dict[Place, int] = {}
        self.simulation.poller.start()

    def handle(self, event: dict[str, Any]) -> Any:
        over, now = self.over(), self.simulation.clock.instant
        for each in ids_of(event):
            assert each not in over, f"{each} is over and comes again"
            assert self.running.get(each, 0) <= now, f"{each} is delivered twice at the same time"
        self.throttle_once()
        end = now + round(self.simulation.duration * MICROSECONDS)
        self.running.update(dict.fromkeys(ids_of(event), end))
        return self.answer(event)

    @rule(limit=st.sampled_from([2, 3, 5]))
    def limit_deliveries(self, limit: int) -> None:
        self.simulation.cluster.configure_share_group("uuid", delivery_limit=limit)

    @rule()
    def poll_on_demand(self) -> None:
        self.simulation.update(ProvisionedPollerConfig={})

    @invariant()
    def the_lag_counts_what_is_not_over(self) -> None:
        assert sum(self.simulation.poller.offset_lag().values()) == len(self.produced) - len(self.over())

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, everything comes to its end."""
        self.finish()


TestQueueMode = QueueMachine.TestCase
TestQueueMode.settings = trials(examples=80, steps=30)
