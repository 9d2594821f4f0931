"""What a sweep is asked for: which errors, at which operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.api.fault_catalogue import FaultCatalogue
from pytest_lambda_esm.errors import FaultError, nearest
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import AwsError, ErrorGiven, lost_response
from pytest_lambda_esm.faults.plan import PER

DEFAULT_ERRORS: Final[tuple[ErrorGiven, ...]] = (
    "TooManyRequestsException",
    "ServiceException",
    "AccessDeniedException",
    lost_response(),
)
"""The errors of a sweep that names none: throttled, broken, not allowed, and done without an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a sweep was asked for; ``operations`` is None for all of Lambda."""

    errors: tuple[ErrorGiven, ...]
    operations: frozenset[str] | None
    per: str

    def is_about(self, call: IncomingCall) -> bool:
        """Whether a call is one to strike."""
        return "." not in call.operation if self.operations is None else call.operation in self.operations


def read_request(
    catalogue: FaultCatalogue, errors: Iterable[ErrorGiven], operations: Iterable[str] | None, per: str
) -> Request:
    """Read what a user wrote. Raises FaultError for names that nothing has, with the nearest right ones."""
    __tracebackhide__ = True
    if isinstance(errors, str) or isinstance(operations, str):
        raise FaultError("sweep takes tuples of errors and of operations, such as errors=('ServiceException',)")
    names = None if operations is None else frozenset(catalogue.operation(name) for name in operations)
    services = {"lambda"} if names is None else {name.rpartition(".")[0] or "lambda" for name in names}
    known = catalogue.known_errors(sorted(services))
    given = tuple(errors)
    for error in given:
        code = error if isinstance(error, str) else error.code if isinstance(error, AwsError) else None
        if code is not None and code not in known:
            raise FaultError(f"no operation of this sweep can raise {code!r}. {nearest(code, known)}")
    if not given:
        raise FaultError("sweep was given no error; leave errors out for the usual ones")
    if per not in PER:
        raise FaultError(f"sweep: per is 'call' or 'attempt', not {per!r}. {nearest(str(per), PER)}")
    return Request(given, names, per)
