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

from pytest_lambda_esm.patching import Patches, original_of

_SESSIONS: Final = "aiobotocore.session"
"""The module that imports all others that a client needs."""


def when_used(patches: Patches, connect: Callable[[], None]) -> None:
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
