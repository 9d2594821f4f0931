"""In which order what is due at the same instant has its turn: pollers' lanes and asynchronous events.

By default it is always the same: the order in which they were scheduled. An interleaving is another order, chosen by a
number; AWS guarantees none between shards, mappings and events.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_lambda_esm.clock.events import Event

_LAST: Final = 1 << 62
"""Greater than each sequence number, so that what else is due at the instant comes first."""


class Turns:
    """One interleaving. ``ties`` counts how often something was due at an instant at which something else was."""

    def __init__(self, interleaving: int) -> None:
        self._randomness = random.Random(f"interleaving {interleaving}")
        self._dues: set[int] = set()
        self.ties = 0

    def schedule(
        self, call_at: Callable[..., Event], instant: int, action: Callable[[], Any], about: Callable[[], str]
    ) -> Event:
        """Schedule an action at its place in the interleaving."""
        self.ties += instant in self._dues
        self._dues.add(instant)
        return call_at(instant, action, about, _LAST + self._randomness.getrandbits(40))


def turns_of(interleaving: int) -> Turns | None:
    """Return the turns of an interleaving; 0 is the order in which things are scheduled."""
    return Turns(interleaving) if interleaving else None
