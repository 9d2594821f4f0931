"""Where the simulation says what happened: the timeline, and the ledger of fates, kept in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_lambda_esm.observe.fates import FateLedger
from pytest_lambda_esm.observe.timeline import Timeline


class Journal:
    """Writes the timeline and the ledger. ``add`` notes an entry in the timeline only, and is the timeline's own."""

    def __init__(self, timeline: Timeline, ledger: FateLedger) -> None:
        self._ledger = ledger
        self.add = timeline.add

    def fate(
        self, source: str, records: Sequence[str], fate: str, text: str, why: Callable[[int], str] | None = None
    ) -> None:
        """Records have met their final fate; ``why`` says of each by its place what the text leaves open."""
        ids = tuple(records)
        at = self.add("fate", source, text, ids)
        self._ledger.note(source, ids, fate, at, text, why)
