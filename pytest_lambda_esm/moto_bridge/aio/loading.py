"""When aiobotocore is used: nothing here imports it.

Every client of aiobotocore is created by an ``AioSession``, whose constructor calls that of botocore's ``Session``. So
whatever was not imported when the fake started is found there, before its first client exists.

Seen with aiobotocore 2.25.1, 3.8.0, 3.9.2 and 3.10.0: ``AioSession.__init__``; with botocore 1.36.0 to 1.44.5:
``Session.__init__``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from botocore.session import Session

from pytest_lambda_esm.moto_bridge.botocore_retries import BackoffPatch
from pytest_lambda_esm.moto_bridge.client_calls import ClientCalls
from pytest_lambda_esm.moto_bridge.waits import ResponseWaits
from pytest_lambda_esm.patching import Patches, original_of

_SESSIONS: Final = "aiobotocore.session"
"""The module that imports all others that a client needs."""


def install_clients(
    patches: Patches, client_calls: ClientCalls, waits: ResponseWaits, on_error: Callable[[BaseException], None]
) -> None:
    """Answer the requests of aiobotocore's clients, as :mod:`.clients` does, or refuse a version that is too different.

    ``on_error`` is called with each refusal, which is raised as well.
    """

    def connect() -> None:
        from pytest_lambda_esm.moto_bridge.aio import versions

        part = versions.missing()
        if part is not None:
            versions.refuse(patches, part, on_error)
            return
        from pytest_lambda_esm.moto_bridge.aio import clients

        clients.install(patches, client_calls, waits, on_error)

    _when_used(patches, connect)


def install_pauses(patches: Patches, backoff: BackoffPatch, sleep: Callable[[float], None] | None) -> None:
    """Call ``sleep`` (seconds) in the pauses of aiobotocore's clients, as :mod:`.pauses` does; None for real pauses."""

    def connect() -> None:
        from pytest_lambda_esm.moto_bridge.aio import versions

        if versions.missing() is None:
            from pytest_lambda_esm.moto_bridge.aio import pauses

            pauses.install(patches, backoff, sleep)

    _when_used(patches, connect)


def _when_used(patches: Patches, connect: Callable[[], None]) -> None:
    """Call ``connect`` once: now if aiobotocore is imported, else before its first session is created."""
    if _SESSIONS in sys.modules:
        connect()
        return
    original = original_of(Session, "__init__")
    waiting = [connect]

    def __init__(session: Any, *args: Any, **kwargs: Any) -> None:
        if waiting and _SESSIONS in sys.modules:
            waiting.pop()()
        original(session, *args, **kwargs)

    patches.set(Session, "__init__", __init__)
