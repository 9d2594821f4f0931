"""Whether a call is one that a fault is meant for, and why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.faults.call import IncomingCall

MatchGiven: TypeAlias = Mapping[str, Any] | Callable[[IncomingCall], object] | None
"""What users write: parameters that a call must have, a predicate over the call, or nothing."""


class Match(Protocol):
    """Says which calls of an operation are meant."""

    def misfits(self, call: IncomingCall) -> list[str]:
        """Why the call is not meant, one reason each; empty if it is."""
        ...


class AnyCall:
    """Every call of the operation."""

    def misfits(self, call: IncomingCall) -> list[str]:
        """Nothing is ever wrong."""
        return []


class ByParams:
    """Calls that have these parameters, with these values."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = dict(params)

    def misfits(self, call: IncomingCall) -> list[str]:
        """The parameters that differ."""
        given = call.params
        return [
            f"{name} was {given[name]!r}, not {value!r}" if name in given else f"it had no {name}"
            for name, value in self.params.items()
            if name not in given or given[name] != value
        ]


class ByPredicate:
    """Calls of which a function of the test says so."""

    def __init__(self, predicate: Callable[[IncomingCall], object]) -> None:
        self._predicate = predicate

    def misfits(self, call: IncomingCall) -> list[str]:
        """Ask the predicate. Raises FaultError where it raises."""
        name = getattr(self._predicate, "__qualname__", repr(self._predicate))
        try:
            fits = self._predicate(call)
        except Exception as error:
            raise FaultError(
                f"the predicate {name} of a fault raised {type(error).__name__}: {error}, when it was asked about the"
                f" call {call}. A predicate takes an IncomingCall; parameters that a caller left out are not in"
                f" call.params."
            ) from error
        return [] if fits else [f"the predicate {name} said no"]


def read_match(given: MatchGiven) -> Match:
    """Read what a user wrote. Raises FaultError for anything else."""
    __tracebackhide__ = True
    if given is None:
        return AnyCall()
    if isinstance(given, Mapping):
        return ByParams(given)
    if callable(given):
        return ByPredicate(given)
    raise FaultError(
        f"match takes the parameters that a call must have, as a dict, or a function of the call, not {given!r}"
    )
