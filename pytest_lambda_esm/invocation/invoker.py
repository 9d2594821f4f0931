"""One attempt to invoke a function: for a synchronous caller, the asynchronous queue, or a mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from pytest_lambda_esm.invocation.concurrency import Concurrency
from pytest_lambda_esm.invocation.configuration import IMAGE, FunctionConfiguration
from pytest_lambda_esm.invocation.context import LambdaContext
from pytest_lambda_esm.invocation.function import Function, Registry
from pytest_lambda_esm.invocation.handlers import Handler, HandlerCall, HandlerResult, translation
from pytest_lambda_esm.invocation.local_time import TimedOut
from pytest_lambda_esm.invocation.power_cut import CutHandler
from pytest_lambda_esm.invocation.record import Invocation, Request
from pytest_lambda_esm.invocation.result import is_of_coroutine
from pytest_lambda_esm.invocation.runtime import Runtime, timeout_of
from pytest_lambda_esm.invocation.script import Outcome
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.timing import moment_of

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.archive.environment import CodeEnvironments


_PROCESS_ENDED: Final = ("timeout", "exit")


class Invoker:
    """Admits, scripts, runs and records invocations."""

    def __init__(
        self,
        *,
        clock: Clock,
        registry: Registry,
        concurrency: Concurrency,
        execution: Execution,
        recording: Recording,
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._concurrency = concurrency
        self._runtime = execution.runtime
        self._archives = execution.archives
        self._hooks = execution.hooks
        self._journal = recording.journal
        self._keep = recording.keep

    def attempt(self, request: Request, trouble: Outcome | None = None) -> Invocation | Throttled:
        """Invoke now, or be throttled. Raises HandlerError if the function has nothing to run.

        ``trouble`` is what happens to a handler that runs, rather than a scripted outcome.
        """
        configuration = request.function
        account_id, region, name = configuration.account_id, configuration.region, configuration.name
        function = self._registry.get(account_id, region, name)
        at = self._runtime.now()
        pool = self._concurrency.admit(
            (account_id, region, name),
            configuration.reserved_concurrency,
            at,
            self._clock.instant,
        )
        if isinstance(pool, str):
            return self._throttled(function, pool, at)
        end = at
        try:
            scripted = function._next_outcome()
            if trouble is not None and (scripted is None or scripted.kind == "runs"):
                scripted = trouble
            if scripted is not None and scripted.kind == "throttled":
                return self._throttled(function, scripted.value, at + (scripted.lasts or 0))
            script = f" (scripted: {scripted})" if scripted is not None else ""
            self._journal.add("invocation", name, f"begins, attempt {request.attempt}{script}", (), at)
            invocation = self._run(request, function, scripted, at)
            end = invocation._end
        finally:
            pool.leave(at, end)
        if invocation.outcome in _PROCESS_ENDED:
            self._archives.restart(configuration)
            function._note_end_of_process()
        function._remember(invocation, scripted)
        self._keep(invocation)
        return invocation

    def _throttled(self, function: Function, reason: str, at: int) -> Throttled:
        function._count("Throttles")
        self._journal.add("throttle", function.name, f"{reason}, at {moment_of(at):%H:%M:%S}", at=at)
        return Throttled(reason, at)

    def _run(self, request: Request, function: Function, scripted: Outcome | None, at: int) -> Invocation:
        configuration = request.function
        timeout = timeout_of(configuration)
        duration = function._declared_duration
        if scripted is not None:
            if scripted.lasts is not None:
                duration = scripted.lasts
            if scripted.kind == "times_out":
                timeout = duration = scripted.lasts or timeout
        handler = self._handler(configuration, function, scripted)
        if scripted is not None and scripted.writes:
            handler = CutHandler(handler, self._runtime.cuts, scripted.writes)
        if self._hooks.take_part_in_invocations():
            handler = _HookedHandler(request, handler, self._hooks)
        invocation = self._runtime.run(request, handler, start=at, duration=duration, timeout=timeout)
        if is_of_coroutine(invocation.error):
            self._journal.advice.give("ESM144", function.name, function=function.name)
        return invocation

    def _handler(self, configuration: FunctionConfiguration, function: Function, scripted: Outcome | None) -> Handler:
        if scripted is not None and scripted.kind != "runs":
            return _SCRIPTED[scripted.kind](scripted.value)
        if function.handler is not None:
            names = function._take_left_behind()
            if names:
                self._journal.advice.give("ESM201", function.name, function=function.name, names=", ".join(names))
            return function.handler
        if configuration.is_stand_in or (configuration.archive is None and configuration.runtime != IMAGE):
            raise self._registry.nothing_bound(function)
        return self._archives.handler(configuration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What an invoker runs handlers with; ``archives`` provides the handlers of deployed code."""

    runtime: Runtime
    archives: CodeEnvironments
    hooks: InvocationHooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Where an invoker records invocations; ``keep`` is called with each one that has ended."""

    journal: Journal
    keep: Callable[[Invocation], None]


class InvocationHooks(Protocol):
    """Hooks that may wrap or replace the run of a handler."""

    def take_part_in_invocations(self) -> bool:
        """Return whether :meth:`invoke` does more than run the handler."""
        ...

    def invoke(self, invocation: HandlerCall) -> HandlerResult:
        """Run a handler, or replace its run."""
        ...


@dataclass(frozen=True, slots=True)
class Throttled:
    """Lambda refused to invoke: AWS's reason, and the instant of the refusal."""

    reason: str
    at: int


class _HookedHandler:
    """Runs a handler through the hooks."""

    def __init__(self, request: Request, handler: Handler, hooks: InvocationHooks) -> None:
        self._request = request
        self._handler = handler
        self._hooks = hooks

    @property
    def as_in_lambda(self) -> Callable[[str], str]:
        """The translation of the handler's stack traces."""
        return translation(self._handler)

    def __call__(self, event: Any, context: LambdaContext) -> Any:
        request = self._request
        call = HandlerCall(
            function=request.function.name,
            handler=self._handler,
            event=event,
            context=context,
            attempt=request.attempt,
            mapping=request.mapping,
        )
        return self._hooks.invoke(call).value


def _returning(value: Any) -> Handler:
    return lambda event, context: value


def _raising(error: BaseException | type[BaseException]) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        raise error

    return handler


def _timing_out(_: Any) -> Handler:
    return _raising(TimedOut)


def _exiting(_: Any) -> Handler:
    return _raising(SystemExit)


_SCRIPTED: dict[str, Callable[[Any], Handler]] = {
    "returns": _returning,
    "raises": _raising,
    "times_out": _timing_out,
    "exits": _exiting,
}
