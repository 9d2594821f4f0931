"""A week without work: how much a thousand idle mappings add to advancing the clock."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness import Comparison, Goal, Sample, Stopwatch
from benchmarks.moto_world import REGION, make_queue
from pytest_lambda_esm import FakeLambda


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what="advance 7 days, 1,000 idle mappings",
        ours=_advance_a_week(1_000),
        against="the same with one mapping",
        other=_advance_a_week(1),
        rounds=1,
        goal=Goal("value", 0.010),
    )


def _advance_a_week(mappings: int) -> Sample:
    def sample() -> float:
        with FakeLambda(region=REGION) as fake:
            sqs, aws_lambda = fake.client("sqs"), fake.client("lambda")
            fake.function("orders", _do_nothing)
            for number in range(mappings):
                arn = make_queue(sqs, f"orders-{number}")
                aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
            fake.clock.run_until_idle()
            states = {mapping.state for mapping in fake.mappings}
            if states != {"Enabled"}:
                raise SystemExit(f"the mappings are {sorted(states)}, not Enabled; the numbers mean nothing")
            with Stopwatch() as watch:
                fake.clock.advance(days=7)
            return watch.seconds

    return sample


def _do_nothing(event: object, context: object) -> None:
    return None
