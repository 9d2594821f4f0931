"""The request for an invocation, and the record that a test reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.invocation import log
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.event_records import body_of, records_of
from pytest_lambda_esm.invocation.marshalling import encode_error
from pytest_lambda_esm.invocation.stack_frames import Frame, frames_of
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.vocabulary import InvocationOutcome

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.invocation.result import FunctionError, Result

MakeEvent: TypeAlias = Callable[[], Any]
"""Makes an event: a new object each time, so that a handler's changes to it do not leak."""


class Request(NamedTuple):
    """A request to invoke a function.

    ``function`` is the version to run, ``invoked_arn`` the ARN in the request. ``event()`` makes the event. ``attempt``
    counts from 1. ``depth`` is the chain of invocations that led to this request, see ``observe/chains.py``.
    """

    function: FunctionConfiguration
    invoked_arn: str
    event: MakeEvent
    request_id: str
    attempt: int = 1
    depth: int = 0
    mapping: Mapping | None = None
    client_context: ReadOnly[str, Any] | None = None


class Period(NamedTuple):
    """When an invocation started and ended, in microseconds since the epoch.

    ``init`` are the microseconds of it that the start of the execution environment took; None if it was warm.
    """

    start: int
    end: int
    init: int | None = None


class Invocation:
    """One run of a function. A throttled request does not reach the function, so it is not an invocation.

    An invocation is read-only. It is not a frozen dataclass, because creating one would take several times as long, and
    each batch creates one.
    """

    __slots__ = ("_answer", "_context", "_end", "_init", "_request", "_start", "_written")

    def __init__(
        self, request: Request, context: LambdaContext, answer: Result, period: Period, written: Sequence[str]
    ) -> None:
        self._request = request
        self._context = context
        self._answer = answer
        self._start, self._end, self._init = period
        self._written = written

    @property
    def context(self) -> LambdaContext:
        """The context object that the handler received."""
        return self._context

    @property
    def function(self) -> str:
        """The function's name."""
        return self._request.function.name

    @property
    def event(self) -> Any:
        """The event as the handler received it: a new copy each time."""
        return self._request.event()

    @property
    def records(self) -> list[Any]:
        """The records of the event, as the handler received them: new copies each time. Other events have none.

        Those of Kafka, which the event groups by partition, are in one list.
        """
        return records_of(self._request.event())

    @property
    def bodies(self) -> list[Any]:
        """What each record contains, parsed: JSON as Python values, other text as a string, other data as bytes.

        For DynamoDB this is the new image of the item, else the old one, else its keys, as Python values.
        """
        return [body_of(record) for record in self.records]

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1; for SQS, the highest receive count in the batch."""
        return self._request.attempt

    @property
    def request_id(self) -> str:
        """The id of the request; all attempts at an asynchronous event share one."""
        return self._request.request_id

    @property
    def mapping(self) -> Mapping | None:
        """The mapping that polled the batch, or None if no mapping did."""
        return self._request.mapping

    @property
    def outcome(self) -> InvocationOutcome:
        """``"success"``, ``"error"``, ``"timeout"`` or ``"exit"``."""
        return self._answer.outcome

    @property
    def error(self) -> FunctionError | None:
        """The error, or None if the invocation succeeded."""
        return self._answer.error

    @property
    def traceback(self) -> str:
        """The traceback of what the handler raised, as Python prints it; empty if it raised nothing."""
        error = self._answer.error
        if error is None or error.exception is None:
            return ""
        head = ["Traceback (most recent call last):\n", *error.stack] if error.stack else []
        return printable(
            f"{''.join(head)}{error.type}: {error.message}" if error.message else "".join(head) + error.type
        )

    @property
    def _frames(self) -> list[Frame]:
        """The frames of the traceback, the outermost first."""
        error = self._answer.error
        return frames_of(error.stack) if error is not None else []

    @property
    def result(self) -> Any:
        """The handler's return value, read back from its JSON; None if the invocation failed."""
        return self._answer.value

    @property
    def payload(self) -> str:
        """The response payload as JSON: the return value or the error. Bytes that a handler returned may be no JSON."""
        answer = self._answer
        if answer.error is None:
            return answer.text
        return encode_error(answer.error.payload, self._request.function.runtime)

    @property
    def payload_bytes(self) -> bytes:
        """The response payload as the client receives it."""
        raw = self._answer.raw
        return raw if raw is not None else self.payload.encode("utf-8", "surrogatepass")

    @property
    def log(self) -> str:
        """This invocation's part of the function's log stream, from START on."""
        return log.text(self)

    @property
    def started(self) -> datetime:
        """The start, as an aware datetime in UTC."""
        return moment_of(self._start)

    @property
    def finished(self) -> datetime:
        """The end, as an aware datetime in UTC."""
        return moment_of(self._end)

    @property
    def duration(self) -> timedelta:
        """The duration in virtual time."""
        return timedelta(microseconds=self._end - self._start)

    def __repr__(self) -> str:
        return f"<Invocation of {self.function} attempt {self.attempt} {self.outcome} {self.request_id}>"
