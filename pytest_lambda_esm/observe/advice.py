"""Advice on setups that AWS accepts and that are known to go wrong in production."""

from __future__ import annotations

from pytest_lambda_esm.observe.timeline import Timeline


class Advice:
    """Collects advice, each text once, until :meth:`take` returns it. The timeline shows it at once.

    No warning is raised at once, because advice arises inside API calls of code under test, which must not fail.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._seen: set[str] = set()
        self._untaken: list[str] = []

    def give(self, subject: str, text: str) -> None:
        """Add advice about a subject, unless the same text was given before."""
        if text not in self._seen:
            self._seen.add(text)
            self._untaken.append(text)
            self._timeline.add("advice", subject, text)

    def take(self) -> list[str]:
        """Return the advice that was given since the last call."""
        taken, self._untaken = self._untaken, []
        return taken
