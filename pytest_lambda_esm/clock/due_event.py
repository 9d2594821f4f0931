"""What a clock tells about what is to happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DueEvent:
    """What the clock tells about a pending event: when it is due (aware datetime, UTC) and what it will do."""

    due: datetime
    about: str

    def __str__(self) -> str:
        return f"{self.due:%Y-%m-%d %H:%M:%S.%f} {self.about}"
