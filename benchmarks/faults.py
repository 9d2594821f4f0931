"""The cost of faults to calls that they do not affect, and the cost of a sweep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.harness import Comparison, Goal, Stopwatch
from benchmarks.moto_world import REGION
from pytest_lambda_esm import FakeLambda, lost_response

CALLS = 200
RULES = 1000
ERRORS = ("TooManyRequestsException", "ServiceException", "AccessDeniedException", lost_response())

KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "by parameter": lambda number: {"match": {"FunctionName": f"other-{number}"}},
    "by parameters": lambda number: {"match": {"FunctionName": "orders", "EventSourceArn": f"arn-{number}"}},
    "by count": lambda number: {"after": CALLS + number},
    "by call count": lambda number: {"after": CALLS + number, "per": "call"},
    "by match, count": lambda number: {"match": {"FunctionName": "orders"}, "after": CALLS + number},
    "by predicate": lambda number: {"match": lambda call: call.params.get("FunctionName") == "other"},
}
"""The arguments of a fault of each kind; none of them strikes. Each predicate is necessarily a Python call."""


def comparisons() -> Iterator[Comparison]:
    for name, options in KINDS.items():
        yield Comparison(
            what=f"{CALLS} calls, {RULES:,} faults {name}",
            ours=lambda options=options: _calls(options),
            against="no fault",
            other=_calls,
            rounds=9,
            goal=Goal("ratio", 1.1),
            units=CALLS,
        )
    yield Comparison(
        what="a sweep of 12 calls x 4 errors",
        ours=sweep,
        against="no fault, once",
        other=_one_world,
        rounds=3,
        goal=Goal("value", 1.5),
        units=49,
    )


def _calls(options: Callable[[int], dict[str, Any]] | None = None) -> float:
    with FakeLambda(region=REGION, strict=False) as fake:
        aws_lambda = fake.client("lambda")
        aws_lambda.list_event_source_mappings()
        for number in range(RULES if options is not None else 0):
            fake.faults.add("ListEventSourceMappings", "ServiceException", **options(number))
        with Stopwatch() as watch:
            for _ in range(CALLS):
                aws_lambda.list_event_source_mappings(FunctionName="orders")
        return watch.seconds


def sweep(errors: Any = ERRORS) -> float:
    with FakeLambda(region=REGION) as fake:
        aws_lambda, sqs = fake.client("lambda"), fake.client("sqs")
        with Stopwatch() as watch:
            for run in fake.sweep(errors=errors):
                with run:
                    _deploy(fake, aws_lambda, sqs)
        return watch.seconds


def _one_world() -> float:
    with FakeLambda(region=REGION) as fake:
        aws_lambda, sqs = fake.client("lambda"), fake.client("sqs")
        with Stopwatch() as watch:
            _deploy(fake, aws_lambda, sqs)
        return watch.seconds


def _deploy(fake: FakeLambda, aws_lambda: Any, sqs: Any) -> None:
    """Make twelve calls, and continue whatever happens."""
    fake.function("orders", lambda event, context: None)
    uuids = []
    for name in ("a", "b", "c"):
        sqs.create_queue(QueueName=name)
        arn = f"arn:aws:sqs:{REGION}:123456789012:{name}"
        answer = _try(aws_lambda.create_event_source_mapping, EventSourceArn=arn, FunctionName="orders")
        uuids.append(answer.get("UUID", "00000000-0000-0000-0000-000000000000"))
    time.sleep(10)
    for uuid in uuids:
        _try(aws_lambda.get_event_source_mapping, UUID=uuid)
    for uuid in uuids:
        _try(aws_lambda.update_event_source_mapping, UUID=uuid, BatchSize=5)
    for _ in range(3):
        _try(aws_lambda.list_event_source_mappings)


def _try(call: Callable[..., dict[str, Any]], **params: Any) -> dict[str, Any]:
    try:
        return call(**params)
    except Exception:
        return {}
