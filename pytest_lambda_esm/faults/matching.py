"""Whether a call is one that a fault is meant for, and why not.

A match says it twice: quickly, for every call (``plain`` and ``fits``), and in words, for a report (``misfits``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.faults.call import IncomingCall

MatchGiven: TypeAlias = Mapping[str, Any] | Callable[[IncomingCall], object] | None
"""What users write: parameters that a call must have, a predicate over the call, or nothing."""

Fits: TypeAlias = Callable[[IncomingCall], object]

_PLAIN: Final = (str, int, float)


class Match(Protocol):
    """Says which calls of an operation are meant."""

    @property
    def plain(self) -> Mapping[str, object]:
        """Parameters that can be looked up, with the values that a call must have."""
        ...

    @property
    def fits(self) -> Fits | None:
        """What decides about a call with these parameters; None where all of them are meant. May raise anything."""
        ...

    def misfits(self, call: IncomingCall) -> list[str]:
        """Why the call is not meant, one reason each; empty if it is. Raises FaultError for a broken predicate."""
        ...

    def broken(self, call: IncomingCall, error: Exception) -> FaultError:
        """What to raise where ``fits`` raised."""
        ...


class ByParams:
    """Calls that have these parameters, with these values; all calls, where there are none."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = dict(params)
        self.plain = {name: value for name, value in self.params.items() if isinstance(value, _PLAIN)}
        self._others = {name: value for name, value in self.params.items() if name not in self.plain}

    @property
    def fits(self) -> Fits | None:
        """Compare the values that cannot be looked up."""
        return self._others_fit if self._others else None

    def misfits(self, call: IncomingCall) -> list[str]:
        """The parameters that differ."""
        given = call.params
        return [
            f"{name} was {given[name]!r}, not {value!r}" if name in given else f"it had no {name}"
            for name, value in self.params.items()
            if name not in given or not _is_same(given[name], value)
        ]

    def broken(self, call: IncomingCall, error: Exception) -> FaultError:
        """A value that cannot be compared."""
        return FaultError(f"match={self.params!r} raised {_said(error)}, when it was compared with the call {call}")

    def _others_fit(self, call: IncomingCall) -> bool:
        given = call.params
        return all(name in given and _is_same(given[name], value) for name, value in self._others.items())


class ByPredicate:
    """Calls of which a function of the test says so."""

    plain: Final[Mapping[str, object]] = {}

    def __init__(self, predicate: Fits) -> None:
        self.fits = predicate
        self._name = getattr(predicate, "__qualname__", repr(predicate))

    def misfits(self, call: IncomingCall) -> list[str]:
        """Ask the predicate."""
        try:
            fits = self.fits(call)
        except Exception as error:
            raise self.broken(call, error) from error
        return [] if fits else [f"the predicate {self._name} said no"]

    def broken(self, call: IncomingCall, error: Exception) -> FaultError:
        """A predicate that raised."""
        return FaultError(
            f"the predicate {self._name} of a fault raised {_said(error)}, when it was asked about the call {call}. A"
            f" predicate takes an IncomingCall; parameters that a caller left out are not in call.params."
        )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _is_same(given: Any, wanted: Any) -> bool:
    if not isinstance(wanted, datetime):
        return bool(given == wanted)
    if isinstance(given, datetime):
        return given.timestamp() == wanted.timestamp()
    # A time travels as seconds; botocore sends whole ones.
    return isinstance(given, (int, float)) and math.floor(given) == math.floor(wanted.timestamp())


def read_match(given: MatchGiven) -> Match:
    """Read what a user wrote. Raises FaultError for anything else."""
    __tracebackhide__ = True
    if given is None or isinstance(given, Mapping):
        return ByParams(given or {})
    if callable(given):
        return ByPredicate(given)
    raise FaultError(
        f"match takes the parameters that a call must have, as a dict, or a function of the call, not {given!r}"
    )
