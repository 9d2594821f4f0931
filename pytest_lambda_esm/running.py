"""Who is told when a fake starts and ends: the pytest plugin, for the fakes that its fixture did not open."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Protocol


class Observer(Protocol):
    """Notices the fakes that tests open themselves, with ``with FakeLambda()`` and the like."""

    def opened(self, fake: Any) -> None:
        """Called when a fake has started."""
        ...

    def closing(self, fake: Any, error: BaseException | None) -> None:
        """Called before a fake ends, while what happened in it can still be read; ``error`` is what ends it, if any."""
        ...


OBSERVER: Final[ContextVar[Callable[[], Observer] | None]] = ContextVar("lambda_esm_observer", default=None)
"""Returns the observer of this test run; None outside of pytest. The threads of a test have none."""


def find_observer() -> Observer | None:
    """Return the observer of this test run, if pytest runs and this is not another thread of a test."""
    find = OBSERVER.get()
    return find() if find is not None else None


def opener(place: str, is_outside: bool) -> str:
    """Say which test opens a fake, and where, for the error of a second one."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if not is_outside:
        return f"that of the lambda_esm fixture of {test}"
    return f"{test} started it at {place}" if test else f"it was started at {place}"
