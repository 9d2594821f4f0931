"""Whatever else of moto invokes a function: its payload goes to the function's asynchronous queue, as on AWS.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: Secrets Manager and EventBridge's notifications call
``LambdaBackend.invoke``, other services ``LambdaFunction.invoke``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.patching import Patches


def install(patches: Patches, queue: Callable[[str, str], None]) -> None:
    """Queue what moto would invoke at once: ``queue(arn, payload)``."""

    def invoke_function(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        queue(self.function_arn, _text(body))
        return b""

    def invoke_by_name(
        self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes:
        queue(_arn(self, function_name, qualifier), _text(body))
        return b""

    patches.set(LambdaFunction, "invoke", invoke_function)
    patches.set(LambdaBackend, "invoke", invoke_by_name)
    patches.set(LambdaSimpleBackend, "invoke", invoke_by_name)


def _arn(backend: Any, name: str, qualifier: str | None) -> str:
    arn = name
    if not name.startswith("arn:"):
        arn = (
            f"arn:{partition_of(backend.region_name)}:lambda:{backend.region_name}:{backend.account_id}:function:{name}"
        )
    return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body or "{}")
