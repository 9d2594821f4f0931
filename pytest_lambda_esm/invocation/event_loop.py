"""The running event loop of an asynchronous test, out of a handler's sight.

In Lambda a handler is called where no loop runs, so it may call ``asyncio.run``. Here it may be called from a coroutine
of the test, in the thread whose loop runs that. Seen with Python 3.10 to 3.13; from 3.14 on, asyncio refuses a second
task in a thread even when its loop is another one, so the task is set aside as well.
"""

from __future__ import annotations

import sys
from typing import Any

SetAside = tuple[Any, Any]
"""A loop, and the task that it runs or None."""


def set_aside() -> SetAside | None:
    """Let it look as if no loop ran in this thread; None where none does."""
    asyncio: Any = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if loop is None:
        return None
    task = asyncio.current_task(loop)
    if task is not None:
        asyncio.tasks._leave_task(loop, task)
    asyncio._set_running_loop(None)
    return loop, task


def put_back(aside: SetAside) -> None:
    """Let the loop run again."""
    loop, task = aside
    asyncio: Any = sys.modules["asyncio"]
    asyncio._set_running_loop(loop)
    if task is not None:
        asyncio.tasks._enter_task(loop, task)
