"""Judges each call that a handler makes with its function's own credentials, and answers those that are refused.

Calls are judged where botocore hands a request to moto, so that botocore's own parser raises the error. Seen with moto
5.1.9, 5.1.22 and 5.2.5: ``BotocoreStubber.process_request``, ``STSBackend.assumed_roles``, ``User.access_keys``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.faults.effects import AwsError
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.moto_bridge.client_calls import ClientCall, ClientCalls
from pytest_lambda_esm.moto_bridge.error_responses import error_response
from pytest_lambda_esm.moto_bridge.permissions.actions import needed
from pytest_lambda_esm.moto_bridge.permissions.enforcement import Enforcement
from pytest_lambda_esm.moto_bridge.permissions.judge import session_arn
from pytest_lambda_esm.moto_bridge.permissions.places import Place, Unresolved
from pytest_lambda_esm.moto_bridge.permissions.wording import access_denied
from pytest_lambda_esm.patching import Patches, original_of


class HandlerCalls:
    """The calls of handlers. ``running`` returns the function that the calling thread runs, or None."""

    def __init__(
        self,
        enforcement: Enforcement,
        client_calls: ClientCalls,
        running: Callable[[], FunctionConfiguration | None],
        new_id: Callable[[], str],
    ) -> None:
        self._enforcement = enforcement
        self._client_calls = client_calls
        self._running = running
        self._new_id = new_id

    def install(self, patches: Patches) -> None:
        """Judge each request from now on."""
        original = original_of(BotocoreStubber, "process_request")

        def process_request(stubber: Any, request: Any) -> Any:
            __tracebackhide__ = is_for_the_author
            call = self._client_calls.current
            function = self._running() if call is not None else None
            error = self._refusal(call, function, request) if call is not None and function is not None else None
            if call is None or error is None:
                return original(stubber, request)
            return error_response(call.service_model, error, self._new_id(), has_body=request.method != "HEAD")

        patches.set(BotocoreStubber, "process_request", process_request)

    def _refusal(self, call: ClientCall, function: FunctionConfiguration, request: Any) -> AwsError | None:
        what = f"{call.service}.{call.operation}"
        if _belongs_to_another(_key_of(request), function):
            self._enforcement.cannot_judge(function, what, "the client has credentials of another role or of a user")
            return None
        try:
            accesses = needed(call.service, call.operation, call.params, Place(function.account_id, call.region))
        except (Unresolved, KeyError, TypeError) as error:
            reason = str(error) if isinstance(error, Unresolved) else "its parameters do not name the resource"
            self._enforcement.cannot_judge(function, what, reason)
            return None
        for access in accesses:
            verdict = self._enforcement.of_function(function, access, f"{function.name} calls {what}")
            if verdict is not None:
                return access_denied(call.service_model, session_arn(function), access, verdict)
        return None


def _key_of(request: Any) -> str:
    """Return the id of the access key that signed a request."""
    header = request.headers.get("Authorization") or ""
    text = header.decode() if isinstance(header, bytes) else str(header)
    return text.partition("Credential=")[2].partition("/")[0]


def _belongs_to_another(key: str, function: FunctionConfiguration) -> bool:
    """Whether moto has created an access key, for a user or for a role that was assumed."""
    if not key.startswith(("AKIA", "ASIA")):
        return False
    account_id, partition = function.account_id, partition_of(function.region)
    if any(role.access_key_id == key for role in sts_backends[account_id][partition].assumed_roles):
        return True
    users = iam_backends[account_id][partition].users.values()
    return any(own.access_key_id == key for user in users for own in user.access_keys)
