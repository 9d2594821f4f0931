"""The protocols of the clock and the journal, as the simulation uses them.

In a fake they are ``clock.virtual.EventClock`` and ``observe.fates.Journal``; unit tests may pass simpler ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pytest_lambda_esm.vocabulary import EntryKind, FateName


class Clock(Protocol):
    """Virtual time. Instants are microseconds since the epoch."""

    @property
    def instant(self) -> int:
        """The current virtual time."""
        ...

    def call_at(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Any:
        """Schedule an action; ``about()`` describes it to users. Return the event, for :meth:`cancel`."""
        ...

    def call_in_turn(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Any:
        """Schedule an action that competes with others of its kind at the same instant."""
        ...

    def call_in_background(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Any:
        """Schedule an action for which ``run_until_idle`` does not wait."""
        ...

    def cancel(self, event: Any) -> None:
        """Cancel a scheduled event."""
        ...

    def wait_until(self, instant: int) -> None:
        """Move time forward to an instant, and run the events that are due until then."""
        ...

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """Refuse to move time while the block runs; ``about()`` describes the block to users."""
        ...

    def show(self, instant: int) -> None:
        """Show an instant on the wall clocks, without moving time."""
        ...

    def follow_wall(self) -> None:
        """Catch up with a wall clock that the user moved."""
        ...


class Journal(Protocol):
    """Records what happens in the simulation."""

    def add(self, kind: EntryKind, subject: str, text: str, items: tuple[str, ...] = (), at: int | None = None) -> int:
        """Add an entry to the timeline, and return its instant; ``items`` are the ids of the records concerned."""
        ...

    def fate(
        self, source: str, records: Sequence[str], fate: FateName, text: str, why: Callable[[int], str] | None = None
    ) -> None:
        """Record the final fate of records; ``why(index)`` returns what to add to the text for one record."""
        ...

    @property
    def advice(self) -> Advice:
        """Takes advice about what happens."""
        ...


class Advice(Protocol):
    """Takes advice: a code of ``advice_catalogue``, and the mapping's UUID or the function's name that it is about.

    ``details`` fill in the text of the code.
    """

    def give(self, code: str, subject: str, *, about: str = "", **details: Any) -> None:
        """Give advice, once for each code and subject; ``about`` tells several problems of a subject apart."""
        ...

    def suspect(self, code: str, subject: str, **details: Any) -> None:
        """Give advice at the end, unless it is refuted."""
        ...

    def refute(self, code: str, subject: str) -> None:
        """Say that a subject has been seen to do it right."""
        ...
