"""What the simulation needs of its clock and its journal, declared once for every folder.

``clock.virtual.VirtualClock`` is the clock and ``observe.fates.Journal`` the journal of a fake; unit tests of a part
may give it smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Clock(Protocol):
    """Virtual time. Instants are microseconds since the epoch."""

    @property
    def instant(self) -> int:
        """Now."""
        ...

    def call_at(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Any:
        """Schedule an action; ``about`` says what it is, for people. Returns what :meth:`cancel` takes."""
        ...

    def call_in_background(self, instant: int, action: Callable[[], None], about: Callable[[], str]) -> Any:
        """Schedule an action that does not keep the clock from being idle."""
        ...

    def cancel(self, event: Any) -> None:
        """Take a scheduled action back."""
        ...

    def wait_until(self, instant: int) -> None:
        """Move time forward to an instant, and run what is due until then."""
        ...

    def occupied(self, about: Callable[[], str]) -> AbstractContextManager[Any]:
        """Refuse to move time while something runs that must not see it move."""
        ...

    def show(self, instant: int) -> None:
        """Show an instant on the wall clocks."""
        ...

    def follow_wall(self) -> None:
        """Catch up with a wall clock that the user moved."""
        ...


class Journal(Protocol):
    """Where the simulation reports what happened."""

    def add(self, kind: str, subject: str, text: str, items: tuple[str, ...] = (), at: int | None = None) -> int:
        """Note an entry in the timeline, and return its instant; ``items`` are the ids of the records concerned."""
        ...

    def fate(
        self, source: str, records: Sequence[str], fate: str, text: str, why: Callable[[int], str] | None = None
    ) -> None:
        """Note the final fate of records; ``why`` tells of each, by its place, what the text leaves open."""
        ...
