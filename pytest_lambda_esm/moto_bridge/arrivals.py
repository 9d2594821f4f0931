"""Every request to moto first catches up with a wall clock that the user moved, whatever the service and the client.

``BotocoreStubber.process_request`` receives the requests of botocore's clients and, in newer versions of moto, those of
``requests``; ``CallbackResponse.get_response`` receives the latter in all versions. Seen with moto 5.1.9, 5.1.22, 5.2.0
and 5.2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.core.custom_responses_mock import CallbackResponse

from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.patching import Patches, original_of


def install(patches: Patches, catch_up: Callable[[], None]) -> None:
    """Call ``catch_up`` before each request is answered."""
    process = original_of(BotocoreStubber, "process_request")
    respond = original_of(CallbackResponse, "get_response")

    def process_request(stubber: Any, request: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        catch_up()
        return process(stubber, request)

    def get_response(callback: Any, request: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        catch_up()
        return respond(callback, request)

    patches.set(BotocoreStubber, "process_request", process_request)
    patches.set(CallbackResponse, "get_response", get_response)
