"""Who is told when a fake starts and ends: the pytest plugin, for the fakes that its fixture did not open."""

from __future__ import annotations

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
