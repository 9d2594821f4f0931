"""How long a stream lane waits before it tries again. AWS documents none of it; the spans are settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, in microseconds: ``first`` after the first failure, never more than ``longest``."""

    first: int
    longest: int

    def after(self, failures: int) -> int:
        """How long to wait after so many failures, from 1."""
        return min(self.first << min(failures - 1, 40), self.longest)
