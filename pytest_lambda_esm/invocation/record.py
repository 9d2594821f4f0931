"""What is kept of an invocation, for a test to read."""

from __future__ import annotations

import json
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.invocation import log

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.invocation.request import Request
    from pytest_lambda_esm.invocation.result import Result
    from pytest_lambda_esm.mappings.mapping import Mapping


OF_RUNTIME: Final = ("errorMessage", "errorType", "requestId", "stackTrace")
"""The members of an error that the function's runtime tells of."""


@dataclass(frozen=True, slots=True)
class FunctionError:
    """Why an invocation failed.

    ``type`` and ``message`` are AWS's errorType and errorMessage, ``payload`` the whole error object as the function
    would answer it, ``exception`` what the handler raised, None for a timeout or an exit.

    ``members`` are the payload's members in their order, ``request_id`` and ``stack`` what some of them show.
    """

    type: str
    message: str
    members: tuple[str, ...]
    request_id: str = ""
    stack: tuple[str, ...] = ()
    exception: BaseException | None = None

    @property
    def payload(self) -> ReadOnly[str, Any]:
        """The error object, made anew each time: a test with a poison record keeps thousands of errors."""
        values = {
            "errorMessage": self.message,
            "errorType": self.type,
            "requestId": self.request_id,
            "stackTrace": list(self.stack),
        }
        return {name: values[name] for name in self.members}

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


class Invocation:
    """One run of a function. Only what reached the function is an invocation: a throttle is none.

    It cannot be changed. A frozen dataclass would take several times as long to make, and each batch makes one.
    """

    __slots__ = ("_answer", "_context", "_end", "_request", "_start", "_written")

    def __init__(
        self, request: Request, context: LambdaContext, answer: Result, start: int, end: int, written: Sequence[str]
    ) -> None:
        self._request = request
        self._context = context
        self._answer = answer
        self._start = start
        self._end = end
        self._written = written

    @property
    def request(self) -> Request:
        """What was asked for; other properties tell of it."""
        return self._request

    @property
    def context(self) -> LambdaContext:
        """What the handler was called with."""
        return self._context

    @property
    def answer(self) -> Result:
        """What came of it; other properties tell of it."""
        return self._answer

    @property
    def start(self) -> int:
        """When it began, in microseconds since the epoch."""
        return self._start

    @property
    def end(self) -> int:
        """When it ended, in microseconds since the epoch."""
        return self._end

    @property
    def written(self) -> Sequence[str]:
        """What the handler printed and logged, piece by piece."""
        return self._written

    @property
    def function(self) -> str:
        """The function's name."""
        return self._request.function.name

    @property
    def event(self) -> Any:
        """The event, as the handler received it: a fresh copy each time."""
        return self._request.event()

    @property
    def attempt(self) -> int:
        """Which attempt it was, counted from 1; the highest receive count in the batch for SQS."""
        return self._request.attempt

    @property
    def request_id(self) -> str:
        """The id of the request, which an asynchronous event keeps over its attempts."""
        return self._request.request_id

    @property
    def mapping(self) -> Mapping | None:
        """The mapping that polled the batch, or None."""
        return self._request.mapping

    @property
    def outcome(self) -> str:
        """``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``."""
        return self._answer.outcome

    @property
    def error(self) -> FunctionError | None:
        """Why it failed, or None."""
        return self._answer.error

    @property
    def result(self) -> Any:
        """What the handler returned, as its JSON reads; None where it failed."""
        return self._answer.value

    @property
    def payload(self) -> str:
        """The answer of the invocation as JSON text: what was returned, or the error."""
        answer = self._answer
        return answer.text if answer.error is None else json.dumps(answer.error.payload)

    @property
    def log(self) -> str:
        """What the function's log stream holds of this invocation."""
        return log.render(self)

    @property
    def started(self) -> datetime:
        """When it began, an aware datetime in UTC."""
        return moment_of(self._start)

    @property
    def finished(self) -> datetime:
        """When it ended, an aware datetime in UTC."""
        return moment_of(self._end)

    @property
    def duration(self) -> timedelta:
        """How long it took in virtual time."""
        return timedelta(microseconds=self._end - self._start)

    def __repr__(self) -> str:
        return f"<Invocation of {self.function} attempt {self.attempt} {self.outcome} {self.request_id}>"
