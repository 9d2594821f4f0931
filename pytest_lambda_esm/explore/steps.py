"""What can go wrong at one step: at a call of an AWS service, or at a step of a poller or of the asynchronous queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from pytest_lambda_esm.aws_model.writes import writes
from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.effects import ErrorGiven, after_writes, lost_response
from pytest_lambda_esm.faults.poller_steps import CHECKPOINT, DELETE, INVOKE, INVOKE_EVENT, READ, SEND, STEPS


class Choice(NamedTuple):
    """One thing that can go wrong at a step, and whether it strikes all attempts of a call or one."""

    error: ErrorGiven
    per: str = "attempt"


_OF_POLLERS: Final[Mapping[str, tuple[Choice, ...]]] = MappingProxyType(
    {
        READ: (Choice("duplicated"), Choice("throttled"), Choice("reordered")),
        INVOKE: (
            Choice("timed_out"),
            Choice(after_writes(1)),
            Choice(after_writes(2)),
            Choice("throttled"),
            Choice("failed"),
        ),
        DELETE: (Choice("lost"),),
        CHECKPOINT: (Choice("late"),),
        SEND: (Choice("refused"),),
        INVOKE_EVENT: (
            Choice("duplicated"),
            Choice("timed_out"),
            Choice(after_writes(1)),
            Choice(after_writes(2)),
            Choice("throttled"),
        ),
    }
)
"""The mildest first: what is found first is shrunk towards the beginning. None of them ends a mapping."""

_THROTTLES: Final = (
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestThrottled",
    "Throttling",
    "SlowDown",
    "LimitExceededException",
)
_INTERNAL: Final = (
    "ServiceException",
    "InternalServerError",
    "InternalFailure",
    "InternalError",
    "ServiceUnavailable",
    "InternalServerException",
)


@lru_cache(maxsize=512)
def choices(catalogue: FaultCatalogue, operation: str) -> Sequence[Choice]:
    """Return what can go wrong at calls of an operation, or at a step of a poller.

    Each call can be throttled or meet an internal error, with all attempts of botocore; the answer to a write can be
    lost, so that the next attempt meets what the first one made.
    """
    if operation in STEPS:
        return _OF_POLLERS[operation]
    found = [_first(catalogue, operation, _THROTTLES)]
    service, _, name = operation.rpartition(".")
    if writes(service or "lambda", name):
        found.append(Choice(lost_response()))
    found.append(_first(catalogue, operation, _INTERNAL))
    return tuple(choice for choice in found if choice is not None)


def _first(catalogue: FaultCatalogue, operation: str, codes: Sequence[str]) -> Choice | None:
    return next((Choice(code, "call") for code in codes if catalogue.raises(operation, code)), None)


class Operations:
    """The operations that troubles may strike: those that a test names, or all."""

    def __init__(self, names: Sequence[str] | None, catalogue: FaultCatalogue) -> None:
        """Raise FaultError for an unknown name, with the nearest known ones. ``sqs.*`` names a whole service."""
        __tracebackhide__ = True
        self.are_named = names is not None
        if isinstance(names, str):
            raise FaultError(f"operations is a tuple of names, such as ({names!r},), not one name")
        self._names: set[str] = set()
        self._services: set[str] = set()
        for name in names or ():
            service, _, operation = name.rpartition(".") if isinstance(name, str) else ("", "", name)
            if operation == "*" and service:
                catalogue.check_service(service)
                self._services.add(service)
            else:
                self._names.add(catalogue.operation(name))
        if names is not None and not (self._names or self._services):
            raise FaultError("no operation was named; leave operations out for all of them")

    def include(self, operation: str) -> bool:
        """Return whether an operation may be struck."""
        service = operation.rpartition(".")[0] or "lambda"
        return not self.are_named or operation in self._names or service in self._services
