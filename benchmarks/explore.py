"""The cost of an exploration: worlds with an order in a queue, whose handler writes to a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.harness import Comparison, Goal, Stopwatch
from benchmarks.moto_world import REGION
from pytest_lambda_esm import FakeLambda

WORLDS = 60
_THOUSAND: float = 20.0
"""The seconds of processor time for 1,000 worlds: 10 on each of two cores."""


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what=f"exploring, {WORLDS} worlds of an order",
        ours=lambda: _explore()[0],
        against="their bodies",
        other=lambda: _explore()[1],
        rounds=3,
        goal=Goal("ratio", 1.3),
        units=WORLDS,
    )
    yield Comparison(
        what=f"exploring, {WORLDS} worlds, of 1,000",
        ours=lambda: _explore()[0],
        against="one body per world",
        other=_bodies,
        rounds=3,
        goal=Goal("value", _THOUSAND * WORLDS / 1000),
        units=WORLDS,
    )


class _Orders:
    """The body: an order in a queue, and a handler that charges it."""

    def __init__(self, fake: FakeLambda) -> None:
        self._fake = fake
        self._dynamodb = fake.client("dynamodb")

    def _charge(self, event: dict[str, Any], context: object) -> None:
        for record in event["Records"]:
            item = {"order": {"S": record["body"]}, "charged": {"N": "1"}}
            self._dynamodb.put_item(TableName="charges", Item=item)

    def run(self) -> None:
        self._fake.table("charges", key="order")
        orders = self._fake.queue("orders")
        self._fake.connect(orders, self._fake.function("charge", self._charge))
        orders.send("lamp")
        self._fake.clock.run_until_idle()
        assert self._dynamodb.scan(TableName="charges")["Count"] == 1


def _explore() -> tuple[float, float]:
    """Return the seconds of an exploration, and those of its bodies, deliveries that are repeated included."""
    bodies = 0.0
    with FakeLambda(region=REGION, strict=False) as fake:
        orders = _Orders(fake)
        with Stopwatch() as whole:
            for run in fake.explore(runs=WORLDS):
                with run:
                    started = Stopwatch._read()
                    orders.run()
                    bodies += Stopwatch._read() - started
    return whole.seconds, bodies


def _bodies() -> float:
    """Return the seconds of as many bodies, without any trouble."""
    bodies = 0.0
    with FakeLambda(region=REGION, strict=False) as fake:
        orders = _Orders(fake)
        for _ in range(WORLDS):
            with fake.world():
                started = Stopwatch._read()
                orders.run()
                bodies += Stopwatch._read() - started
    return bodies
