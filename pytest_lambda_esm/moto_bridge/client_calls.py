"""Which call of which client is in progress in each thread or task, which moto does not know, and its timeouts.

``BaseClient._make_api_call`` calls ``_emit_api_params``, with the parameters as the caller gave them, and
``_make_request``, with all attempts. It is not replaced itself: tracers (X-Ray, OpenTelemetry, ddtrace) and tests put
theirs there, and restore it at any time.

Seen with botocore 1.36.0, 1.36.26, 1.43.117 and 1.44.5: these methods, ``meta.config``, ``meta.service_model``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError
from botocore.model import ServiceModel

from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.invocation.power_cut import Cuts
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.moto_bridge.waits import ResponseWaits, during
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.ports import Advice
from pytest_lambda_esm.timing import microseconds

_PARAMS: Final = "lambda_esm_params"
"""The key of a call's parameters in botocore's context of the call."""

_UNNOTICED: Final[ContextVar[bool]] = ContextVar("lambda_esm_unnoticed", default=False)


def is_unnoticed() -> bool:
    """Whether the request in progress is a service's own: no log contains it, and no fault strikes it."""
    return _UNNOTICED.get()


@contextmanager
def unnoticed() -> Iterator[None]:
    """Make requests that a service makes itself, as CloudFormation does for the resources of a stack."""
    with during(_UNNOTICED, True):
        yield


@dataclass(frozen=True, slots=True)
class ClientCall:
    """One call of a client, with all its attempts; timeouts are in seconds, None where the client waits forever.

    ``retries`` is the client's configuration of retries. Of a client in another process, which sends its requests over
    HTTP, neither is known.
    """

    service_model: ServiceModel
    operation: str
    params: Mapping[str, Any]
    region: str
    connect_timeout: float | None
    read_timeout: float | None
    retries: Mapping[str, Any] | None = None
    over_http: bool = False

    @property
    def service(self) -> str:
        """The service's name in boto3, such as ``sqs``."""
        return str(self.service_model.service_name)


_CURRENT: Final[ContextVar[ClientCall | None]] = ContextVar("lambda_esm_call", default=None)


class ClientCalls:
    """The calls in progress.

    ``watch`` takes the parameters and the parsed response of each Invoke, and returns what the caller gets. ``cuts``
    are the invocations that end after some writes.
    """

    def __init__(self) -> None:
        self.watch: Callable[[Mapping[str, Any], Any], Any] | None = None
        self.cuts: Cuts | None = None

    @property
    def current(self) -> ClientCall | None:
        """The innermost call of this thread, or of this task of asyncio, or None."""
        return _CURRENT.get()

    @contextmanager
    def carried(self, call: ClientCall) -> Iterator[None]:
        """Make a call the current one meanwhile."""
        with during(_CURRENT, call):
            yield

    @contextmanager
    def over_http(self, call: ClientCall) -> Iterator[None]:
        """Make a call that came over HTTP the current one. Raises CutOff in a handler that has been cut off."""
        if self.cuts is not None and self.cuts.are_open:
            self.cuts.before_call()
        with self.carried(call):
            yield

    def note_success(self, call: ClientCall) -> None:
        """Note that a call that came over HTTP has been done. Raises CutOff where a cut is due."""
        if self.cuts is not None and self.cuts.are_open:
            self.cuts.after_call(call.service, call.operation)

    def install(self, patches: Patches) -> None:
        """Track the calls of all clients from now on, also of those created before."""
        emit = original_of(BaseClient, "_emit_api_params")
        make = original_of(BaseClient, "_make_request")

        def _emit_api_params(client: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            note_parameters(context, api_params)
            return emit(client, api_params=api_params, operation_model=operation_model, context=context)

        def _make_request(client: Any, operation_model: Any, request_dict: Any, request_context: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            token = _CURRENT.set(self.begun(client, operation_model, request_context))
            try:
                response = make(client, operation_model, request_dict, request_context)
            finally:
                _CURRENT.reset(token)
            return self.watched(operation_model, request_context, response)

        patches.set(BaseClient, "_emit_api_params", _emit_api_params)
        patches.set(BaseClient, "_make_request", _make_request)

    def begun(self, client: Any, operation_model: Any, context: Mapping[str, Any]) -> ClientCall:
        """Return the call that a client begins. Raises CutOff in a handler that has been cut off."""
        if self.cuts is not None and self.cuts.are_open:
            self.cuts.before_call()
        meta = client.meta
        config = meta.config
        return ClientCall(
            meta.service_model,
            operation_model.name,
            context.get(_PARAMS, {}),
            meta.region_name,
            config.connect_timeout,
            config.read_timeout,
            config.retries,
        )

    def watched(self, operation_model: Any, context: Mapping[str, Any], response: Any) -> Any:
        """Return what the caller gets for what ``_make_request`` has returned. Raises CutOff where a cut is due."""
        if self.cuts is not None and self.cuts.are_open and response[0].status_code < 300:
            self.cuts.after_call(operation_model.service_model.service_name, operation_model.name)
        watch = self.watch
        if watch is None or operation_model.name != "Invoke":
            return response
        http, parsed = response
        return http, watch(context.get(_PARAMS, {}), parsed)


def note_parameters(context: dict[str, Any], params: Any) -> None:
    """Keep the parameters of a call as the caller gave them in botocore's context of the call."""
    context[_PARAMS] = params


class ClientTime:
    """A caller's time, bounded by its client's read timeout."""

    def __init__(self, runtime: Runtime, client_calls: ClientCalls, waits: ResponseWaits, advice: Advice) -> None:
        self._runtime = runtime
        self._advice = advice
        self._client_calls = client_calls
        self._waits = waits

    def now(self) -> int:
        """The caller's time in microseconds since the epoch."""
        return self._waits.now()

    def wait_until(self, instant: int) -> None:
        """Move the caller's time to an instant. Raises botocore's ReadTimeoutError where the client gives up before."""
        __tracebackhide__ = True
        call = self._client_calls.current
        if call is None or call.read_timeout is None:
            self._waits.wait_until(instant)
            return
        timeout = self.now() + microseconds(call.read_timeout)
        self._waits.wait_until(min(instant, timeout))
        if instant > timeout:
            if (call.retries or {}).get("total_max_attempts") != 1:
                name = str(call.params.get("FunctionName"))
                self._advice.give("ESM126", name, function=name, timeout=call.read_timeout)
            raise ReadTimeoutError(endpoint_url=f"https://lambda.{call.region}.amazonaws.com/")

    def after_wait(self, action: Callable[[], object]) -> None:
        """Call ``action`` when the caller has waited."""
        self._waits.after_wait(action)

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """Return a context in which nothing but the handler that runs may move time."""
        return self._runtime.occupied(about)

    def depth(self) -> int:
        """Return how many invocations, each caused by the previous one, led to the caller."""
        return self._runtime.depth
