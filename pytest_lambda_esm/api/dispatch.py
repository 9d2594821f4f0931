"""What every operation goes through, once: the clock, faults, the log of calls, validation, the words of an error."""

from __future__ import annotations

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
    """Where a request belongs, and the id that its answer has."""

    account_id: str
    region: str
    request_id: str = ""


Operation = Callable[[Caller, dict[str, Any]], Mapping[str, Any]]


class Network(Protocol):
    """What a request and its answer travel through when the network is in trouble."""

    def carry(self, fault: NetworkFault, url: str, perform: Callable[[], HttpResponse]) -> HttpResponse:
        """Send a request: the answer that arrives, or the exception that the client sees. May not perform it."""
        ...


class Dispatcher:
    """Answers Lambda's operations: ours by ourselves, the others through moto, all of them logged.

    ``shared`` tells of operations that moto has a part in, by the members in a request's URI, whether it is ours.
    ``side_by_side`` are operations that run handlers: a handler's thread may call others meanwhile.
    """

    def __init__(
        self,
        model: LambdaModel,
        operations: Mapping[str, Operation],
        *,
        clock: Clock,
        calls: Calls,
        timeline: Timeline,
        new_id: Callable[[], str],
        answered: Callable[[Call], None],
        faults: FaultInjector,
        network: Network,
        shared: Mapping[str, Callable[[Mapping[str, Any]], bool]],
        side_by_side: frozenset[str] = frozenset(),
    ) -> None:
        self._model = model
        self._operations = operations
        self._clock = clock
        self._calls = calls
        self._timeline = timeline
        self._new_id = new_id
        self._answered = answered
        self._faults = faults
        self._network = network
        self._shared = shared
        self._side_by_side = side_by_side
        self._one_at_a_time = threading.RLock()

    def is_ours(self, request: HttpRequest) -> bool:
        """Whether moto has no part in the answer."""
        match = self._model.match(request.method, request.path)
        return match is not None and self._takes(match)

    def answer(self, request: HttpRequest, otherwise: Callable[[], HttpResponse]) -> HttpResponse:
        """Answer a request; ``otherwise`` is moto's own answer, for operations that are not ours.

        An error of AWS becomes its reply. Anything else that goes wrong is an exception that fails the test.
        """
        __tracebackhide__ = is_for_the_author
        self._clock.follow_wall()
        match = self._model.match(request.method, request.path)
        if match is None:
            return otherwise()
        place, instant = len(self._timeline), self._clock.instant
        arrival = _Arrival(match, request, *self._read(match, request), otherwise, place, instant)
        effect = self._faults.on_call(arrival.as_call())
        if effect is None:
            return self._performed(arrival)
        if isinstance(effect, NetworkFault):
            return self._through_trouble(arrival, effect)
        assert isinstance(effect, AwsError)
        return self._refused(arrival, effect)

    def _performed(self, arrival: _Arrival) -> HttpResponse:
        request_id = self._new_id()
        try:
            reply = self._ours(arrival, request_id) if self._takes(arrival.match) else arrival.otherwise()
        except ApiError as error:
            reply = self._model.render_error(error)
        except HTTPClientError as error:  # The client has given up waiting.
            self._logged(arrival, HttpResponse(0, {"x-amzn-errortype": type(error).__name__}, b""), request_id)
            raise
        return self._logged(arrival, reply, request_id)

    def _takes(self, match: Match) -> bool:
        """Whether we answer; of an operation that is shared with moto, what the request's URI says is ours."""
        name = match.operation.name
        return name in self._operations and (name not in self._shared or self._shared[name](match.uri))

    def _refused(self, arrival: _Arrival, effect: AwsError) -> HttpResponse:
        error = self._model.error(effect.code, effect.message or "", **effect.members)
        return self._logged(arrival, self._model.render_error(error), self._new_id())

    def _through_trouble(self, arrival: _Arrival, fault: NetworkFault) -> HttpResponse:
        done = False

        def perform() -> HttpResponse:
            nonlocal done
            done = True
            return self._performed(arrival)

        try:
            return self._network.carry(fault, arrival.url, perform)
        finally:
            if not done:
                self._logged(arrival, HttpResponse(0, {"x-amzn-errortype": str(fault)}, b""), self._new_id())

    def _ours(self, arrival: _Arrival, request_id: str) -> HttpResponse:
        if arrival.unreadable is not None:
            raise arrival.unreadable
        operation, request = arrival.match.operation, arrival.request
        self._model.validate(operation, arrival.params)
        perform = self._operations[operation.name]
        caller = Caller(request.account_id, request.region, request_id)
        if operation.name in self._side_by_side:
            return self._model.render(operation, perform(caller, arrival.params))
        with self._one_at_a_time:
            result = perform(caller, arrival.params)
        return self._model.render(operation, result)

    def _read(self, match: Match, request: HttpRequest) -> tuple[dict[str, Any], ApiError | None]:
        """The parameters; where they cannot be read, none and the error. moto judges the requests that are its own."""
        try:
            return self._model.parse(
                match.operation, uri=match.uri, query=request.query, headers=request.headers, body=request.body
            ), None
        except ApiError as error:
            return {}, error

    def _logged(self, arrival: _Arrival, reply: HttpResponse, request_id: str) -> HttpResponse:
        reply.headers.setdefault("x-amzn-RequestId", request_id)
        error, request = reply.headers.get("x-amzn-errortype"), arrival.request
        call = Call(
            operation=arrival.name,
            params=arrival.params,
            account_id=request.account_id,
            region=request.region,
            instant=arrival.instant,
            request_id=reply.headers["x-amzn-RequestId"],
            status=reply.status,
            error=error,
            attempt=_attempt(request),
            logical_id=_logical_id(request),
        )
        self._calls.add(call)
        self._timeline.insert(arrival.place, "call", call.operation, _outcome(call), call.instant)
        self._answered(call)
        return reply


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A request that has arrived: ``place`` is the timeline's length, ``instant`` the time when it did.

    ``unreadable`` is the error where the request cannot be read as the operation's input.
    """

    match: Match
    request: HttpRequest
    params: dict[str, Any]
    unreadable: ApiError | None
    otherwise: Callable[[], HttpResponse]
    place: int
    instant: int

    @property
    def name(self) -> str:
        name: str = self.match.operation.name
        return name

    @property
    def url(self) -> str:
        request = self.request
        return f"https://{request.headers.get('host') or f'lambda.{request.region}.amazonaws.com'}{request.path}"

    def as_call(self) -> IncomingCall:
        return IncomingCall(
            operation=self.name,
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


def _outcome(call: Call) -> str:
    named = next((str(call.params[name]) for name in ("UUID", "FunctionName") if name in call.params), "")
    retry = f" (attempt {call.attempt})" if call.attempt > 1 else ""
    answer = f"{call.status}{f' {call.error}' if call.error else ''}" if call.status else f"no answer: {call.error}"
    return f"{named + ' ' if named else ''}-> {answer}{retry}"
