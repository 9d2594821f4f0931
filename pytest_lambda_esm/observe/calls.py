"""The log of the calls to the Lambda API, with assertions whose errors show the calls that were made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from pytest_lambda_esm.errors import nearest
from pytest_lambda_esm.observe.sequences import EqualToLists, nothing_to_catch_up
from pytest_lambda_esm.timing import moment_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the Lambda API; each of botocore's attempts is one call.

    ``params`` are the request's members by their API names; ``status`` the HTTP status of the answer, ``error`` its
    error code or None; ``attempt`` botocore's count, from 1; ``logical_id`` is the same for all attempts of one call.
    If a network fault kept the request from arriving, the status is 0 and ``error`` names the fault. ``message`` is the
    text of an error, or None.
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

    @property
    def at(self) -> datetime:
        """When it arrived, an aware datetime in UTC."""
        return moment_of(self.instant)

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.operation}({given}) -> {self.status}{f' {self.error}' if self.error else ''}"


class Calls(EqualToLists[Call]):
    """All calls so far, in the order of their arrival."""

    def __init__(
        self,
        operations: Sequence[str],
        parameters_of: Callable[[str], Collection[str]],
        catch_up: Callable[[], None] = nothing_to_catch_up,
    ) -> None:
        self._catch_up = catch_up
        self._operations = operations
        self._parameters_of = parameters_of
        self._calls: list[Call] = []

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
        return f"<{len(self._calls)} calls>"

    @property
    def recorded(self) -> Sequence[Call]:
        """The calls, without catching up first: those until the test's body had ended.

        :meta private:
        """
        return self._calls

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

        Raises AssertionError for a name that is not an operation of Lambda, with the nearest known names.
        """
        __tracebackhide__ = True
        if operation not in self._operations:
            raise AssertionError(f"Lambda has no operation {operation!r}. {nearest(operation, self._operations)}")
        self._catch_up()
        return [call for call in self._calls if call.operation == operation]

    def assert_called(self, operation: str, times: int | None = None, **params: Any) -> None:
        """Assert that an operation was called with at least these parameters, ``times`` times (None: at least once).

        Raises AssertionError for an unknown operation or parameter too, with the nearest known names.
        """
        __tracebackhide__ = True
        calls = self.of(operation)
        known = self._parameters_of(operation)
        for name in params:
            if name not in known:
                hint = nearest(name, known) if known else "It has none."
                raise AssertionError(f"{operation} has no parameter {name!r}. {hint}")
        matching = [call for call in calls if not _differences(call, params)]
        if len(matching) == times or (times is None and matching):
            return
        expected_call = f"{operation}({', '.join(f'{name}={value!r}' for name, value in params.items())})"
        count = "at least once" if times is None else _times(times)
        raise AssertionError(
            f"expected {expected_call} to be called {count}; it was called {_times(len(matching))}.\n"
            + self._made(calls, params)
        )

    def _made(self, calls: list[Call], params: Mapping[str, Any]) -> str:
        if not calls:
            others = ", ".join(sorted({call.operation for call in self._calls})) or "none"
            return f"There was no call of this operation; calls of others: {others}."
        lines = []
        for number, call in enumerate(calls, 1):
            differences = _differences(call, params)
            lines.append(f"  {number}. {call}: {'; '.join(differences) if differences else 'matches'}")
        return "Its calls:\n" + "\n".join(lines)

    def add(self, call: Call) -> None:
        """Add a call."""
        self._calls.append(call)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _differences(call: Call, params: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was {call.params.get(name)!r}, not {value!r}"
        for name, value in params.items()
        if call.params.get(name) != value
    ]
