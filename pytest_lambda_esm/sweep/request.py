"""The request for a sweep: which errors, at which operations; and the calls that it may strike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import FaultError, nearest
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.effects import AwsError, ErrorGiven, NetworkFault, lost_response
from pytest_lambda_esm.faults.spec import check_per
from pytest_lambda_esm.vocabulary import Per

DEFAULT_ERRORS: Final[tuple[ErrorGiven, ...]] = (
    "TooManyRequestsException",
    "ServiceException",
    "AccessDeniedException",
    lost_response(),
)
"""The errors of a sweep that names none: throttled, internal error, access denied, and a lost answer."""


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """The arguments of a sweep; ``operations`` is None for all of Lambda, ``per`` None for :meth:`per_of`'s choice."""

    errors: tuple[ErrorGiven, ...]
    operations: frozenset[str] | None
    per: Per | None

    def includes(self, call: IncomingCall) -> bool:
        """Return whether the sweep strikes calls such as this one."""
        return "." not in call.operation if self.operations is None else call.operation in self.operations

    def per_of(self, error: ErrorGiven) -> Per:
        """Return what an error strikes: all attempts of a call, so that the caller sees it, or one.

        A lost or late answer strikes one attempt, because the next one matters: it finds what the first one made.
        """
        if self.per is not None:
            return self.per
        return "attempt" if isinstance(error, NetworkFault) and error.arrives else "call"


def read_request(
    catalogue: FaultCatalogue, errors: Iterable[ErrorGiven], operations: Iterable[str] | None, per: Per | None
) -> SweepRequest:
    """Return the request that a user wrote. Raises FaultError for an unknown name, with the nearest known ones."""
    __tracebackhide__ = True
    required = tuple(_iterable(errors, "errors"))
    if not required:
        raise FaultError("sweep was given no error; leave errors out for the usual ones")
    names = None
    if operations is not None:
        names = frozenset(catalogue.operation(name) for name in _iterable(operations, "operations"))
        if not names:
            raise FaultError("sweep was given no operation; leave operations out for all of Lambda")
    for error in required:
        _check_error(catalogue, catalogue.lambda_operations if names is None else sorted(names), error)
    if per is not None:
        check_per("sweep", per)
    return SweepRequest(required, names, per)


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
    is_error = isinstance(error, (str, AwsError, NetworkFault))
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
