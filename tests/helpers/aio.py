"""Clients of aiobotocore in plain tests: each test runs its own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

REGION = "us-east-1"


def client(service: str, **options: Any) -> Any:
    """Return a client of a new session, to be used with ``async with``."""
    from aiobotocore.session import get_session

    return get_session().create_client(service, region_name=REGION, **options)


def asynchronous(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a test of a coroutine function, without a plugin of pytest; fixtures are passed by name."""
    import functools

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run
