"""What a rule of the diagnosis returns, and how it words a source, a function and a count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pytest_lambda_esm.arn import Arn

if TYPE_CHECKING:
    from pytest_lambda_esm.mappings.mapping import Mapping
    from pytest_lambda_esm.simulation.diagnosis.view import View

CERTAIN: Final = 1
"""It keeps records from being processed."""
LIKELY: Final = 2
"""It usually explains a failure, such as an error of a handler."""
POSSIBLE: Final = 3
"""It may well be what the test intends."""
BACKGROUND: Final = 4
"""It is over: the records were processed afterwards."""
SILENCE: Final = 5
"""Nothing happened to something. Shown only where no cause is known."""


class Finding(NamedTuple):
    """A cause, and what to do about it.

    ``level`` is one of the constants above; the most telling findings come first. ``about`` are the ARNs and UUIDs of
    the mappings, sources and functions that it concerns. ``details`` are further lines, such as a traceback.
    """

    level: int
    text: str
    about: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


Rule: TypeAlias = "Callable[[View], Iterator[Finding]]"
"""Looks at a world, and changes nothing."""


def of_mapping(mapping: Mapping) -> tuple[str, ...]:
    """Return what a finding about a mapping concerns."""
    return mapping.uuid, mapping.source_arn, unqualified(mapping.function_arn)


def is_pipe(mapping: Mapping) -> bool:
    """Whether a mapping polls for a pipe of EventBridge; no client sees such a mapping."""
    return ":pipes:" in mapping.arn


def named(mapping: Mapping) -> str:
    """Return what a text calls a mapping: ``the mapping`` with its UUID, or ``the pipe`` with its name."""
    return f"the pipe {mapping.arn.rpartition('/')[2]}" if is_pipe(mapping) else f"the mapping {mapping.uuid}"


def sentence(text: str) -> str:
    """Return a text with a capital letter at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def unqualified(function_arn: str) -> str:
    """Return a function's ARN without its qualifier."""
    return ":".join(function_arn.split(":")[:7])


def noun_of(source: str) -> str:
    """Return what the records of a source are called: messages of a queue or broker, otherwise records."""
    arn = Arn.parse(source)
    return "message" if arn is not None and arn.service in ("sqs", "mq") else "record"


def with_regions(*arns: str) -> list[str]:
    """Return the short names of resources, with their regions if these differ: ``sqs:orders in eu-west-1``."""
    parsed = [Arn.parse(arn) for arn in arns]
    places = {(arn.account_id, arn.region) for arn in parsed if arn is not None}
    if len(places) < 2:
        return list(arns)
    accounts = {account for account, _ in places}
    return [
        f"{text} in {arn.region}{f' of account {arn.account_id}' if len(accounts) > 1 else ''}" if arn else text
        for text, arn in zip(arns, parsed, strict=True)
    ]
