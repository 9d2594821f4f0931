"""Advice on setups that AWS accepts and that are known to go wrong in production."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pytest_lambda_esm.advice_catalogue import CATALOGUE
from pytest_lambda_esm.observe.timeline import Timeline


class Advice:
    """Collects advice until :meth:`take` returns it: each code once for each subject, and no text twice.

    The timeline shows it at once. No warning is raised at once, because advice arises inside API calls of code under
    test, which must not fail. ``ignored`` are the codes that are never given; ``off`` stands for all of them.
    """

    def __init__(self, timeline: Timeline, ignored: Collection[str] = (), *, off: bool = False) -> None:
        self._timeline = timeline
        self._ignored = frozenset(CATALOGUE if off else ignored)
        self._known: set[tuple[str, str, str]] = set()
        self._suspected: dict[tuple[str, str], dict[str, Any]] = {}
        self._refuted: set[tuple[str, str]] = set()
        self._given: set[str] = set()
        self._untaken: list[str] = []

    def give(self, code: str, subject: str, *, about: str = "", **details: Any) -> None:
        """Give the advice of a code about a subject, unless it is ignored or was given before.

        ``details`` fill in its text. ``about`` tells several problems of one subject apart.
        """
        key = code, subject, about
        if key in self._known:
            return
        self._known.add(key)
        if code in self._ignored:
            return
        text = CATALOGUE[code].text(details)
        if text not in self._given:
            self._given.add(text)
            self._untaken.append(text)
            self._timeline.add("advice", subject, text)

    def suspect(self, code: str, subject: str, **details: Any) -> None:
        """Give this advice when it is taken, unless :meth:`refute` is called for it before."""
        key = code, subject
        if key not in self._suspected and key not in self._refuted:
            self._suspected[key] = details

    def refute(self, code: str, subject: str) -> None:
        """Never give this advice because of a suspicion: the subject has been seen to do it right."""
        self._refuted.add((code, subject))
        self._suspected.pop((code, subject), None)

    def take(self) -> list[str]:
        """Return the advice that was given since the last call."""
        for (code, subject), details in self._suspected.items():
            self.give(code, subject, **details)
        self._suspected.clear()
        taken, self._untaken = self._untaken, []
        return taken
