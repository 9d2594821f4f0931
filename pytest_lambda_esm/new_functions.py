"""Makes the functions that a test asks for and moto does not have."""

from __future__ import annotations

from typing import Any, Final

from pytest_lambda_esm.api.api_error import ApiError
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.invocation.configuration import NewFunction
from pytest_lambda_esm.invocation.function_name import FunctionReference
from pytest_lambda_esm.world import World

LARGEST: Final = {"Timeout": 900, "MemorySize": 10_240}
"""Seconds and MB that a function may have; the service model of some versions of botocore has higher numbers."""


def make(world: World, model: LambdaModel, reference: FunctionReference, wanted: NewFunction) -> None:
    """Make a function in moto. Raises ConfigurationError for values that CreateFunction would refuse."""
    __tracebackhide__ = True
    params: dict[str, Any] = {
        "FunctionName": wanted.name,
        "Role": f"arn:aws:iam::{reference.account_id}:role/any",
        "Code": {},
        "Timeout": wanted.timeout,
        "MemorySize": wanted.memory,
        "Environment": {"Variables": wanted.environment},
    }
    if wanted.dead_letter is not None:
        params["DeadLetterConfig"] = {"TargetArn": wanted.dead_letter}
    concurrency = {"FunctionName": wanted.name, "ReservedConcurrentExecutions": wanted.reserved_concurrency}
    try:
        model.validate(model.operation("CreateFunction"), params)
        if wanted.reserved_concurrency is not None:
            model.validate(model.operation("PutFunctionConcurrency"), concurrency)
    except ApiError as error:
        raise ConfigurationError(f"function({wanted.name!r}): {error.message}") from None
    for member, largest in LARGEST.items():
        if params[member] > largest:
            raise ConfigurationError(
                f"function({wanted.name!r}): Value '{params[member]}' at '{member[0].lower()}{member[1:]}' failed to"
                f" satisfy constraint: Member must have value less than or equal to {largest}"
            )
    world.functions.create(reference.account_id, reference.region, wanted)
