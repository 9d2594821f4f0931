"""Metrics that are counted."""

from __future__ import annotations


class Counters(dict[str, int]):
    """How often each metric was counted; one that never was is 0, and is not there.

    Like a ``collections.Counter``, whose items are set by way of a method in Python; pollers count with each batch.
    """

    def __missing__(self, metric: str) -> int:
        return 0
