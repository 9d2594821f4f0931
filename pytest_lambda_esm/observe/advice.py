"""Advice: what AWS accepts, and what is known to go wrong in production."""

from __future__ import annotations

from pytest_lambda_esm.observe.timeline import Timeline


class Advice:
    """Collects advice, each piece once, until somebody takes it. The timeline shows it at once.

    It is not given where it arises: that is inside an API call of code under test, which is not to be disturbed.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._seen: set[str] = set()
        self._untaken: list[str] = []

    def give(self, subject: str, text: str) -> None:
        """Note a piece of advice about a subject."""
        if text not in self._seen:
            self._seen.add(text)
            self._untaken.append(text)
            self._timeline.add("advice", subject, text)

    def take(self) -> list[str]:
        """The advice that has come up since this was last asked."""
        taken, self._untaken = self._untaken, []
        return taken
