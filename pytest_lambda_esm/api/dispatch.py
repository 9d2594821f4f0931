"""What every operation goes through, once: the clock, the log of calls, validation, and the words of an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_lambda_esm.api.api_error import ApiError
from pytest_lambda_esm.api.service_model import LambdaModel, Match
from pytest_lambda_esm.observe.calls import Call, Calls
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.wire import Reply, WireRequest


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request belongs, and the id that its answer has."""

    account_id: str
    region: str
    request_id: str = ""


Operation = Callable[[Caller, dict[str, Any]], Mapping[str, Any]]


class Clock(Protocol):
    """What the dispatcher needs of the clock."""

    @property
    def instant(self) -> int:
        """Now, in microseconds since the epoch."""
        ...

    def follow_wall(self) -> None:
        """Catch up with a wall clock that the user moved."""
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
        self._shared = shared
        self._side_by_side = side_by_side
        self._one_at_a_time = threading.RLock()

    def is_ours(self, request: WireRequest) -> bool:
        """Whether moto has no part in the answer."""
        match = self._model.match(request.method, request.path)
        return match is not None and self._takes(match)

    def answer(self, request: WireRequest, otherwise: Callable[[], Reply]) -> Reply:
        """Answer a request; ``otherwise`` is moto's own answer, for operations that are not ours.

        An error of AWS becomes its reply. Anything else that goes wrong is an exception that fails the test.
        """
        self._clock.follow_wall()
        match = self._model.match(request.method, request.path)
        if match is None:
            return otherwise()
        name = match.operation.name
        place, instant = len(self._timeline), self._clock.instant
        params: dict[str, Any] = {}
        request_id = self._new_id()
        try:
            if self._takes(match):
                reply = self._ours(match, request, params, request_id)
            else:
                params.update(self._readable(match, request))
                reply = otherwise()
        except ApiError as error:
            reply = self._model.render_error(error)
        reply.headers.setdefault("x-amzn-RequestId", request_id)
        self._log(name, params, request, reply, instant, place)
        return reply

    def _takes(self, match: Match) -> bool:
        """Whether we answer; of an operation that is shared with moto, what the request's URI says is ours."""
        name = match.operation.name
        return name in self._operations and (name not in self._shared or self._shared[name](match.uri))

    def _ours(self, match: Match, request: WireRequest, params: dict[str, Any], request_id: str) -> Reply:
        params.update(self._parsed(match, request))
        self._model.validate(match.operation, params)
        operation = self._operations[match.operation.name]
        caller = Caller(request.account_id, request.region, request_id)
        if match.operation.name in self._side_by_side:
            result = operation(caller, params)
        else:
            with self._one_at_a_time:
                result = operation(caller, params)
        return self._model.render(match.operation, result)

    def _parsed(self, match: Match, request: WireRequest) -> dict[str, Any]:
        return self._model.parse(
            match.operation, uri=match.uri, query=request.query, headers=request.headers, body=request.body
        )

    def _readable(self, match: Match, request: WireRequest) -> dict[str, Any]:
        try:
            return self._parsed(match, request)
        except ApiError:
            return {}  # moto judges the requests that are its own; the log shows what can be read.

    def _log(
        self, name: str, params: dict[str, Any], request: WireRequest, reply: Reply, instant: int, place: int
    ) -> None:
        error = reply.headers.get("x-amzn-errortype")
        attempt = request.headers.get("amz-sdk-request", "").partition("attempt=")[2].partition(";")[0]
        call = Call(
            operation=name,
            params=params,
            account_id=request.account_id,
            region=request.region,
            instant=instant,
            request_id=reply.headers["x-amzn-RequestId"],
            status=reply.status,
            error=error,
            attempt=int(attempt) if attempt.isdigit() else 1,
            logical_id=request.headers.get("amz-sdk-invocation-id", ""),
        )
        self._calls.add(call)
        self._timeline.insert(place, "call", name, _outcome(call), instant)
        self._answered(call)


def _outcome(call: Call) -> str:
    named = next((str(call.params[name]) for name in ("UUID", "FunctionName") if name in call.params), "")
    retry = f" (attempt {call.attempt})" if call.attempt > 1 else ""
    return f"{named + ' ' if named else ''}-> {call.status}{f' {call.error}' if call.error else ''}{retry}"
