"""Whether a call is one that a fault should strike, and why not.

A match answers twice: quickly, for every call (``plain`` and ``fits``), and in words, for a report (``misfits``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from pytest_lambda_esm.errors import FaultError, ends_the_run
from pytest_lambda_esm.faults.call import IncomingCall

MatchGiven: TypeAlias = Mapping[str, Any] | Callable[[IncomingCall], object] | None
"""The ``match`` of a fault: parameters that a call must have, a predicate that takes the call, or None."""

Predicate: TypeAlias = Callable[[IncomingCall], object]

_PLAIN: Final = (str, int, float)


class Match(Protocol):
    """Tells which calls of an operation match."""

    @property
    def plain(self) -> Mapping[str, object]:
        """The parameters that can be looked up, with the values that a call must have."""
        ...

    @property
    def fits(self) -> Predicate | None:
        """A predicate over the calls that have these parameters; None if all of them match. May raise anything."""
        ...

    def misfits(self, call: IncomingCall) -> list[str]:
        """Return why a call does not match, one reason each; empty if it does. Raises FaultError if ``fits`` raises."""
        ...

    def broken(self, call: IncomingCall, error: Exception) -> FaultError:
        """Return the FaultError for an exception that ``fits`` raised."""
        ...


class ByParams:
    """Matches calls that have these parameters with these values; all calls, if there are none."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = dict(params)
        self.plain = {name: value for name, value in self.params.items() if isinstance(value, _PLAIN)}
        self._others = {name: value for name, value in self.params.items() if name not in self.plain}

    @property
    def fits(self) -> Predicate | None:
        """A comparison of the values that cannot be looked up."""
        return self._others_fit if self._others else None

    def misfits(self, call: IncomingCall) -> list[str]:
        """Return the differences between the parameters."""
        given = call.params
        return [
            f"{name} was {given[name]!r}, not {value!r}" if name in given else f"it had no {name}"
            for name, value in self.params.items()
            if name not in given or not _is_same(given[name], value)
        ]

    def broken(self, call: IncomingCall, error: Exception) -> FaultError:
        """Return the error for a value that cannot be compared."""
        return FaultError(f"match={self.params!r} raised {_as_text(error)} when it was compared with the call {call}")

    def _others_fit(self, call: IncomingCall) -> bool:
        given = call.params
        return all(name in given and _is_same(given[name], value) for name, value in self._others.items())


class ByPredicate:
    """Matches calls for which a function of the test returns something true."""

    plain: Final[Mapping[str, object]] = {}

    def __init__(self, predicate: Predicate) -> None:
        self.fits = predicate
        self._name = getattr(predicate, "__qualname__", repr(predicate))

    def misfits(self, call: IncomingCall) -> list[str]:
        """Call the predicate."""
        try:
            fits = self.fits(call)
        except Exception as error:
            if ends_the_run(error):
                raise
            raise self.broken(call, error) from error
        return [] if fits else [f"the predicate {self._name} rejected it"]

    def broken(self, call: IncomingCall, error: Exception) -> FaultError:
        """Return the error for a predicate that raised."""
        return FaultError(
            f"the predicate {self._name} of a fault raised {_as_text(error)} for the call {call}. A predicate takes an"
            f" IncomingCall; parameters that the caller left out are not in call.params."
        )


def read_match(given: MatchGiven) -> Match:
    """Return the match that a user wrote. Raises FaultError for a value of another type."""
    __tracebackhide__ = True
    if given is None or isinstance(given, Mapping):
        return ByParams(given or {})
    if callable(given):
        return ByPredicate(given)
    raise FaultError(
        f"match takes the parameters that a call must have, as a dict, or a function of the call, not {given!r}"
    )


def _as_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _is_same(given: Any, required: Any) -> bool:
    if not isinstance(required, datetime):
        return bool(given == required)
    if isinstance(given, datetime):
        return given.timestamp() == required.timestamp()
    # botocore sends a time as a number of whole seconds.
    return isinstance(given, (int, float)) and math.floor(given) == math.floor(required.timestamp())
