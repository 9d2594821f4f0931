"""``fake.function(...)``: checks what a test asks for, and creates the function where moto does not have it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pytest_lambda_esm.arn import FunctionReference, parse
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.invocation.configuration import RESERVED_VARIABLES, NewFunction
from pytest_lambda_esm.moto_bridge.session import check_region
from pytest_lambda_esm.simulation.resources import Resource
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import Span

_LARGEST_ENVIRONMENT: Final = 4096
"""Bytes of all variables together, as JSON."""

_NAME: Final = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_REFERENCE: Final = re.compile(
    r"((arn:aws[a-z-]*:lambda:)?[a-z]{2}(-[a-z]+)+-\d:)?(\d{12}:)?(function:)?[^:]+(:[^:]+)?"
)
"""A function's name, partial ARN or ARN; the name in it is checked afterwards."""


@dataclass(frozen=True, slots=True)
class _WholeNumber:
    """A setting that takes whole numbers, ``maximum`` included; a timedelta counts as its seconds."""

    parameter: str
    wording: str
    minimum: int
    maximum: int | None = None

    def read(self, call: str, value: Any) -> int:
        """Check a value. Raises ConfigurationError."""
        __tracebackhide__ = True
        number = value.total_seconds() if isinstance(value, timedelta) else value
        number = int(number) if isinstance(number, float) and number.is_integer() else number
        fits = isinstance(number, int) and not isinstance(number, bool) and self.minimum <= number
        fits = fits and (self.maximum is None or number <= self.maximum)
        _check(fits, call, self.parameter, self.wording, value)
        return int(number)


_TIMEOUT: Final = _WholeNumber("timeout", "1 to 900 whole seconds, as a number or a timedelta", 1, 900)
_MEMORY: Final = _WholeNumber("memory", "128 to 10,240 whole MB", 128, 10_240)
_CONCURRENCY: Final = _WholeNumber("reserved_concurrency", "a whole number from 0, or None", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOptions:
    """The options of ``fake.function(...)`` that shape a new function, as the test gave them."""

    timeout: Span = 3
    memory: int = 128
    environment: Mapping[str, str] | None = None
    reserved_concurrency: int | None = None
    dead_letter: str | Resource | None = None


def reference(call: str, name: str, account_id: str, default_region: str, region: str | None) -> FunctionReference:
    """Return the function that a name, partial ARN or ARN without a qualifier refers to.

    ``call`` names the call in errors; ``region`` is the region that the test asked for, or None. Raises
    ConfigurationError.
    """
    __tracebackhide__ = True
    if not isinstance(name, str) or not _REFERENCE.fullmatch(name):
        example = "" if isinstance(name, str) else ". The name comes first: function('orders', handler)"
        raise ConfigurationError(
            f"{call} takes the name of a function, its partial ARN or its ARN, not {name!r}{example}"
        )
    if region is not None:
        check_region(call, region, account_id)
    found = parse(name, account_id, region or default_region)
    if not _NAME.fullmatch(found.name):
        raise ConfigurationError(
            f"{call}: {found.name!r} is not a function name: it takes 1 to 64 letters, digits, hyphens and underscores"
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


def read(name: str, options: FunctionOptions) -> NewFunction:
    """Check the options of a function. Raises ConfigurationError for values that Lambda does not accept."""
    __tracebackhide__ = True
    call = f"function({name!r})"
    given, concurrency = options.dead_letter, options.reserved_concurrency
    dead_letter = given.arn if isinstance(given, Resource) else given
    is_arn = isinstance(dead_letter, str) and (not dead_letter or dead_letter.startswith("arn:"))
    _check(given is None or is_arn, call, "dead_letter", "an ARN or what lambda_esm.queue() returned", given)
    return NewFunction(
        name=name,
        timeout=_TIMEOUT.read(call, options.timeout),
        memory=_MEMORY.read(call, options.memory),
        handler="lambda_function.lambda_handler",
        environment=_environment(call, options.environment),
        dead_letter=dead_letter,
        reserved_concurrency=None if concurrency is None else _CONCURRENCY.read(call, concurrency),
    )


def provide(world: World, reference: FunctionReference, function: NewFunction) -> None:
    """Create a function in moto, unless it exists.

    Raises ConfigurationError for values that CreateFunction would refuse, and for options of an existing function.
    """
    __tracebackhide__ = True
    if world.functions.find(reference) is None:
        _create(world, reference, function)
    elif function != read(function.name, FunctionOptions()):
        raise ConfigurationError(
            f"the function {function.name!r} exists already; change its timeout, memory, environment or dead-letter"
            f" target with update_function_configuration, and its reserved concurrency with put_function_concurrency,"
            f" as code under test would"
        )


def _create(world: World, reference: FunctionReference, function: NewFunction) -> None:
    __tracebackhide__ = True
    params: dict[str, Any] = {
        "FunctionName": function.name,
        "Role": f"arn:aws:iam::{reference.account_id}:role/any",
        "Code": {},
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "Environment": {"Variables": function.environment},
    }
    if function.dead_letter is not None:
        params["DeadLetterConfig"] = {"TargetArn": function.dead_letter}
    try:
        world.model.validate(world.model.operation("CreateFunction"), params)
    except ApiError as error:
        raise ConfigurationError(f"function({function.name!r}): {error.message}") from None
    world.functions.create(reference.account_id, reference.region, function)


def _check(fits: bool, call: str, parameter: str, accepted: str, value: object) -> None:
    __tracebackhide__ = True
    if not fits:
        raise ConfigurationError(f"{call}: {parameter} takes {accepted}, not {value!r}")


def _environment(call: str, value: Mapping[str, str] | None) -> dict[str, str]:
    __tracebackhide__ = True
    variables = {} if value is None else value
    fits = isinstance(variables, Mapping) and all(isinstance(text, str) for pair in variables.items() for text in pair)
    _check(fits, call, "environment", "a mapping of texts to texts, as Lambda does", value)
    reserved = sorted(RESERVED_VARIABLES & variables.keys())
    if reserved:
        raise ConfigurationError(
            f"{call}: environment has variables that Lambda sets itself and refuses to be given: {', '.join(reserved)}."
            f" The handler finds them set."
        )
    if len(json.dumps(dict(variables), separators=(",", ":")).encode()) > _LARGEST_ENVIRONMENT:
        raise ConfigurationError(f"{call}: environment exceeds the {_LARGEST_ENVIRONMENT} bytes that Lambda allows")
    return dict(variables)
