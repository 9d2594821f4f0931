"""The request for a sweep: which errors, at which operations; and the calls that it may strike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.errors import FaultError, nearest
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.catalogue import POLLER, FaultCatalogue
from pytest_lambda_esm.faults.effects import (
    AwsError,
    ErrorGiven,
    NetworkFault,
    PollerFault,
    after_writes,
    lost_response,
)
from pytest_lambda_esm.faults.poller_steps import (
    CHECKPOINT,
    DELETE,
    INVOKE,
    INVOKE_EVENT,
    READ,
    RUNS_A_HANDLER,
    STEPS,
)
from pytest_lambda_esm.faults.spec import check_per
from pytest_lambda_esm.observe.calls import ALL_OF_SERVICE
from pytest_lambda_esm.vocabulary import Per

DEFAULT_ERRORS: Final[tuple[ErrorGiven, ...]] = (
    "TooManyRequestsException",
    "ServiceException",
    "AccessDeniedException",
    lost_response(),
)
"""The errors of a sweep that names none: throttled, internal error, access denied, and a lost answer."""


_ENDING: Final = frozenset({"disabled", "deleted"})
"""The faults of pollers that no sweep makes by itself, since they end a mapping."""

DELIVERIES: Final[Mapping[str, tuple[ErrorGiven, ...]]] = MappingProxyType(
    {
        READ: ("duplicated",),
        INVOKE: ("throttled", "timed_out", after_writes(1)),
        DELETE: ("lost",),
        CHECKPOINT: ("late",),
        INVOKE_EVENT: ("throttled", "duplicated", "timed_out", after_writes(1)),
    }
)
"""What may happen to a delivery. ``after_writes(2)`` follows where the first one has struck, and so on."""

MOST_WORLDS: Final = 2_000
"""A sweep of pairs that would have more worlds is refused before it makes them."""


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """The arguments of a sweep; ``per`` is None for :meth:`per_of`'s choice.

    ``operations`` are names, and ``service.*`` for all operations of a service; None is all of Lambda. ``deliveries``
    adds what may happen to deliveries. With ``at_once=2``, pairs of errors follow the single ones.
    """

    errors: tuple[ErrorGiven, ...]
    operations: frozenset[str] | None
    per: Per | None
    deliveries: bool = False
    at_once: int = 1

    def includes(self, call: IncomingCall) -> bool:
        """Return whether the sweep strikes calls such as this one."""
        return bool(self.errors_at(call.operation))

    def errors_at(self, operation: str) -> tuple[ErrorGiven, ...]:
        """Return the errors to strike an operation or a step of a poller with."""
        added = DELIVERIES.get(operation, ()) if self.deliveries else ()
        if not self._names(operation):
            return added
        if operation in STEPS and self.errors is DEFAULT_ERRORS:
            return added or (*(name for name in STEPS[operation] if name not in _ENDING), *_cuts(operation))
        return (*self.errors, *(error for error in added if error not in self.errors))

    def _names(self, operation: str) -> bool:
        if self.operations is None:
            return "." not in operation
        service = operation.rpartition(".")[0] or "lambda"
        return operation in self.operations or f"{service}.{ALL_OF_SERVICE}" in self.operations

    def per_of(self, operation: str, error: ErrorGiven) -> Per:
        """Return what an error strikes: all attempts of a call, so that the caller sees it, or one.

        A lost or late answer strikes one attempt, because the next one matters: it finds what the first one made. The
        steps of pollers have no attempts.
        """
        if operation in STEPS:
            return "attempt"
        if self.per is not None:
            return self.per
        return "attempt" if isinstance(error, NetworkFault) and error.arrives else "call"


def _cuts(step: str) -> tuple[ErrorGiven, ...]:
    return (after_writes(1),) if step in RUNS_A_HANDLER else ()


def is_step(name: str) -> bool:
    """Return whether a name of an operation is a step of pollers, or all of them."""
    return name in STEPS or name == f"{POLLER}.{ALL_OF_SERVICE}"


def next_cut(error: ErrorGiven) -> ErrorGiven | None:
    """Return the power cut one write later; None for another error than a power cut."""
    return after_writes(error.writes + 1) if isinstance(error, PollerFault) and error.writes else None


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a sweep as a user wrote them, without those for operations and errors."""

    per: Per | None = None
    deliveries: bool = False
    at_once: int = 1


def read_request(
    catalogue: FaultCatalogue, errors: Iterable[ErrorGiven], operations: Iterable[str] | None, asked: Asked
) -> SweepRequest:
    """Return the request that a user wrote. Raises FaultError for an unknown name, with the nearest known ones."""
    __tracebackhide__ = True
    if asked.at_once not in (1, 2) or isinstance(asked.at_once, bool):
        raise FaultError(f"sweep: at_once is 1 or 2, not {asked.at_once!r}; explore() combines more")
    required = errors if errors is DEFAULT_ERRORS else tuple(_iterable(errors, "errors"))
    if not required:
        raise FaultError("sweep was given no error; leave errors out for the usual ones")
    names = None
    if operations is not None:
        names = frozenset(_operation(catalogue, name) for name in _iterable(operations, "operations"))
        if not names:
            raise FaultError("sweep was given no operation; leave operations out for all of Lambda")
    known = catalogue.lambda_operations if names is None else _expanded(catalogue, names)
    for error in required if required is not DEFAULT_ERRORS else ():
        _check_error(catalogue, known, error)
    if asked.per is not None:
        check_per("sweep", asked.per)
    return SweepRequest(required, names, asked.per, asked.deliveries, asked.at_once)


def _operation(catalogue: FaultCatalogue, name: Any) -> str:
    __tracebackhide__ = True
    service, _, operation = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if operation == ALL_OF_SERVICE and service:
        catalogue.check_service(service)
        return str(name)
    return catalogue.operation(name)


def _expanded(catalogue: FaultCatalogue, names: Iterable[str]) -> list[str]:
    """Return the operations that names stand for."""
    found: list[str] = []
    for name in sorted(names):
        service, _, operation = name.rpartition(".")
        found += catalogue.operations_of(service) if operation == ALL_OF_SERVICE else [name]
    return found


def _iterable(given: Any, name: str) -> Iterable[Any]:
    __tracebackhide__ = True
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise FaultError(
            f"sweep takes tuples of errors and of operations, such as errors=('ServiceException',); {name} is {given!r}"
        )
    return given


def _check_error(catalogue: FaultCatalogue, operations: Sequence[str], error: Any) -> None:
    """Raise FaultError for an error that none of the operations can raise, or one with unknown members."""
    __tracebackhide__ = True
    is_error = isinstance(error, (str, AwsError, NetworkFault, PollerFault))
    raising = [operation for operation in operations if is_error and catalogue.raises(operation, error)]
    code = error.code if isinstance(error, AwsError) else error
    if raising or len(operations) == 1 or not isinstance(code, str):
        catalogue.effect((raising or operations)[0], error)
        return
    known = {each for operation in operations for each in catalogue.errors_of(operation)}
    raise FaultError(f"no operation of this sweep can raise {code!r}. {nearest(code, known)}")


def logical_calls(calls: Iterable[IncomingCall]) -> Iterator[tuple[IncomingCall, dict[str, int]]]:
    """Yield the first attempt of each call, with how many calls and attempts of its operation came before it.

    The keys of the counts are the units that a fault can count: ``"call"`` and ``"attempt"``.
    """
    seen: set[str] = set()
    counts: dict[str, dict[str, int]] = {}
    for call in calls:
        before = counts.setdefault(call.operation, {"call": 0, "attempt": 0})
        if not call.logical_id or call.logical_id not in seen:
            seen.add(call.logical_id)
            yield call, dict(before)
            before["call"] += 1
        before["attempt"] += 1


def first_difference(expected: Sequence[IncomingCall], seen: Iterable[IncomingCall], world: int) -> str | None:
    """Return as text where the calls of a world first differ from those of the first one; None if they are the same."""
    calls = [call for call, _ in logical_calls(seen)]
    for index, call in enumerate(expected):
        other = calls[index] if index < len(calls) else None
        if other is None or _comparable(call) != _comparable(other):
            return f"call {index + 1} was {call} in world 1, and {other or 'not made'} in world {world}"
    return None


def _comparable(call: IncomingCall) -> Any:
    return call.operation, _plain(dict(call.params))


def _plain(value: Any) -> Any:
    """Return what to compare between worlds: a value, or the type of an object without one, such as an open file."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    kind: Any = type(value)
    return kind.__name__ if kind.__eq__ is object.__eq__ else value
