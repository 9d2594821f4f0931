"""Requests of aiobotocore's clients are answered where those of botocore's are: by moto, inside the call.

* ``AioBaseClient._emit_api_params`` and ``_make_request`` say which call is in progress, as in ``client_calls.py``.
* moto answers in the event ``before-send``. ``first_non_none_response`` picks its answer, which is made awaitable
  there, before anything reads it. ``_do_get_response`` emits the event; bodies that have to be awaited are read before.
* ``send`` of both HTTP sessions is the way to the network, which clients take that were created before moto was
  imported.
* ``AioRequestSigner.get_auth_instance`` signs, also for clients that have found no credentials.

Seen with aiobotocore 2.25.1, 3.8.0, 3.9.2 and 3.10.0.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import aiobotocore.endpoint
from aiobotocore.client import AioBaseClient
from aiobotocore.credentials import AioCredentials
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.signers import AioRequestSigner

from pytest_lambda_esm.clock.event_loops import is_virtual
from pytest_lambda_esm.errors import NotSimulated, is_for_the_author
from pytest_lambda_esm.moto_bridge import network_guard
from pytest_lambda_esm.moto_bridge.aio.answers import awaitable
from pytest_lambda_esm.moto_bridge.client_calls import ClientCalls, note_parameters
from pytest_lambda_esm.moto_bridge.session import PLACEHOLDERS
from pytest_lambda_esm.moto_bridge.waits import NotYet, Owed, ResponseWaits, noted, waiting
from pytest_lambda_esm.patching import Patches, original_of

OnError = Callable[[BaseException], None]


def install(patches: Patches, client_calls: ClientCalls, waits: ResponseWaits, on_error: OnError) -> None:
    """Answer the requests of all clients, also of those created before.

    ``on_error`` is called with each refusal, which is raised as well.
    """
    _track_calls(patches, client_calls)
    _await_answers(patches, client_calls, waits, on_error)
    _guard_sessions(patches, on_error)
    _sign_without_credentials(patches)


def _track_calls(patches: Patches, client_calls: ClientCalls) -> None:
    emit = original_of(AioBaseClient, "_emit_api_params")
    make = original_of(AioBaseClient, "_make_request")

    async def _emit_api_params(client: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        note_parameters(context, api_params)
        return await emit(client, api_params=api_params, operation_model=operation_model, context=context)

    async def _make_request(client: Any, operation_model: Any, request_dict: Any, request_context: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        with client_calls.carried(client_calls.begun(client, operation_model, request_context)):
            response = await make(client, operation_model, request_dict, request_context)
        return client_calls.watched(operation_model, request_context, response)

    patches.set(AioBaseClient, "_emit_api_params", _emit_api_params)
    patches.set(AioBaseClient, "_make_request", _make_request)


def _await_answers(patches: Patches, client_calls: ClientCalls, waits: ResponseWaits, on_error: OnError) -> None:
    pick = original_of(aiobotocore.endpoint, "first_non_none_response")
    get_response = original_of(AioEndpoint, "_do_get_response")

    async def _do_get_response(endpoint: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        owed = waits.owed(client_calls.current, repeats=is_virtual(_running_loop(on_error)))
        body = request.body
        request.body = await _read(body)
        try:
            response = await _answered(owed, lambda: get_response(endpoint, request, *args, **kwargs))
        finally:
            request.body = body  # A retry rewinds it.
        if owed.until and waits.left(owed):
            await _wait(waits, owed)
        for action in owed.actions:
            action()
        return response

    patches.set(
        aiobotocore.endpoint, "first_non_none_response", lambda *args, **kwargs: awaitable(pick(*args, **kwargs))
    )
    patches.set(AioEndpoint, "_do_get_response", _do_get_response)


def _running_loop(on_error: OnError) -> asyncio.AbstractEventLoop:
    __tracebackhide__ = True
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        refused = NotSimulated(
            "clients of aiobotocore are simulated on asyncio only, and no loop of asyncio runs here. Run this test on"
            " asyncio: with anyio, let the fixture anyio_backend return 'asyncio'."
        )
        on_error(refused)
        raise refused from None


async def _read(body: Any) -> Any:
    """Return the bytes of a body that has to be awaited, which moto cannot do; others are returned as they are."""
    if body is None or isinstance(body, (bytes, str)):
        return body
    read = getattr(body, "read", None)
    if read is not None and (inspect.iscoroutinefunction(read) or hasattr(body, "__aiter__")):
        return await read()
    if read is None and hasattr(body, "__aiter__"):
        return b"".join([chunk async for chunk in body])
    return body


async def _answered(owed: Owed, answer: Callable[[], Awaitable[Any]]) -> Any:
    """Return the answer to a request, once there is one."""
    __tracebackhide__ = is_for_the_author
    while True:
        try:
            with noted(owed):
                return await answer()
        except NotYet as pause:
            seconds = pause.seconds
        await _sleep(seconds)


async def _wait(waits: ResponseWaits, owed: Owed) -> None:
    """Let the calling task wait for its response, while others run."""
    if is_virtual(asyncio.get_running_loop()):
        await _sleep(waits.left(owed))
    else:
        await asyncio.sleep(0)
        waits.wait(waits.left(owed))


async def _sleep(seconds: float) -> None:
    """Sleep in virtual time. It is not looked up in ``asyncio``, where the test may have put another one."""
    with waiting():
        await asyncio.tasks.sleep(seconds)


def _guard_sessions(patches: Patches, on_error: OnError) -> None:
    async def send(session: Any, request: Any) -> Any:
        return awaitable(network_guard.answer(request, on_error))

    patches.set(AIOHTTPSession, "send", send)
    patches.set(HttpxSession, "send", send)


def _sign_without_credentials(patches: Patches) -> None:
    original = original_of(AioRequestSigner, "get_auth_instance")

    def get_auth_instance(signer: Any, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        if signer._credentials is None and kwargs.get("request_credentials") is None:
            kwargs["request_credentials"] = AioCredentials(*PLACEHOLDERS)
        auth: Awaitable[Any] = original(signer, *args, **kwargs)
        return auth

    patches.set(AioRequestSigner, "get_auth_instance", get_auth_instance)
