"""Calls of aiobotocore's clients, compared with the same calls of boto3's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from benchmarks.harness import Comparison, Goal, Stopwatch
from benchmarks.moto_world import REGION
from pytest_lambda_esm import FakeLambda

CALLS = 100


def comparisons() -> Iterator[Comparison]:
    if find_spec("aiobotocore") is None:
        return
    for operation, parameters in (("list_functions", {}), ("invoke", {"FunctionName": "orders"})):
        yield Comparison(
            what=f"{CALLS} x {operation}, aiobotocore",
            ours=lambda name=operation, given=parameters: asyncio.run(_asynchronous(name, given)),
            against="by boto3",
            other=lambda name=operation, given=parameters: _synchronous(name, given),
            rounds=9,
            goal=Goal("ratio", 1.3),
            units=CALLS,
        )


async def _asynchronous(operation: str, parameters: dict[str, Any]) -> float:
    from aiobotocore.session import get_session

    with FakeLambda(region=REGION) as fake:
        fake.function("orders", _do_nothing)
        async with get_session().create_client("lambda", region_name=REGION) as aws_lambda:
            call = getattr(aws_lambda, operation)
            await call(**parameters)  # the client's first call is not part of the comparison
            with Stopwatch() as watch:
                for _ in range(CALLS):
                    await call(**parameters)
            return watch.seconds


def _synchronous(operation: str, parameters: dict[str, Any]) -> float:
    with FakeLambda(region=REGION) as fake:
        fake.function("orders", _do_nothing)
        call = getattr(fake.client("lambda"), operation)
        call(**parameters)
        with Stopwatch() as watch:
            for _ in range(CALLS):
                call(**parameters)
        return watch.seconds


def _do_nothing(event: object, context: object) -> None:
    return None
