"""Makes the functions that a test asks for and moto does not have, out of values that CreateFunction would take."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pytest_lambda_esm.arn import FunctionReference, parse
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.invocation.configuration import NewFunction
from pytest_lambda_esm.moto_bridge.session import check_region
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import Span

_LONGEST_TIMEOUT: Final = 900
_LARGEST_MEMORY: Final = 10_240
_LARGEST_ENVIRONMENT: Final = 4096

_NAME: Final = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_GIVEN: Final = re.compile(r"((arn:aws[a-z-]*:lambda:)?[a-z]{2}(-[a-z]+)+-\d:)?(\d{12}:)?(function:)?[^:]+(:[^:]+)?")
"""A function's name, partial ARN or ARN; what is left of the name has to be one."""

_RESERVED: Final = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""The variables that Lambda sets itself, after the page "Using Lambda environment variables"."""


def reference(call: str, name: str, account_id: str, default_region: str, region: str | None) -> FunctionReference:
    """Read a function's name, partial ARN or ARN, as ``call`` was given it; without a qualifier.

    ``region`` is the one that the test asked for, or None. Raises ConfigurationError.
    """
    __tracebackhide__ = True
    if not isinstance(name, str) or not _GIVEN.fullmatch(name):
        raise ConfigurationError(f"{call} takes the name of a function, its partial ARN or its ARN, not {name!r}")
    if region is not None:
        check_region(call, region, account_id)
    found = parse(name, account_id, region or default_region)
    if not _NAME.fullmatch(found.name):
        raise ConfigurationError(
            f"{call}: {found.name!r} is no name of a function: 1 to 64 letters, digits, hyphens and underscores"
        )
    if found.qualifier is not None:
        raise ConfigurationError(
            f"{call}: a handler belongs to a function with all of its versions and aliases: leave out the qualifier"
            f" {found.qualifier!r} of {name!r}"
        )
    if region not in (None, found.region):
        raise ConfigurationError(f"{call}: the ARN {name!r} names another region than region={region!r}")
    check_region(call, found.region, found.account_id)
    return found


def read(
    name: str,
    timeout: Span = 3,
    memory: int = 128,
    environment: Mapping[str, str] | None = None,
    reserved_concurrency: int | None = None,
    dead_letter: str | None = None,
) -> NewFunction:
    """Read what a test wants of a function. Raises ConfigurationError for what Lambda does not know."""
    __tracebackhide__ = True
    call = f"function({name!r})"
    seconds = f"1 to {_LONGEST_TIMEOUT} whole seconds, as a number or a timedelta"
    _check(dead_letter is None or isinstance(dead_letter, str), call, "dead_letter", "an ARN", dead_letter)
    return NewFunction(
        name=name,
        timeout=_whole(call, "timeout", seconds, timeout, 1, _LONGEST_TIMEOUT),
        memory=_whole(call, "memory", f"128 to {_LARGEST_MEMORY:,} whole MB", memory, 128, _LARGEST_MEMORY),
        handler="lambda_function.lambda_handler",
        environment=_environment(call, environment),
        dead_letter=dead_letter,
        reserved_concurrency=None
        if reserved_concurrency is None
        else _whole(call, "reserved_concurrency", "a whole number from 0, or None", reserved_concurrency, 0),
    )


def provide(world: World, model: LambdaModel, reference: FunctionReference, wanted: NewFunction) -> None:
    """Make a function in moto, unless it is there.

    Raises ConfigurationError for values that CreateFunction would refuse, and where it is there and more is wanted.
    """
    __tracebackhide__ = True
    if world.functions.find(reference) is None:
        _make(world, model, reference, wanted)
    elif wanted != read(wanted.name):
        raise ConfigurationError(
            f"the function {wanted.name!r} exists already; change its timeout, memory, environment or dead-letter"
            f" target with update_function_configuration, and its reserved concurrency with put_function_concurrency,"
            f" as code under test would"
        )


def _make(world: World, model: LambdaModel, reference: FunctionReference, wanted: NewFunction) -> None:
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
    try:
        model.validate(model.operation("CreateFunction"), params)
    except ApiError as error:
        raise ConfigurationError(f"function({wanted.name!r}): {error.message}") from None
    world.functions.create(reference.account_id, reference.region, wanted)


def _check(fits: bool, call: str, parameter: str, wanted: str, given: object) -> None:
    __tracebackhide__ = True
    if not fits:
        raise ConfigurationError(f"{call}: {parameter} takes {wanted}, not {given!r}")


def _whole(call: str, parameter: str, wanted: str, given: Any, least: int, most: int | None = None) -> int:
    """Read a whole number, in whatever form a time span may have."""
    __tracebackhide__ = True
    number = given.total_seconds() if isinstance(given, timedelta) else given
    number = int(number) if isinstance(number, float) and number.is_integer() else number
    fits = isinstance(number, int) and not isinstance(number, bool) and least <= number
    _check(fits and (most is None or number <= most), call, parameter, wanted, given)
    return int(number)


def _environment(call: str, given: Mapping[str, str] | None) -> dict[str, str]:
    __tracebackhide__ = True
    variables = {} if given is None else given
    fits = isinstance(variables, Mapping) and all(isinstance(text, str) for pair in variables.items() for text in pair)
    _check(fits, call, "environment", "a mapping of texts to texts, as Lambda does", given)
    reserved = sorted(_RESERVED & variables.keys())
    if reserved:
        raise ConfigurationError(
            f"{call}: environment has variables that Lambda sets itself and refuses to be given: {', '.join(reserved)}."
            f" The handler finds them set."
        )
    if len(json.dumps(dict(variables), separators=(",", ":")).encode()) > _LARGEST_ENVIRONMENT:
        raise ConfigurationError(f"{call}: environment exceeds the {_LARGEST_ENVIRONMENT} bytes that Lambda allows")
    return dict(variables)
