"""An invocation that is wanted, whoever wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.mappings.mapping import Mapping as EventSourceMapping

MakeEvent: TypeAlias = Callable[[], Any]
"""Makes an event, a new object each time, so that what a handler changes in it does not leak."""


class Request(NamedTuple):
    """``function`` is the version that is to run, ``invoked_arn`` the ARN that it was asked for by.

    ``event()`` makes the event anew each time; ``attempt`` counts from 1; ``depth`` is how many invocations led here.
    """

    function: FunctionConfiguration
    invoked_arn: str
    event: MakeEvent
    request_id: str
    attempt: int = 1
    depth: int = 0
    mapping: EventSourceMapping | None = None
    client_context: Mapping[str, Any] | None = None
