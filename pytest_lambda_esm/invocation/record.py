"""What is kept of an invocation: frozen values that a test reads."""

from __future__ import annotations

import json
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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


class Invocation(NamedTuple):
    """One run of a function. Only what reached the function is an invocation: a throttle is none."""

    request: Request
    """What was asked for; the properties tell of it."""
    context: LambdaContext
    """What the handler was called with."""
    answer: Result
    """What came of it; the properties tell of it."""
    start: int
    """When it began, in microseconds since the epoch."""
    end: int
    """When it ended, in microseconds since the epoch."""
    written: Sequence[str]
    """What the handler printed and logged, piece by piece."""

    @property
    def function(self) -> str:
        """The function's name."""
        return self.request.function.name

    @property
    def event(self) -> Any:
        """The event, as the handler received it: a fresh copy each time."""
        return self.request.event()

    @property
    def attempt(self) -> int:
        """Which attempt it was, counted from 1; the highest receive count in the batch for SQS."""
        return self.request.attempt

    @property
    def request_id(self) -> str:
        """The id of the request, which an asynchronous event keeps over its attempts."""
        return self.request.request_id

    @property
    def mapping(self) -> Mapping | None:
        """The mapping that polled the batch, or None."""
        return self.request.mapping

    @property
    def outcome(self) -> str:
        """``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``."""
        return self.answer.outcome

    @property
    def error(self) -> FunctionError | None:
        """Why it failed, or None."""
        return self.answer.error

    @property
    def result(self) -> Any:
        """What the handler returned, as its JSON reads; None where it failed."""
        return self.answer.value

    @property
    def payload(self) -> str:
        """The answer of the invocation as JSON text: what was returned, or the error."""
        answer = self.answer
        return answer.text if answer.error is None else json.dumps(answer.error.payload)

    @property
    def log(self) -> str:
        """What the function's log stream holds of this invocation."""
        return log.render(self)

    @property
    def started(self) -> datetime:
        """When it began, an aware datetime in UTC."""
        return moment_of(self.start)

    @property
    def finished(self) -> datetime:
        """When it ended, an aware datetime in UTC."""
        return moment_of(self.end)

    @property
    def duration(self) -> timedelta:
        """How long it took in virtual time."""
        return timedelta(microseconds=self.end - self.start)

    def __repr__(self) -> str:
        return f"<Invocation of {self.function} attempt {self.attempt} {self.outcome} {self.request_id}>"
