"""The request for a fault: its options, their defaults and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import Any, Final, get_args

from pytest_lambda_esm.errors import FaultError, nearest
from pytest_lambda_esm.faults.effects import ErrorGiven
from pytest_lambda_esm.faults.matching import MatchGiven
from pytest_lambda_esm.vocabulary import Per

PER: Final[tuple[Per, ...]] = get_args(Per)
"""The unit that a fault counts and strikes: each of botocore's attempts, or each call with all of its attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """A fault as it was requested, not yet checked against the service models.

    ``errors`` holds one error, or those of a sequence, in which None lets a call through. ``times``, ``after``,
    ``match``, ``message``, ``optional`` and ``per`` are the options of ``FaultPlan.add``. For reports, ``asked`` is
    the code that asks for the fault and ``place`` is where that code is. ``marked`` is true for a fault of a marker,
    ``by_hook`` for one that a conftest's ``pytest_lambda_esm_configure`` adds.
    """

    operation: str
    errors: tuple[ErrorGiven | None, ...]
    asked: str
    place: str
    times: int | None = 1
    after: int = 0
    match: MatchGiven = None
    message: str | None = None
    optional: bool = False
    per: Per = "attempt"
    marked: bool = False
    by_hook: bool = False

    def check(self) -> None:
        """Raise FaultError for an option with a value that it cannot have."""
        __tracebackhide__ = True
        if self.times is not None and not _is_count(self.times, 1):
            raise FaultError(f"{self.asked}: times is a whole number from 1, or None for no limit, not {self.times!r}")
        if not _is_count(self.after, 0):
            raise FaultError(f"{self.asked}: after is the number of calls to let through, from 0, not {self.after!r}")
        check_per(self.asked, self.per)
        if not isinstance(self.optional, bool):
            raise FaultError(f"{self.asked}: optional is True or False, not {self.optional!r}")
        if self.message is not None and not isinstance(self.message, str):
            raise FaultError(f"{self.asked}: message is a string, not {self.message!r}")


OPTIONS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        field.name: field.default
        for field in fields(FaultSpec)
        if field.default is not MISSING and field.name not in ("marked", "by_hook")
    }
)
"""The options that a test may give, with their defaults."""


def check_per(asked: str, per: object) -> None:
    """Raise FaultError unless ``per`` is one of :data:`PER`; the text begins with the code that asks for it."""
    __tracebackhide__ = True
    if per not in PER:
        raise FaultError(f"{asked}: per is 'call' or 'attempt', not {per!r}. {nearest(per, PER)}")


def as_code(function: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """Return a call of a function as code, without the options that have their default."""
    given = [repr(value) for value in arguments]
    given += [f"{name}={_value_as_code(value)}" for name, value in options.items() if value != OPTIONS[name]]
    return f"{function}({', '.join(given)})"


def marker_of(operation: str, error: ErrorGiven, after: int, per: str) -> str:
    """Return the marker that adds a fault to a test."""
    options = (f", after={after}" if after else "") + (f", per={per!r}" if per != "attempt" else "")
    return f"@pytest.mark.lambda_esm_fault({operation!r}, {error!r}{options})"


def _value_as_code(value: Any) -> str:
    return getattr(value, "__qualname__", repr(value)) if callable(value) else repr(value)


def _is_count(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum
