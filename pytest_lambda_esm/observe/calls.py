"""The log of the calls to the Lambda API and to other services, with assertions whose errors show what was called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, overload

from pytest_lambda_esm.errors import FaultError, nearest
from pytest_lambda_esm.observe.sequences import EqualToLists, ReadOnlySequence, nothing_to_catch_up
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.wording import counted
from pytest_lambda_esm.wording import times as how_often

LAMBDA: Final = "lambda"
ALL_OF_SERVICE: Final = "*"
"""Stands for all operations of a service, as in ``sqs.*``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the Lambda API or to another service; each of botocore's attempts is one call.

    ``params`` are the request's members by their API names; for other services than Lambda, as the caller gave them to
    boto3. ``status`` is the HTTP status of the answer, ``error`` its error code or None, ``message`` the error's text
    or None. ``attempt`` is botocore's count, from 1; ``logical_id`` is the same for all attempts of one call. If a
    network fault kept the request from arriving, the status is 0 and ``error`` names the fault. ``service`` is the
    service's name in boto3, such as ``"sqs"``.
    """

    operation: str
    params: Mapping[str, Any]
    account_id: str
    region: str
    instant: int
    request_id: str
    status: int
    error: str | None
    attempt: int
    logical_id: str
    message: str | None = None
    service: str = LAMBDA

    @property
    def name(self) -> str:
        """The operation's name as ``Calls.of`` takes it: ``"sqs.SendMessage"``, without a prefix for Lambda."""
        return self.operation if self.service == LAMBDA else f"{self.service}.{self.operation}"

    @property
    def _outcome(self) -> str:
        """The status and the error, or why there was no answer; and the number of the attempt, after the first one."""
        retry = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        error = f" {self.error}" if self.error else ""
        return f"{self.status}{error}{retry}" if self.status else f"no answer:{error}{retry}"

    @property
    def at(self) -> datetime:
        """When it arrived, an aware datetime in UTC."""
        return moment_of(self.instant)

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.name}({given}) -> {self.status}{f' {self.error}' if self.error else ''}"


class Calls(EqualToLists[Call]):
    """The calls to the Lambda API so far, in the order of their arrival.

    :attr:`all`, :meth:`of` and :meth:`assert_called` know those to the other services as well, such as SQS, Kinesis,
    DynamoDB, SNS, S3 and EventBridge, by names like ``"sqs.SendMessage"``. A call of a boto3 client counts wherever it
    is made: in handlers, in other code under test, and in the test itself.
    """

    def __init__(
        self,
        operations: Sequence[str],
        parameters_of: Callable[[str], Collection[str]],
        catch_up: Callable[[], None] = nothing_to_catch_up,
        elsewhere: Callable[[str], Collection[str]] | None = None,
    ) -> None:
        """``elsewhere`` returns the parameters of an operation of any service, or raises FaultError."""
        self._catch_up = catch_up
        self._operations = operations
        self._parameters_of = parameters_of
        self._elsewhere = elsewhere
        self._calls: list[Call] = []
        self._all: list[Call] = []

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        self._catch_up()
        return self._calls[index]

    def __len__(self) -> int:
        self._catch_up()
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        self._catch_up()
        return iter(self._calls)

    def __repr__(self) -> str:
        self._catch_up()
        return f"<{counted(len(self._calls), 'call')}>"

    @property
    def all(self) -> Sequence[Call]:
        """The calls to all services, Lambda among them, in the order in which they were answered."""
        return ReadOnlySequence(self._all, self._catch_up)

    @property
    def _recorded(self) -> Sequence[Call]:
        """The calls, without catching up first: those until the test's body had ended."""
        return self._calls

    @property
    def _all_recorded(self) -> Sequence[Call]:
        """The calls to all services, without catching up first."""
        return self._all

    @property
    def last(self) -> Call:
        """The newest call. Raises AssertionError where there is none."""
        __tracebackhide__ = True
        self._catch_up()
        if not self._calls:
            raise AssertionError("no Lambda API call has been made yet")
        return self._calls[-1]

    def of(self, operation: str) -> list[Call]:
        """Return the calls of one operation, by its API name such as ``CreateEventSourceMapping``.

        Operations of other services have their service's name in boto3 as a prefix: ``"sqs.SendMessage"``. ``"sqs.*"``
        are all calls to SQS. Raises AssertionError for an unknown operation, with the nearest known names.
        """
        __tracebackhide__ = True
        service, name, _ = self._read(operation)
        self._catch_up()
        return [call for call in self._all if call.service == service and name in (ALL_OF_SERVICE, call.operation)]

    def assert_called(self, operation: str, times: int | None = None, **params: Any) -> None:
        """Assert that an operation was called with at least these parameters, ``times`` times (None: at least once).

        ``operation`` is a name as :meth:`of` takes it. Raises AssertionError for an unknown operation or parameter too,
        with the nearest known names.
        """
        __tracebackhide__ = True
        calls = self.of(operation)
        _, one, known = self._read(operation)
        for name in params:
            if name not in known and one != ALL_OF_SERVICE:
                hint = nearest(name, known) if known else "It has none."
                raise AssertionError(f"{operation} has no parameter {name!r}. {hint}")
        matching = [call for call in calls if not _differences(call, params)]
        if len(matching) == times or (times is None and matching):
            return
        expected_call = f"{operation}({', '.join(f'{name}={value!r}' for name, value in params.items())})"
        count = "at least once" if times is None else how_often(times)
        raise AssertionError(
            f"expected {expected_call} to be called {count}; it was called {how_often(len(matching))}.\n"
            + self._made(calls, params)
        )

    def _read(self, operation: str) -> tuple[str, str, Collection[str]]:
        """Return an operation's service, its name there, and its parameters. Raises AssertionError if it is unknown."""
        __tracebackhide__ = True
        service, _, name = operation.rpartition(".") if isinstance(operation, str) else ("", "", operation)
        if service in ("", LAMBDA) and (name in self._operations or (service and name == ALL_OF_SERVICE)):
            return LAMBDA, name, () if name == ALL_OF_SERVICE else self._parameters_of(name)
        if self._elsewhere is None:
            raise AssertionError(f"Lambda has no operation {operation!r}. {nearest(operation, self._operations)}")
        try:
            return service, name, self._elsewhere(operation)
        except FaultError as error:
            raise AssertionError(str(error)) from None

    def _made(self, calls: list[Call], params: Mapping[str, Any]) -> str:
        if not calls:
            others = ", ".join(sorted({call.name for call in self._all})) or "none"
            return f"There was no call of this operation; calls of others: {others}."
        lines = []
        for number, call in enumerate(calls, 1):
            differences = _differences(call, params)
            lines.append(f"  {number}. {call}: {'; '.join(differences) if differences else 'matches'}")
        return "Its calls:\n" + "\n".join(lines)

    def _add(self, call: Call) -> None:
        """Add a call."""
        self._all.append(call)
        if call.service == LAMBDA:
            self._calls.append(call)


def _differences(call: Call, params: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was {call.params.get(name)!r}, not {value!r}"
        for name, value in params.items()
        if call.params.get(name) != value
    ]
