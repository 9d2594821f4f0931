"""The path of every call to Lambda: the clock, faults, reading and validation, the operation, errors, the call log."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import HTTPClientError

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.http import HttpRequest, HttpResponse
from pytest_lambda_esm.aws_model.model import LambdaModel, Match
from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import AwsError, NetworkFault
from pytest_lambda_esm.faults.injection import FaultInjector
from pytest_lambda_esm.observe.calls import Call, Calls
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.ports import Clock


@dataclass(frozen=True, slots=True)
class Caller:
    """The account and region of a request, the id that its response has, and the trace header that came with it."""

    account_id: str
    region: str
    request_id: str = ""
    trace: str = ""


Operation = Callable[[Caller, dict[str, Any]], Mapping[str, Any]]
"""Takes the validated parameters and returns the result, both by member name. Raises ApiError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTable:
    """The operations that the fake answers, by API name.

    Operations in ``shared`` are also moto's: the value takes the URI members of a request and tells whether the fake
    answers it. ``concurrent`` operations run handlers, whose threads may call other operations meanwhile; all others
    run one at a time.
    """

    operations: Mapping[str, Operation]
    shared: Mapping[str, Callable[[Mapping[str, Any]], bool]]
    concurrent: frozenset[str]

    def answers(self, match: Match) -> bool:
        """Whether the fake, and not moto, answers this request."""
        name = match.operation.name
        return name in self.operations and (name not in self.shared or self.shared[name](match.uri))


class Network(Protocol):
    """The network between client and service, for calls that a network fault hits."""

    def carry(self, fault: NetworkFault, url: str, perform: Callable[[], HttpResponse]) -> HttpResponse:
        """Return the response that arrives, or raise what the client sees. May not call ``perform`` at all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What can go wrong with a call: the faults, and the network that network faults act on."""

    faults: FaultInjector
    network: Network


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLog:
    """Where calls are recorded; ``on_call`` is called with each completed call."""

    calls: Calls
    timeline: Timeline
    new_request_id: Callable[[], str]
    on_call: Callable[[Call], None]


class Dispatcher:
    """Answers requests to Lambda: from the operation table, or through moto. Logs all of them."""

    def __init__(
        self, model: LambdaModel, operations: OperationTable, *, clock: Clock, trouble: Trouble, log: CallLog
    ) -> None:
        self._model = model
        self._table = operations
        self._clock = clock
        self._trouble = trouble
        self._log = log
        self._one_at_a_time = threading.RLock()

    def answer(
        self, request: HttpRequest, moto: Callable[[], HttpResponse], authorize: Callable[[], None]
    ) -> HttpResponse:
        """Answer a request; ``moto`` performs it in moto, for operations that the fake does not answer.

        ``authorize`` checks the caller's permissions before the fake answers; moto checks them for its own operations.
        An ApiError becomes an error response. Any other exception propagates and fails the test.
        """
        __tracebackhide__ = is_for_the_author
        match = self._model.match(request.method, request.path)
        if match is not None and self._table.answers(match):
            authorize()
        self._clock.follow_wall()
        if match is None:
            return moto()
        position, instant = len(self._log.timeline), self._clock.instant
        arrival = _Arrival(match, request, *self._read(match, request), moto, position, instant)
        effect = self._trouble.faults.on_call(arrival.as_call())
        if effect is None:
            return self._perform(arrival)
        if isinstance(effect, NetworkFault):
            return self._carry(arrival, effect)
        assert isinstance(effect, AwsError)
        return self._refuse(arrival, effect)

    def _read(self, match: Match, request: HttpRequest) -> tuple[dict[str, Any], ApiError | None]:
        """Return the parameters, or none and the error. The error only counts if the fake answers the request."""
        try:
            return self._model.parse(
                match.operation, uri=match.uri, query=request.query, headers=request.headers, body=request.body
            ), None
        except ApiError as error:
            return {}, error

    def _perform(self, arrival: _Arrival) -> HttpResponse:
        request_id = self._log.new_request_id()
        try:
            ours = self._table.answers(arrival.match)
            response = self._run(arrival, request_id) if ours else arrival.moto()
        except ApiError as error:
            response = self._model.render_error(error)
        except HTTPClientError as error:  # The client has stopped waiting.
            self._record(arrival, HttpResponse(0, {"x-amzn-errortype": type(error).__name__}, b""), request_id)
            raise
        return self._record(arrival, response, request_id)

    def _run(self, arrival: _Arrival, request_id: str) -> HttpResponse:
        if arrival.unreadable is not None:
            raise arrival.unreadable
        operation, request = arrival.match.operation, arrival.request
        self._model.validate(operation, arrival.params)
        perform = self._table.operations[operation.name]
        trace = request.headers.get("x-amzn-trace-id", "")
        caller = Caller(request.account_id, request.region, request_id, trace)
        if operation.name in self._table.concurrent:
            return self._model.render(operation, perform(caller, arrival.params))
        with self._one_at_a_time:
            result = perform(caller, arrival.params)
        return self._model.render(operation, result)

    def _carry(self, arrival: _Arrival, fault: NetworkFault) -> HttpResponse:
        performed = False

        def perform() -> HttpResponse:
            nonlocal performed
            performed = True
            return self._perform(arrival)

        try:
            return self._trouble.network.carry(fault, arrival.url, perform)
        finally:
            if not performed:
                lost = HttpResponse(0, {"x-amzn-errortype": str(fault)}, b"")
                self._record(arrival, lost, self._log.new_request_id())

    def _refuse(self, arrival: _Arrival, effect: AwsError) -> HttpResponse:
        error = self._model.error(effect.code, effect.message or "", **effect.members)
        return self._record(arrival, self._model.render_error(error), self._log.new_request_id())

    def _record(self, arrival: _Arrival, response: HttpResponse, request_id: str) -> HttpResponse:
        response.headers.setdefault("x-amzn-RequestId", request_id)
        request, log = arrival.request, self._log
        call = Call(
            operation=arrival.operation,
            params=arrival.params,
            account_id=request.account_id,
            region=request.region,
            instant=arrival.instant,
            request_id=response.headers["x-amzn-RequestId"],
            status=response.status,
            error=response.headers.get("x-amzn-errortype"),
            attempt=_attempt(request),
            logical_id=_logical_id(request),
            message=_message(response) if response.status >= 400 else None,
        )
        log.calls._add(call)
        log.timeline._insert(arrival.position, "call", call.operation, _outcome(call), call.instant)
        log.on_call(call)
        return response


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A request, with the time of its arrival as ``instant`` and as ``position`` in the timeline.

    ``unreadable`` is the error if the request cannot be read as the operation's input.
    """

    match: Match
    request: HttpRequest
    params: dict[str, Any]
    unreadable: ApiError | None
    moto: Callable[[], HttpResponse]
    position: int
    instant: int

    @property
    def operation(self) -> str:
        name: str = self.match.operation.name
        return name

    @property
    def url(self) -> str:
        request = self.request
        return f"https://{request.headers.get('host') or f'lambda.{request.region}.amazonaws.com'}{request.path}"

    def as_call(self) -> IncomingCall:
        return IncomingCall(
            operation=self.operation,
            params=self.params,
            account_id=self.request.account_id,
            region=self.request.region,
            instant=self.instant,
            attempt=_attempt(self.request),
            logical_id=_logical_id(self.request),
        )


def _logical_id(request: HttpRequest) -> str:
    return request.headers.get("amz-sdk-invocation-id", "")


def _attempt(request: HttpRequest) -> int:
    attempt = request.headers.get("amz-sdk-request", "").partition("attempt=")[2].partition(";")[0]
    return int(attempt) if attempt.isdigit() else 1


def _message(response: HttpResponse) -> str | None:
    """Return the text of an error; its member is called differently by each error."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return None
    found = body.get("Message", body.get("message")) if isinstance(body, dict) else None
    return found if isinstance(found, str) else None


def _outcome(call: Call) -> str:
    subject = next((str(call.params[name]) for name in ("UUID", "FunctionName") if name in call.params), "")
    return f"{subject + ' ' if subject else ''}-> {call._outcome}"
