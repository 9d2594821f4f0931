"""What a virtual clock needs of the process's wall clocks."""

from __future__ import annotations

from typing import Protocol


class Wall(Protocol):
    """What makes the process's wall clocks show virtual time. Instants are microseconds since the epoch."""

    def show(self, instant: int) -> None:
        """From now on the wall clocks of the process say ``instant``."""
        ...

    def read(self) -> int | None:
        """What the wall clocks say, or None where nothing is frozen."""
        ...

    def identity(self) -> object:
        """The freezer on top: another one when the user has frozen time once more, or has ended that."""
        ...
