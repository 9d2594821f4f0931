"""How many pollers a Kafka mapping has, on a cluster in memory."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.kafka import QUEUE, KafkaSimulation, refuse


def started(partitions: int, least: int, most: int, **settings: Any) -> KafkaSimulation:
    """Return a mapping whose function takes ten seconds for each record."""
    pollers = {"ProvisionedPollerConfig": {"MinimumPollers": least, "MaximumPollers": most}}
    simulation = KafkaSimulation(refuse(), partitions=partitions, **{"BatchSize": 1, **pollers, **settings})
    simulation.duration = 10
    simulation.poller.start()
    return simulation


def pollers_by_minute(simulation: KafkaSimulation, minutes: int) -> list[int]:
    seen = []
    for _ in range(minutes):
        seen.append(simulation.mapping.metrics["ProvisionedPollers"])
        simulation.clock.advance(60)
    return seen


@pytest.mark.parametrize(
    ("partitions", "least", "most", "expected"),
    [(9, 1, 6, [1, 2, 4, 6]), (3, 1, 200, [1, 2, 3, 3]), (9, 2, 2, [2, 2, 2, 2]), (9, 3, 200, [3, 6, 9, 9])],
    ids=["doubles", "at-most-one-per-partition", "no-range", "from-the-minimum"],
)
def test_pollers_double_while_records_wait(partitions: int, least: int, most: int, expected: list[int]) -> None:
    simulation = started(partitions, least, most)
    for partition in range(partitions):
        simulation.put(*map(str, range(100)), partition=partition)
    assert pollers_by_minute(simulation, 4) == expected


def test_pollers_in_queue_mode_may_be_more_than_partitions() -> None:
    simulation = started(1, 1, 200, **QUEUE)
    simulation.put(*map(str, range(500)))
    assert pollers_by_minute(simulation, 4) == [1, 2, 4, 8]


def test_pollers_are_halved_when_nothing_waits() -> None:
    simulation = started(8, 1, 8)
    for partition in range(8):
        simulation.put(*map(str, range(6)), partition=partition)
    seen = pollers_by_minute(simulation, 8)
    assert (max(seen), seen[-1]) == (8, 1)
    assert simulation.clock.pending == ()
    assert simulation.fates() == ["done"] * 48


def test_a_few_records_start_no_evaluation() -> None:
    simulation = started(2, 1, 2, BatchSize=100)
    simulation.put("1", "2", "3")
    simulation.clock.advance(0)
    assert [about for about in simulation.clock.pending if "scale" in str(about)] == []


def test_polling_begins_with_the_minimum_again() -> None:
    simulation = started(4, 1, 4)
    for partition in range(4):
        simulation.put(*map(str, range(100)), partition=partition)
    assert pollers_by_minute(simulation, 2) == [1, 2]
    simulation.poller.stop()
    assert simulation.mapping.metrics.get("ProvisionedPollers", 0) == 0
    simulation.poller.start()
    assert simulation.mapping.metrics["ProvisionedPollers"] == 1
